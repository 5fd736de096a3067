"""The formats of images, each into an array (C, *spatial) and an affine to mm in RAS: NIfTI, NRRD, MetaImage, PNG."""

import re
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

from seglossbench.errors import InputError

# The first four bytes of a NIfTI file are its header's size, 348 or 540, in either byte order.
_NIFTI_HEADERS = {
    size.to_bytes(4, order): kind
    for size, kind in ((348, nib.Nifti1Image), (540, nib.Nifti2Image))
    for order in ("little", "big")
}
_NIFTI_UNITS_MM = {1: 1000.0, 2: 1.0, 3: 0.001}  # metre, mm, micrometre; without a unit, as everywhere, mm
_UNITS_MM = {"mm": 1.0, "um": 0.001, "µm": 0.001, "micron": 0.001, "microns": 0.001, "cm": 10.0, "m": 1000.0}
_NAMED_UNIT = re.compile(rb"^(?:space units:|DistanceUnits\s*=)([^\r\n]*)", re.MULTILINE)


def read_png(path: Path) -> NDArray[Any]:
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


def read_nifti(path: Path, exact: bool) -> tuple[NDArray[Any], NDArray[np.float64]]:
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


def read_with_simpleitk(path: Path) -> tuple[NDArray[Any], NDArray[np.float64]]:
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
