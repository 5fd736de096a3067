"""Which files are images, and of which files each is made: known by names and headers, without reading voxels."""

import os
import re
from pathlib import Path

from seglossbench.errors import InputError

NIFTI = (".nii.gz", ".nii")
PNG = ".png"
SUFFIXES = (*NIFTI, ".nrrd", ".nhdr", ".mha", ".mhd", PNG)
DESCRIPTIONS = ("dataset.json", "dataset_types.txt")
"""What else a layout reads of a dataset (nnU-Net's and the Decathlon's; TopoMortar's)."""
# How the headers whose voxels may lie in another file name it.
_DETACHED = {
    ".mhd": re.compile(rb"^ElementDataFile\s*=\s*(\S[^\r\n]*?)\s*$", re.MULTILINE),
    ".nhdr": re.compile(rb"^data ?file:\s*(\S[^\r\n]*?)\s*$", re.MULTILINE | re.IGNORECASE),
}


def suffix_of(path: Path) -> str:
    """The ending of a file that can be read, ``.nii.gz`` and not ``.gz``; empty where it is none of SUFFIXES."""
    name = path.name.lower()
    return next((suffix for suffix in SUFFIXES if name.endswith(suffix)), "")


def files_of(path: Path) -> list[Path]:
    """The files that an image is made of: it alone, or a header and the file of voxels that this names.

    Of a header that names many files, these are all that lie beside it. Raises InputError for voxels that are missing.
    """
    names_voxels = _DETACHED.get(suffix_of(path))
    if names_voxels is None or not path.is_file():
        return [path]
    with path.open("rb") as file:
        named = names_voxels.search(file.read(1 << 16))
    name = named[1].decode(errors="replace") if named else "LOCAL"
    if name == "LOCAL":
        return [path]
    if name.startswith("LIST") or "%" in name:
        return sorted(file for file in path.parent.iterdir() if file.is_file() and file.name[0] != ".")
    voxels = Path(os.path.normpath(path.parent / name))
    if not voxels.is_file():
        raise InputError(f"{path}: is a header, and the file of its voxels is missing: {voxels}")
    return [path, voxels]


def read_by_layouts(path: Path) -> list[Path]:
    """The files that reading this one opens: those of an image, a description alone, none of anything else.

    Voxels that are missing are left out: that is told where the image is read.
    """
    if path.name in DESCRIPTIONS:
        return [path]
    if not suffix_of(path):
        return []
    try:
        return files_of(path)
    except InputError:
        return [path]
