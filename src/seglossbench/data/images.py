"""Scans and label maps from files: what is in them, what is wrong with them, and which whole numbers labels are."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from seglossbench.data.grids import Grid, fault_of
from seglossbench.data.image_formats import read_nifti, read_png, read_with_simpleitk
from seglossbench.errors import InputError
from seglossbench.image_files import NIFTI, PNG, SUFFIXES, suffix_of

# of a label that a header's scale factor or a resampling has moved off its whole number
LABEL_TOLERANCE = 0.01
LARGEST_EXACT = 2**53  # of the whole numbers that float64 tells apart


@dataclass(frozen=True)
class Volume:
    """What a file holds: ``array`` (C, *spatial), C = 1 where each voxel has one value, and where it lies.

    Whole numbers keep the type that they have in the file; all others are float32. ``affine`` (4, 4) goes from the
    voxel of the array to mm in RAS, whatever the unit in the file; a pixel of a PNG counts as 1 mm.
    """

    array: NDArray[Any]
    affine: NDArray[np.float64]

    @property
    def shape(self) -> tuple[int, ...]:
        """The spatial shape."""
        return self.array.shape[1:]

    @property
    def grid(self) -> Grid:
        """Where the voxels lie."""
        return Grid(self.shape, self.affine)

    @property
    def spacing_mm(self) -> tuple[float, ...]:
        """The voxel size along each spatial axis."""
        return self.grid.spacing_mm

    def turned_onto(self, other: Grid) -> "Volume":
        """The volume with its axes in the order and direction of another grid's; itself where shapes do not allow it.

        The array is a view. Both grids must be without a fault.
        """
        orientation = self.grid.orientation_onto(other)
        turned = self.grid.turned(orientation)
        if turned.shape != other.shape_3d:
            return self
        array = np.moveaxis(self.array.reshape(-1, *self.grid.shape_3d), 0, -1)
        array = np.moveaxis(nib.apply_orientation(array, orientation), -1, 0)
        return Volume(array.reshape(-1, *other.shape), turned.affine)


def read_volume(path: Path) -> Volume:
    """All channels of a file; a fourth axis is channels, as in the Medical Segmentation Decathlon.

    Raises InputError that names a file that is missing, truncated, damaged, of an unknown format, whose voxels have no
    size, or which holds NaN or infinite values.
    """
    volume = read_unchecked(path)
    for _, detail in faults_of(volume):
        raise InputError(f"{path}: {detail}")
    return volume


def read_unchecked(path: Path, *, exact: bool = False) -> Volume:
    """As ``read_volume``, but whatever numbers the file holds; ``faults_of`` says what is wrong with them.

    Fractions come as float32, which is enough for intensities, or as ``exact`` as they are in the file.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    suffix = suffix_of(path)
    if not suffix:
        raise InputError(f"{path}: unknown ending; expected {', '.join(SUFFIXES)}")
    if suffix == PNG:
        return Volume(read_png(path), np.eye(4))
    array, affine = read_nifti(path, exact) if suffix in NIFTI else read_with_simpleitk(path)
    if array.dtype.kind not in "biuf":
        raise InputError(f"{path}: expected one number per voxel and channel, found {array.dtype}")
    if array.dtype.kind == "f" and not exact:
        with np.errstate(over="ignore"):  # too large a number becomes infinite, which is a fault that is told
            array = array.astype(np.float32, copy=False)
    return Volume(array, affine)


def faults_of(volume: Volume) -> list[tuple[str, str]]:
    """What is wrong with the numbers of a file: the kind of each fault, and the fault in words."""
    faults = []
    if fault := fault_of(volume.grid):
        faults.append(("singular affine", fault))
    if volume.array.dtype.kind == "f" and not np.isfinite(volume.array).all():
        faults.append(
            (
                "not finite",
                "holds NaN or infinite values; repair it or leave the case out by on_bad_case: skip",
            )
        )
    return faults


def read_label_map(path: Path) -> Volume:
    """The labels of a file, which are whole numbers; raises InputError as ``read_volume`` and ``label_map`` do."""
    volume = read_unchecked(path, exact=True)
    for _, detail in faults_of(volume):
        raise InputError(f"{path}: {detail}")
    return Volume(label_map(volume, path)[None], volume.affine)


def label_map(volume: Volume, path: Path) -> NDArray[Any]:
    """The one whole number per voxel (*spatial) of what was read from ``path``, maybe a PNG of red = green = blue.

    A number within 0.01 of a whole one is that one: a scale factor in the header makes 1.0000153 of 1. Raises
    InputError that names a file with several values per voxel, or with one that is no label.
    """
    is_grey = suffix_of(path) == PNG and (volume.array == volume.array[0]).all()
    if len(volume.array) > 1 and not is_grey:
        raise InputError(f"{path}: {len(volume.array)} values per voxel; a label map has one")
    return _whole_numbers(volume.array[0], path)


def _whole_numbers(array: NDArray[Any], path: Path) -> NDArray[Any]:
    """The array itself where it holds whole numbers already, else uint8 or, where that is too small, int64."""
    if array.dtype.kind != "f":
        return array
    nearest = np.rint(array)
    wrong = array[~(np.abs(array - nearest) <= LABEL_TOLERANCE)]
    if wrong.size:
        raise InputError(f"{path}: labels are whole numbers, found {wrong[0]}; threshold it first")
    low, high = nearest.min(initial=0), nearest.max(initial=0)
    if max(-low, high) > LARGEST_EXACT:
        raise InputError(
            f"{path}: labels beyond {LARGEST_EXACT} are not exact, found {max(-low, high):.17g}; give them others"
        )
    labels: NDArray[Any] = nearest.astype(np.uint8 if low >= 0 and high <= 255 else np.int64)
    return labels
