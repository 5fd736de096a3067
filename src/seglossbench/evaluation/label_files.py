"""Label maps from files: NIfTI, NRRD, MetaImage and PNG, with their place in space where the format tells it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seglossbench.data import images
from seglossbench.data.grids import Grid
from seglossbench.data.images import Volume
from seglossbench.errors import InputError
from seglossbench.image_files import PNG, suffix_of


@dataclass(frozen=True)
class LabelFile:
    """The label map of a file: integers (2D or 3D), and where it lies.

    A grid of a single slice gives a 2D map, whose surface is a contour. PNG has no place; its pixels count as 1 mm.
    """

    path: Path
    volume: Volume

    @property
    def has_place(self) -> bool:
        """Whether the file says where its voxels lie, and how large they are."""
        return suffix_of(self.path) != PNG

    @property
    def labels(self) -> NDArray[Any]:
        """The label map without axes of length one."""
        labels: NDArray[Any] = np.squeeze(self.volume.array[0])
        return labels

    @property
    def spacing_mm(self) -> tuple[float, ...]:
        """The voxel size along each axis of ``labels``."""
        grid = self.volume.grid
        return tuple(size for size, length in zip(grid.spacing_mm, grid.shape, strict=True) if length > 1)

    @property
    def grid_without_place(self) -> Grid:
        """The grid of ``labels`` as if it lay at the origin, along the axes."""
        sizes = (*self.spacing_mm, 1.0)[:3]
        return Grid(self.labels.shape, np.diag([*sizes, 1.0]))


def is_label_file(path: Path) -> bool:
    """Whether the file's ending can be read."""
    return bool(suffix_of(path)) and not path.name.startswith(".")


def stem_of(path: Path) -> str:
    """The file's name without its ending, ``case`` for ``case.nii.gz``."""
    return path.name[: len(path.name) - len(suffix_of(path) or path.suffix)]


def read_labels(path: Path) -> LabelFile:
    """The label map of a file; raises InputError that names a file that is missing, damaged or no label map."""
    volume = images.read_label_map(path)
    if sum(length > 1 for length in volume.shape) < 2:
        raise InputError(f"{path}: a label map has 2 or 3 axes, found shape {volume.shape}")
    return LabelFile(path, volume)
