"""NIfTI and MetaImage files in a zip archive whose bytes depend on its content only."""

import gzip
import zlib
from collections.abc import Iterable
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import nibabel as nib
import numpy as np
import numpy.typing as npt

from seglossbench.files import atomic_file
from seglossbench.phantoms.fields import Grid


def nifti_gz(volume: npt.NDArray[np.int16] | npt.NDArray[np.uint8], grid: Grid, *, axes: str) -> bytes:
    """A `.nii.gz` file of ``volume`` (X, Y, Z; painted right-anterior-superior), in the order "RAS" or "LPS"."""
    affine = np.diag([*grid.spacing_mm, 1.0])
    affine[:3, 3] = [axis[0] for axis in grid.axes_mm]
    if axes == "LPS":  # the same patient, the first two axes stored the other way round
        volume = volume[::-1, ::-1]
        affine[:2, 3] = [axis[-1] for axis in grid.axes_mm[:2]]
        affine[:2, :2] *= -1
    image = nib.Nifti1Image(np.ascontiguousarray(volume), affine)
    image.header.set_xyzt_units("mm")
    # Noise hardly compresses: level 1 loses 5 % in size and wins most of the time. mtime=0 keeps the clock out.
    return gzip.compress(image.to_bytes(), compresslevel=1, mtime=0)


def mha(volume: npt.NDArray[np.int16] | npt.NDArray[np.uint8], grid: Grid, *, axes: str) -> bytes:
    """A compressed `.mha` file of ``volume`` (X, Y, Z), as ``nifti_gz`` makes one."""
    first = np.array([axis[0] for axis in grid.axes_mm])
    sign = -1
    if axes == "LPS":
        volume = volume[::-1, ::-1]
        first[:2] = [axis[-1] for axis in grid.axes_mm[:2]]
        sign = 1
    voxels = zlib.compress(np.asfortranarray(volume).tobytes(order="F"), 1)
    header = {
        "ObjectType": "Image",
        "NDims": "3",
        "BinaryData": "True",
        "BinaryDataByteOrderMSB": "False",
        "CompressedData": "True",
        "CompressedDataSize": str(len(voxels)),
        "TransformMatrix": f"{sign} 0 0 0 {sign} 0 0 0 1",
        "Offset": f"{-first[0]:g} {-first[1]:g} {first[2]:g}",  # MetaImage's x points left and y back
        "ElementSpacing": " ".join(f"{size:g}" for size in grid.spacing_mm),
        "DimSize": " ".join(map(str, volume.shape)),
        "ElementType": "MET_UCHAR" if volume.dtype == np.uint8 else "MET_SHORT",
        "ElementDataFile": "LOCAL",
    }
    return "".join(f"{key} = {value}\n" for key, value in header.items()).encode() + voxels


def write_zip(archive: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Write ``files`` (path in the archive, content) as ``archive``, in one atomic step."""
    with atomic_file(archive) as temporary, ZipFile(temporary, "w", ZIP_STORED) as zip_file:
        for path, content in files:
            entry = ZipInfo(path, date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr = 3, 0o644 << 16  # Unix; readable after `unzip`
            zip_file.writestr(entry, content)
