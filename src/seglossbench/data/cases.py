"""The cases of a raw dataset: which files belong together, what the label values mean, and what is wrong."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from seglossbench.folders import walk
from seglossbench.image_files import suffix_of

Modality = Literal["CT", "MRI", "RGB"]
Part = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class Case:
    """One scan: a file per channel (or one file that holds them all) and its label map.

    ``official`` is the part that the dataset's authors keep it for; ``patient`` is the same for all scans of one
    person, by default the case's name. ``as_background`` are values in the label map that no class of the dataset
    has, and which count as background.
    """

    name: str
    images: tuple[Path, ...]
    labels: Path
    modality: Modality
    official: Part | None = None
    patient: str = ""
    as_background: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.patient:
            object.__setattr__(self, "patient", self.name)


@dataclass(frozen=True)
class Problem:
    """What is wrong with a case: a ``kind`` to count by, the file at fault and what was found in it."""

    case: str
    kind: str
    file: Path
    detail: str

    def __str__(self) -> str:
        return f"{self.file}: {self.detail}"


@dataclass(frozen=True)
class CaseIndex:
    """All labelled cases of a dataset, with the names of its channels, classes and regions.

    ``label_values`` maps a class name to the value that stands for it in the files, background first; the position in
    it is the class index that networks and losses use. ``regions`` maps a region's name to the classes it joins.
    ``problems`` are those of cases that could not be put together, which ``cases`` therefore lacks. ``patients_by`` is
    the rule by which the patients of the cases were found, in words.
    """

    layout: str
    channels: tuple[str, ...]
    label_values: Mapping[str, int]
    cases: tuple[Case, ...]
    regions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    patients_by: str = ""


def image_stem(file: Path) -> str:
    """The name of an image file without its ending, such as ``.nii.gz``."""
    return file.name[: len(file.name) - len(suffix_of(file))]


def image_files(folder: Path) -> list[Path]:
    """The images right in ``folder``, if it is there, sorted by name, without the hidden ones of some archives."""
    return next(image_folders(folder))[1] if folder.is_dir() else []


def image_folders(folder: Path) -> Iterator[tuple[Path, list[Path]]]:
    """``folder`` and every visible folder below it, each with the images right in it, sorted by name."""
    for place, files in walk(folder):
        paths = (place / file.name for file in files)
        yield place, [path for path in paths if suffix_of(path)]
