"""NIfTI files in a zip archive whose bytes depend on its content only."""

import gzip
from collections.abc import Iterable
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import nibabel as nib
import numpy as np
import numpy.typing as npt

from seglossbench.data.phantoms.fields import Grid
from seglossbench.files import atomic_file


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


def write_zip(archive: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Write ``files`` (path in the archive, content) as ``archive``, in one atomic step."""
    with atomic_file(archive) as temporary, ZipFile(temporary, "w", ZIP_STORED) as zip_file:
        for path, content in files:
            entry = ZipInfo(path, date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr = 3, 0o644 << 16  # Unix; readable after `unzip`
            zip_file.writestr(entry, content)
