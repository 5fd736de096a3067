"""The distance from every point of a grid to the nearest of a set of target points.

Three ways lead to the same distances, each the cheapest where it is used: trying the shortest offsets one by
one finds the many neighbours that are near, a k-d tree the few that are far, and a distance transform those of
masks so ragged that most of the box is surface.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import lru_cache

import edt
import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]
"""Voxels of a C-ordered grid by their indices in its flat array."""

RIM = 4
"""How many voxels around all points the grid must have, because offsets go as far along each axis."""

_OFFSETS = 32
_VOXELS_PER_QUERY = 50  # of a distance transform, in the time of one query of a k-d tree


def distances_mm(
    points: Indices,
    targets: Indices,
    shape: Sequence[int],
    spacing_mm: Sequence[float],
    within_mm: float = np.inf,
) -> NDArray[np.float64]:
    """For each of ``points`` the distance in mm to the nearest of ``targets``, both indices in a grid of ``shape``.

    Distances above ``within_mm``, and those to no target at all, are inf.
    """
    distances = np.full(len(points), np.inf)
    if not len(points) or not len(targets):
        return distances
    is_target = np.zeros(tuple(shape), bool)
    is_target.ravel()[targets] = True
    steps, lengths_mm = _shortest_offsets(tuple(shape), tuple(spacing_mm))
    rest = np.arange(len(points))
    at = points
    for step, length_mm in zip(steps, lengths_mm, strict=True):
        if length_mm > within_mm or not len(rest):
            return distances
        found = is_target.ravel()[at + step]
        distances[rest[found]] = length_mm
        rest, at = rest[~found], at[~found]
    if len(rest):
        distances[rest] = _far_distances_mm(at, targets, is_target, spacing_mm, within_mm)
    return distances


def _far_distances_mm(
    points: Indices,
    targets: Indices,
    is_target: NDArray[np.bool_],
    spacing_mm: Sequence[float],
    within_mm: float,
) -> NDArray[np.float64]:
    from_voxels = np.array(np.unravel_index(points, is_target.shape))
    to_voxels = np.array(np.unravel_index(targets, is_target.shape))
    low = np.minimum(from_voxels.min(axis=1), to_voxels.min(axis=1))
    high = np.maximum(from_voxels.max(axis=1), to_voxels.max(axis=1)) + 1
    if len(points) * _VOXELS_PER_QUERY > np.prod(high - low):
        box = tuple(map(slice, low, high))
        to_target_mm = edt.edt(~is_target[box], anisotropy=tuple(spacing_mm))
        far_mm = to_target_mm[tuple(from_voxels - low[:, None])].astype(np.float64)
        return np.where(far_mm <= within_mm, far_mm, np.inf)
    # It takes half a second, for which commands that only look a metric up need not wait.
    from scipy.spatial import cKDTree

    tree = cKDTree(to_voxels.T * spacing_mm, balanced_tree=False, compact_nodes=False)
    return np.asarray(tree.query(from_voxels.T * spacing_mm, distance_upper_bound=within_mm)[0])


@lru_cache(maxsize=64)
def _shortest_offsets(
    shape: tuple[int, ...], spacing_mm: tuple[float, ...]
) -> tuple[Indices, NDArray[np.float64]]:
    """The shortest offsets as steps in the flat array, in order of their lengths in mm, and these lengths.

    None is left out that is shorter than the last.
    """
    span = range(-RIM, RIM + 1)
    offsets = np.array(list(itertools.product(span, repeat=len(shape))))
    lengths_mm = np.linalg.norm(offsets * spacing_mm, axis=1)
    order = np.argsort(lengths_mm, kind="stable")
    complete = order[lengths_mm[order] <= RIM * min(spacing_mm)][:_OFFSETS]
    strides = np.append(np.cumprod(shape[:0:-1])[::-1], 1)
    return offsets[complete] @ strides, lengths_mm[complete]
