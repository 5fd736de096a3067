"""Normalised surface Dice (NSD), as Nikolov et al. (arXiv 1809.04430) define it and google's surface-distance does.

The surface is cut into elements ("surfels"), one for each cell of 2x2x2 voxels (2x2 in 2D) that a class fills in
part. An element lies at the centre of its cell and has the area in mm2 (in 2D the length in mm) of the
marching-cubes surface with vertices halfway between voxels. NSD is the share of both surfaces' area that lies within
the tolerance of an element of the other surface.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from seglossbench.evaluation.grid import Codes, steps_of
from seglossbench.evaluation.nearest import Indices, distances_mm

Corner = tuple[int, ...]


@dataclass(frozen=True)
class Surfels:
    """The surface elements of one class: cells, each by its first voxel, and areas in mm2 (lengths in mm in 2D)."""

    cells: Indices
    areas: NDArray[np.float64]


@dataclass(frozen=True)
class SurfelDistances:
    """The elements of two surfaces: distances in mm to the other surface, or inf if beyond all tolerances; areas."""

    distances_mm: NDArray[np.float64]
    areas: NDArray[np.float64]

    def nsd(self, tolerance_mm: float) -> float:
        """The share of the area within ``tolerance_mm``, up to rounding: 0.3 mm holds a voxel of 0.30000001 mm."""
        near = self.distances_mm <= tolerance_mm * (1 + 1e-6)
        return float(self.areas[near].sum() / self.areas.sum())


def surfels_of_class(
    in_class: NDArray[np.bool_], labels: Codes, surface: Indices, spacing_mm: Sequence[float]
) -> Surfels:
    """The elements of a class of a framed label map from its ``surface`` voxels; ``in_class`` (256) tells its codes."""
    flat = labels.ravel()
    steps: Indices = np.array(_corners(labels.ndim)) @ np.array(steps_of(labels))
    cells = _cells_of(surface, steps)
    filled = np.zeros(cells.size, np.intp)
    for bit, step in enumerate(steps):
        filled |= in_class[flat[cells + step]].astype(np.intp) << bit
    areas = surfel_areas(tuple(spacing_mm))
    partly = filled < len(areas) - 1
    return Surfels(cells[partly], areas[filled[partly]])


def _cells_of(surface: Indices, steps: Indices) -> Indices:
    """The cells that have a voxel of ``surface`` in any corner, in order; so has every one that is filled in part."""
    if not surface.size:
        return surface
    first = surface.min() - steps.max()
    # marks: to sort the eight cells of each voxel takes longer
    is_cell = np.zeros(surface.max() - first + 1, bool)
    for step in steps:
        is_cell[surface - step - first] = True
    cells: Indices = np.flatnonzero(is_cell) + first
    return cells


def surfel_distances(
    truth: Surfels,
    prediction: Surfels,
    shape: Sequence[int],
    spacing_mm: Sequence[float],
    within_mm: float,
) -> SurfelDistances:
    """The elements of two surfaces in a grid of ``shape``, with all distances that matter for ``within_mm``."""
    reach_mm = within_mm * (1 + 1e-5)
    there = distances_mm(truth.cells, prediction.cells, shape, spacing_mm, reach_mm)
    back = distances_mm(prediction.cells, truth.cells, shape, spacing_mm, reach_mm)
    return SurfelDistances(np.concatenate([there, back]), np.concatenate([truth.areas, prediction.areas]))


@lru_cache(maxsize=16)
def surfel_areas(spacing_mm: tuple[float, ...]) -> NDArray[np.float64]:
    """The area of the surface in a cell, for each of the 2**(2**ndim) ways to fill its voxels.

    Bit k of the index is the voxel ``_corners(ndim)[k]``. A cell more than half full has the area of its
    complement, any other that of its connected pieces, which the surface separates.
    """
    corners = _corners(len(spacing_mm))
    areas = np.zeros(2 ** len(corners))
    for index in range(len(areas)):
        filled = [corner for bit, corner in enumerate(corners) if index >> bit & 1]
        if 2 * len(filled) > len(corners):
            filled = [corner for corner in corners if corner not in filled]
        areas[index] = sum(_area(piece, spacing_mm) for piece in _pieces(filled))
    return areas


def _area(piece: list[Corner], spacing_mm: tuple[float, ...]) -> float:
    """The area that cuts a connected piece of at most half a cell off from the rest."""
    edges = [axis for a, b in itertools.combinations(piece, 2) if (axis := _edge(a, b)) is not None]
    if len(spacing_mm) == 2:
        return spacing_mm[edges[0]] if edges else float(np.hypot(*spacing_mm)) / 2
    faces = [spacing_mm[1] * spacing_mm[2], spacing_mm[0] * spacing_mm[2], spacing_mm[0] * spacing_mm[1]]
    tip = float(np.linalg.norm(faces)) / 8  # the triangle that cuts off one voxel

    def bevel(axis: int) -> float:  # the rectangle that cuts off two voxels
        return float(np.linalg.norm(np.delete(faces, axis))) / 2

    def across() -> float:  # the face at right angles to the only axis that no edge has
        return next(faces[axis] for axis in range(3) if axis not in edges)

    degree = max(sum(_edge(a, b) is not None for b in piece) for a in piece)
    match len(piece), len(edges), degree:
        case 1, _, _:
            return tip
        case 2, _, _:
            return bevel(edges[0])
        case 3, _, _:
            return across() / 2 + 3 * tip
        case 4, 4, _:
            return across()
        case 4, 3, 3:  # a voxel and its three neighbours: a hexagon
            return 6 * tip
    ends = [a for a in piece if sum(_edge(a, b) is not None for b in piece) == 1]  # a path that turns twice
    first, last = (next(axis for b in piece if (axis := _edge(end, b)) is not None) for end in ends)
    return 4 * tip + (bevel(first) + bevel(last)) / 2


def _pieces(filled: list[Corner]) -> list[list[Corner]]:
    """The corners in groups that hang together by edges of the cell."""
    pieces: list[list[Corner]] = []
    for corner in filled:
        joined = [piece for piece in pieces if any(_edge(corner, other) is not None for other in piece)]
        pieces = [piece for piece in pieces if piece not in joined] + [[corner, *itertools.chain(*joined)]]
    return pieces


def _edge(a: Corner, b: Corner) -> int | None:
    """The axis of the edge between two corners of a cell, or None if they share none."""
    differing = [axis for axis in range(len(a)) if a[axis] != b[axis]]
    return differing[0] if len(differing) == 1 else None


def _corners(ndim: int) -> list[Corner]:
    return list(itertools.product((0, 1), repeat=ndim))
