"""The cases of a raw dataset: which files belong together, what the label values mean."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Case:
    """One patient's scan: a file per channel (or one 4D file) and its label map."""

    name: str
    images: tuple[Path, ...]
    labels: Path
    modality: Literal["CT", "MRI"]
    official: Literal["train", "test"] | None = None


@dataclass(frozen=True)
class CaseIndex:
    """All labelled cases of a dataset, with the names of its channels, classes and regions.

    ``label_values`` maps a class name to the value that stands for it in the files, background first; the position in
    it is the class index that networks and losses use. ``regions`` maps a region's name to the classes it joins.
    """

    layout: str
    channels: tuple[str, ...]
    label_values: Mapping[str, int]
    cases: tuple[Case, ...]
    regions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def nifti_stem(file: Path) -> str:
    """The name of a NIfTI file without ``.nii`` or ``.nii.gz``."""
    return file.name.removesuffix(".gz").removesuffix(".nii")


def nifti_files(folder: Path) -> list[Path]:
    """The NIfTI files right in ``folder``, sorted by name, without the hidden ones that some archives hold."""
    if not folder.is_dir():
        return []
    return sorted(
        file
        for file in folder.iterdir()
        if file.name.endswith((".nii", ".nii.gz")) and not file.name.startswith(".")
    )
