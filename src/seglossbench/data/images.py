"""Reading scans and label maps: NIfTI, 4D NIfTI, NRRD, MetaImage and PNG, into channels and their place in space."""

import re
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from isal import igzip
from isal.igzip_lib import IsalError
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError
from numpy.typing import NDArray

from seglossbench.data.grids import Grid, fault_of
from seglossbench.errors import InputError
from seglossbench.image_files import NIFTI, PNG, SUFFIXES, suffix_of

# of a label that a header's scale factor or a resampling has moved off its whole number
LABEL_TOLERANCE = 0.01
LARGEST_EXACT = 2**53  # of the whole numbers that float64 tells apart
# The first four bytes of a NIfTI file are its header's size, 348 or 540, in either byte order.
_NIFTI_HEADERS = {
    size.to_bytes(4, order): kind
    for size, kind in ((348, nib.Nifti1Image), (540, nib.Nifti2Image))
    for order in ("little", "big")
}
_NIFTI_UNITS_MM = {1: 1000.0, 2: 1.0, 3: 0.001}  # metre, mm, micrometre; without a unit, as everywhere, mm
_UNITS_MM = {"mm": 1.0, "um": 0.001, "µm": 0.001, "micron": 0.001, "microns": 0.001, "cm": 10.0, "m": 1000.0}
_NAMED_UNIT = re.compile(rb"^(?:space units:|DistanceUnits\s*=)([^\r\n]*)", re.MULTILINE)


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
        return Volume(_read_png(path), np.eye(4))
    array, affine = _read_nifti(path, exact) if suffix in NIFTI else _read_with_simpleitk(path)
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


def _read_png(path: Path) -> NDArray[Any]:
    """The array (C, H, W) of a PNG: 3 channels if it is coloured, else grey values or palette indices; no opacity."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            pixels = np.asarray(image)
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise InputError(f"{path}: not a readable PNG file: {error}") from None
    if pixels.ndim == 2:
        return pixels[None]
    colours = pixels.shape[2] - (pixels.shape[2] in (2, 4))
    return np.moveaxis(pixels[..., :colours], 2, 0)


def _read_nifti(path: Path, exact: bool) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """The array (C, *spatial) of a NIfTI file, scaled by its header's slope, and its affine."""
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = igzip.decompress(data)  # two to three times as fast as zlib, which nibabel uses
    except (OSError, EOFError, IsalError) as error:  # type: ignore[misc]  # a stub that forgets the class
        raise InputError(f"{path}: truncated or damaged: {error}; download it again") from None
    kind = _NIFTI_HEADERS.get(data[:4])
    if kind is None:
        raise InputError(f"{path}: not a readable NIfTI file: it begins with no NIfTI header")
    try:
        image = kind.from_bytes(data)
        slope, offset = image.dataobj.slope, image.dataobj.inter
        affine = _affine_in_mm(image, kind.header_class.from_fileobj(BytesIO(data), check=False))
        # As nibabel scales, but in float32 at once instead of by way of float64.
        is_scaled = (slope, offset) != (1, 0)
        array = np.asarray(image.dataobj, dtype=np.float32 if is_scaled and not exact else None)
    except (OSError, ValueError, HeaderDataError, WrapStructError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: truncated or damaged: {reason}; download it again") from None
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    array = _without_empty_axes(array, 3, path)
    return np.moveaxis(array, 3, 0) if array.ndim == 4 else array[None], affine


def _affine_in_mm(image: nib.Nifti1Image, header: nib.Nifti1Header) -> NDArray[np.float64]:
    """The affine of a NIfTI image to mm; ``header`` is as it stands in the file, before nibabel repairs it.

    A voxel size that the file gives as 0 stays 0, where nibabel would make 1 of it.
    """
    unit_mm = _NIFTI_UNITS_MM.get(int(header["xyzt_units"]) & 7, 1.0)
    affine = np.diag([unit_mm] * 3 + [1.0]) @ np.asarray(image.affine, np.float64)
    for axis, (length, size) in enumerate(zip(header["dim"][1:4], header["pixdim"][1:4], strict=True)):
        if axis < header["dim"][0] and length > 1 and size == 0:
            affine[:3, axis] = 0
    return affine


def _without_empty_axes(array: NDArray[Any], spatial: int, path: Path) -> NDArray[Any]:
    """The array without axes of length one after its ``spatial`` ones; raises InputError if several others are left."""
    rest = tuple(length for length in array.shape[spatial:] if length > 1)
    if len(rest) > 1 or array.ndim < 2:
        raise InputError(
            f"{path}: expected 2 or 3 spatial axes and one of channels, found shape {array.shape}"
        )
    return array.reshape(*array.shape[:spatial], *rest)


def _read_with_simpleitk(path: Path) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """The array (C, *spatial) of a NRRD or MetaImage file, and its affine in RAS."""
    import SimpleITK as sitk

    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise InputError(f"{path}: not a readable image: {reason}") from None
    # x, y, z and others, after the components where there are several
    array = sitk.GetArrayFromImage(image).T
    size = min(image.GetDimension(), 3)
    if image.GetNumberOfComponentsPerPixel() == 1:
        array = _without_empty_axes(array, size, path)
        array = np.moveaxis(array, size, 0) if array.ndim > size else array[None]
    elif (array := _without_empty_axes(array, size + 1, path)).ndim > size + 1:
        raise InputError(
            f"{path}: several values per voxel and an axis of channels, found shape {array.shape}"
        )
    direction = np.reshape(image.GetDirection(), (image.GetDimension(),) * 2)[:size, :size]
    affine = np.eye(4)
    affine[:size, :size] = direction * image.GetSpacing()[:size]
    affine[:size, 3] = image.GetOrigin()[:size]
    unit_mm = _unit_mm(path)
    # ITK's axes point left and back, NIfTI's right and front
    to_ras = np.diag([-unit_mm, -unit_mm, unit_mm, 1.0])
    return array, to_ras @ affine


def _unit_mm(path: Path) -> float:
    """The length in mm of the unit that a NRRD or MetaImage header names, which SimpleITK does not read; 1 without."""
    with path.open("rb") as file:
        header = file.read(1 << 16).partition(b"\n\n")[0]
    if (named := _NAMED_UNIT.search(header)) is None:
        return 1.0
    words = set(re.findall(r"[^\s\"?]+", named[1].decode(errors="replace").lower())) or {"mm"}
    lengths = {_UNITS_MM.get(word) for word in words}
    if len(lengths) > 1 or None in lengths:
        known = ", ".join(_UNITS_MM)
        raise InputError(
            f"{path}: unknown unit of length {named[1].decode(errors='replace').strip()}; known: {known}"
        )
    return float(lengths.pop() or 1.0)
