"""Reading scans and label maps: NIfTI, 4D NIfTI, NRRD, MetaImage and PNG, into channels and their place in space."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from isal import igzip
from isal.igzip_lib import IsalError
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError
from numpy.typing import NDArray

from seglossbench.errors import InputError
from seglossbench.image_files import NIFTI, PNG, SUFFIXES, suffix_of

# The first four bytes of a NIfTI file are its header's size, 348 or 540, in either byte order.
_NIFTI_HEADERS = {
    size.to_bytes(4, order): kind
    for size, kind in ((348, nib.Nifti1Image), (540, nib.Nifti2Image))
    for order in ("little", "big")
}


@dataclass(frozen=True)
class Volume:
    """What a file holds: ``array`` (C, *spatial), C = 1 where each voxel has one value, and where it lies.

    Whole numbers keep the type that they have in the file; all others are float32. ``affine`` (4, 4) goes from the
    voxel of the array to mm in RAS; a pixel of a PNG counts as 1 mm.
    """

    array: NDArray[Any]
    affine: NDArray[np.float64]

    @property
    def shape(self) -> tuple[int, ...]:
        """The spatial shape."""
        return self.array.shape[1:]

    @property
    def spacing_mm(self) -> tuple[float, ...]:
        """The voxel size along each spatial axis."""
        sizes = np.linalg.norm(self.affine[:3, :3], axis=0)
        return tuple(float(size) for size in sizes[: len(self.shape)])


def read_volume(path: Path) -> Volume:
    """All channels of a file; a fourth axis is channels, as in the Medical Segmentation Decathlon.

    Raises InputError that names a file that is missing, truncated, damaged, of an unknown format, whose affine is
    singular, or which holds NaN or infinite values.
    """
    volume = read_unchecked(path)
    for _, detail in faults_of(volume):
        raise InputError(f"{path}: {detail}")
    return volume


def read_unchecked(path: Path) -> Volume:
    """As ``read_volume``, but whatever numbers the file holds; ``faults_of`` says what is wrong with them."""
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    suffix = suffix_of(path)
    if not suffix:
        raise InputError(f"{path}: unknown ending; expected {', '.join(SUFFIXES)}")
    if suffix == PNG:
        return Volume(_read_png(path), np.eye(4))
    array, affine = _read_nifti(path) if suffix in NIFTI else _read_with_simpleitk(path)
    if array.dtype.kind not in "biuf":
        raise InputError(f"{path}: expected one number per voxel and channel, found {array.dtype}")
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):  # too large a number becomes infinite, which is a fault that is told
            array = array.astype(np.float32, copy=False)
    return Volume(array, affine)


def faults_of(volume: Volume) -> list[tuple[str, str]]:
    """What is wrong with the numbers of a file: the kind of each fault, and the fault in words."""
    faults = []
    affine = volume.affine[:3, :3]
    if not np.isfinite(volume.affine).all() or abs(np.linalg.det(affine)) < 1e-9:
        faults.append(
            ("singular affine", "its affine is singular, so the voxel size is unknown; repair its header")
        )
    if volume.array.dtype.kind == "f" and not np.isfinite(volume.array).all():
        faults.append(
            (
                "not finite",
                "holds NaN or infinite values; repair it or leave the case out by on_bad_case: skip",
            )
        )
    return faults


def difference(volume: Volume, other: Volume, name: str) -> tuple[str, str] | None:
    """How the grid of a volume differs from that of the file called ``name``: the kind and words, or nothing."""
    if volume.shape != other.shape:
        return "other shape", f"shape {volume.shape} differs from {other.shape} of {name}"
    if not np.allclose(volume.spacing_mm, other.spacing_mm, atol=1e-2):
        spacings = [tuple(round(size, 4) for size in one.spacing_mm) for one in (volume, other)]
        return "other spacing", f"its spacing {spacings[0]} mm differs from {spacings[1]} mm of {name}"
    if not np.allclose(volume.affine, other.affine, atol=1e-2):
        return "other affine", f"its affine differs from that of {name}; they do not lie in the same space"
    return None


def read_label_map(path: Path) -> Volume:
    """The labels of a file, as ``read_volume``; raises InputError that names a file with several values per voxel."""
    volume = read_volume(path)
    return Volume(label_map(volume, path)[None], volume.affine)


def label_map(volume: Volume, path: Path) -> NDArray[Any]:
    """The one value per voxel (*spatial) of what was read from ``path``, which may be a PNG of red = green = blue.

    Raises InputError that names a file with several values per voxel.
    """
    is_grey = suffix_of(path) == PNG and (volume.array == volume.array[0]).all()
    if len(volume.array) > 1 and not is_grey:
        raise InputError(f"{path}: {len(volume.array)} values per voxel; a label map has one")
    return np.asarray(volume.array[0])


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


def _read_nifti(path: Path) -> tuple[NDArray[Any], NDArray[np.float64]]:
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
        # As nibabel scales, but in float32 at once instead of by way of float64.
        is_scaled = (slope, offset) != (1, 0)
        array = np.asarray(image.dataobj, dtype=np.float32 if is_scaled else None)
    except (OSError, ValueError, HeaderDataError, WrapStructError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: truncated or damaged: {reason}; download it again") from None
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    while (
        array.ndim > 3 and array.shape[3] == 1
    ):  # a time axis of one moment before or instead of the channels
        array = array[:, :, :, 0]
    if array.ndim > 4 or array.ndim < 2:
        raise InputError(
            f"{path}: expected 2 or 3 spatial axes and one of channels, found shape {array.shape}"
        )
    return np.moveaxis(array, 3, 0) if array.ndim == 4 else array[None], np.asarray(image.affine, np.float64)


def _read_with_simpleitk(path: Path) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """The array (C, *spatial) of a NRRD or MetaImage file, and its affine in RAS."""
    import SimpleITK as sitk

    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise InputError(f"{path}: not a readable image: {reason}") from None
    array = sitk.GetArrayFromImage(
        image
    ).T  # (channels, x, y, z) or (x, y, z), or with an axis of channels last
    size = min(image.GetDimension(), 3)
    if image.GetDimension() == 4:
        array = np.moveaxis(array, -1, 0)
    elif image.GetNumberOfComponentsPerPixel() == 1:
        array = array[None]
    direction = np.reshape(image.GetDirection(), (image.GetDimension(),) * 2)[:size, :size]
    affine = np.eye(4)
    affine[:size, :size] = direction * image.GetSpacing()[:size]
    affine[:size, 3] = image.GetOrigin()[:size]
    to_ras = np.diag([-1.0, -1.0, 1.0, 1.0])  # ITK's axes point left and back, NIfTI's right and front
    return array, to_ras @ affine
