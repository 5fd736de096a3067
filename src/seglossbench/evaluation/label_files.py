"""Label maps from files: NIfTI, NRRD, MetaImage and PNG, with their place in space where the format tells it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seglossbench.data import images
from seglossbench.errors import InputError
from seglossbench.image_files import PNG, suffix_of


@dataclass(frozen=True)
class LabelFile:
    """The label map of a file: integers (2D or 3D), and the affine (4, 4) from its 3D grid to mm in RAS.

    A grid of a single slice gives a 2D map, whose surface is a contour. PNG has no affine; its pixels count as 1 mm.
    """

    path: Path
    labels: NDArray[Any]
    spacing_mm: tuple[float, ...]
    grid_shape: tuple[int, ...]
    affine: NDArray[np.float64] | None


def is_label_file(path: Path) -> bool:
    """Whether the file's ending can be read."""
    return bool(suffix_of(path)) and not path.name.startswith(".")


def stem_of(path: Path) -> str:
    """The file's name without its ending, ``case`` for ``case.nii.gz``."""
    return path.name[: len(path.name) - len(suffix_of(path) or path.suffix)]


def read_labels(path: Path) -> LabelFile:
    """The label map of a file; raises InputError that names a file that is missing, damaged or no label map."""
    volume = images.read_label_map(path)
    has_place = suffix_of(path) != PNG
    return _label_file(path, volume.array[0], volume.affine if has_place else None)


def _label_file(path: Path, array: NDArray[Any], affine: NDArray[np.float64] | None) -> LabelFile:
    grid_shape = (*array.shape, 1, 1)[:3]
    axes = [axis for axis, size in enumerate(grid_shape) if size > 1]
    if array.size != np.prod(grid_shape) or len(axes) < 2:
        raise InputError(f"{path}: a label map has 2 or 3 axes, found shape {array.shape}")
    sizes_mm = np.ones(3) if affine is None else np.linalg.norm(affine[:3, :3], axis=0)
    spacing_mm = tuple(float(sizes_mm[axis]) for axis in axes)
    return LabelFile(path, _integers(path, array.squeeze()), spacing_mm, grid_shape, affine)


def _integers(path: Path, array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.kind == "f":
        fractions = array[array != np.rint(array)]
        if fractions.size:
            raise InputError(f"{path}: labels are integers, found {fractions[0]:.4g}; threshold it first")
        return array.astype(np.int32)
    if array.dtype.kind not in "biu":
        raise InputError(f"{path}: labels are integers, found {array.dtype}; write one number per voxel")
    return array
