"""Where the voxels lie, and smooth random fields over them: deformation, texture, bias."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float32]  # (X, Y, Z), or (3, X, Y, Z) for positions in mm


@dataclass(frozen=True)
class Grid:
    """Voxels that fill a box in patient coordinates: x to the patient's right, y to the front, z upwards, in mm."""

    shape: tuple[int, int, int]
    extent_mm: tuple[float, float, float]
    centre_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Edge lengths of a voxel."""
        x, y, z = (extent / count for extent, count in zip(self.extent_mm, self.shape, strict=True))
        return x, y, z

    @cached_property
    def axes_mm(self) -> list[Field]:
        """The voxels' centres along each axis."""
        return [
            (centre + (np.arange(count) + 0.5 - count / 2) * spacing).astype(np.float32)
            for count, spacing, centre in zip(self.shape, self.spacing_mm, self.centre_mm, strict=True)
        ]

    @cached_property
    def position_mm(self) -> Field:
        """The voxels' centres, (3, X, Y, Z)."""
        return np.stack(np.meshgrid(*self.axes_mm, indexing="ij"))


def smooth_field(grid: Grid, scale_mm: float, rng: np.random.Generator) -> Field:
    """A random field (X, Y, Z) of mean 0 and variance 1 that varies over ``scale_mm``.

    Random values on a lattice fixed in mm are spread by Gaussian weights, so another voxel size samples the same field.
    Rows of unit norm make the variance 1 everywhere.
    """
    weights = []
    for axis, extent, centre in zip(grid.axes_mm, grid.extent_mm, grid.centre_mm, strict=True):
        reach = extent / 2 + scale_mm
        nodes = centre + np.linspace(-reach, reach, int(np.ceil(2 * reach / scale_mm)) + 1)
        row = np.exp(-(((axis[:, None] - nodes) / (0.7 * scale_mm)) ** 2))
        weights.append(row / np.linalg.norm(row, axis=1, keepdims=True))
    field = rng.standard_normal([row.shape[1] for row in weights])
    for row in weights:
        # contracts the first axis and appends the result: after three rounds the order is X, Y, Z
        field = np.tensordot(field, row, axes=(0, 1))
    return field.astype(np.float32)


def deformed_position_mm(grid: Grid, amplitude_mm: float, scale_mm: float, rng: np.random.Generator) -> Field:
    """Voxel positions (3, X, Y, Z) under a smooth random displacement: shapes evaluated there come out deformed."""
    shift = np.stack([smooth_field(grid, scale_mm, rng) for _ in range(3)])
    position: Field = grid.position_mm + amplitude_mm * shift
    return position
