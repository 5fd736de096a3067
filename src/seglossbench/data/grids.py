"""The grid on which an image lies: what is wrong with one, and whether two are the same, whatever their axes' order.

All is measured in voxels and none of it in mm, so that a grid of micrometres is held to what holds for one of metres.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

TOLERANCE = 0.05
"""How far two grids may be apart at the corner that is farthest off, in voxels along each axis."""
_FLAT = 1e-3  # the volume of a voxel by that of a box with its edges, below which its axes lie in one plane


@dataclass(frozen=True, eq=False)
class Grid:
    """The grid of an image: its ``shape``, of 2 or 3 axes, and the ``affine`` (4, 4) from its voxels to mm in RAS."""

    shape: tuple[int, ...]
    affine: NDArray[np.float64]

    @property
    def spacing_mm(self) -> tuple[float, ...]:
        """The voxel size along each axis."""
        return tuple(np.linalg.norm(self.affine[:3, :3], axis=0)[: len(self.shape)].tolist())

    @property
    def shape_3d(self) -> tuple[int, int, int]:
        """The shape with axes of length one where it has fewer than three."""
        first, second, third = (*self.shape, 1)[:3]
        return first, second, third

    def turned(self, orientation: NDArray[np.float64]) -> "Grid":
        """The grid of the array that nibabel's ``orientation`` of three axes makes of this one's."""
        order = orientation[:, 0].argsort()
        affine = self.affine @ nib.orientations.inv_ornt_aff(orientation, self.shape_3d)
        return Grid(tuple(self.shape_3d[axis] for axis in order), affine)

    def orientation_onto(self, other: "Grid") -> NDArray[np.float64]:
        """nibabel's orientation from an array on this grid to one whose axes point as those of ``other``."""
        relative = np.eye(4)
        relative[:3, :3] = np.linalg.solve(other.affine[:3, :3], self.affine[:3, :3])
        orientation: NDArray[np.float64] = nib.io_orientation(relative)
        return orientation


def fault_of(grid: Grid) -> str | None:
    """What makes it impossible to say where the voxels of a grid lie, in words; nothing if they have a place."""
    sizes = np.linalg.norm(grid.affine[:3, :3], axis=0)
    if not np.isfinite(grid.affine).all():
        return "its affine holds NaN or infinite values, so the voxel size is unknown; repair its header"
    if not sizes.all():
        axes = ", ".join("xyz"[axis] for axis in np.flatnonzero(sizes == 0))
        return f"its voxel size is 0 along {axes}; repair its header"
    if abs(np.linalg.det(grid.affine[:3, :3] / sizes)) < _FLAT:
        return "its affine is singular: the axes lie in one plane, so the voxel size is unknown; repair its header"
    return None


def difference(grid: Grid, other: Grid, name: str) -> tuple[str, str] | None:
    """How a grid differs from that of ``name``, once its axes are turned as there: the kind and words, or nothing.

    Both grids must be without a fault. Axes of length one at the end count as none.
    """
    as_there = grid.turned(grid.orientation_onto(other))
    if as_there.shape != other.shape_3d:
        if grid.shape == other.shape:
            return "other affine", f"its axes point elsewhere than those of {name}"
        return "other shape", f"shape {grid.shape} differs from {other.shape} of {name}"
    corners = np.array(list(product(*((0, size - 1) for size in other.shape_3d), (1,))), float).T
    off = np.abs(np.linalg.solve(other.affine, as_there.affine @ corners) - corners)[:3].max(axis=1)
    if (off <= TOLERANCE).all():
        return None
    # A size that is off by itself takes the last voxel of its axis off.
    steps = np.array(other.shape_3d) - 1
    sizes = np.linalg.norm(as_there.affine[:3, :3], axis=0) / np.linalg.norm(other.affine[:3, :3], axis=0)
    if (np.abs(sizes - 1) * steps > TOLERANCE).any():
        here, there = (_listed(one.spacing_mm[: len(other.shape)]) for one in (as_there, other))
        return "other spacing", f"spacing {here} mm differs from {there} mm of {name}"
    turn = np.linalg.solve(other.affine[:3, :3], as_there.affine[:3, :3]) - np.eye(3)
    if (np.abs(turn) @ steps > TOLERANCE).any():
        return (
            "other affine",
            f"its axes point elsewhere than those of {name}: {off.max():.3g} voxels off in a corner",
        )
    here, there = (_listed(one.affine[:3, 3]) for one in (as_there, other))
    return "other affine", f"origin {here} mm differs from {there} mm of {name}: {off.max():.3g} voxels off"


def _listed(values: Iterable[float]) -> str:
    return "(" + ", ".join(f"{value:.6g}" for value in values) + ")"
