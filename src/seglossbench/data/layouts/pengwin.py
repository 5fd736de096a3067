"""PENGWIN 2024, task 1: fractured pelves in CT, ``NNN.mha`` in folders of images and a folder of labels.

Each bone counts its fragments from a number of its own: 1 sacrum, 11 left hipbone, 21 right hipbone. The classes are
the first four of each, the only ones that paper A's release has; what lies beyond them counts as background there.
"""

import re
from pathlib import Path

from seglossbench.data.cases import Case, CaseIndex, Problem, image_folders, image_stem
from seglossbench.data.layouts.layout import Layout
from seglossbench.params import DatasetParams

BONES = {"sacrum": 1, "left hipbone": 11, "right hipbone": 21}
MOST_FRAGMENTS, CLASSES_PER_BONE = 10, 4
LABEL_VALUES = {"background": 0} | {
    f"{bone} {number + 1}": first + number
    for bone, first in BONES.items()
    for number in range(CLASSES_PER_BONE)
}
BEYOND = tuple(
    first + number for first in BONES.values() for number in range(CLASSES_PER_BONE, MOST_FRAGMENTS)
)
# whole bones
REGIONS = {bone: tuple(name for name in LABEL_VALUES if name.startswith(f"{bone} ")) for bone in BONES}
CASE = re.compile(r"\d{3}")
FOLDER = re.compile(r"(?:PENGWIN_CT_train_)?(images|labels)(?:_part\d)?")


def matches(folder: Path) -> bool:
    """Whether folders of images and of labels whose files are called by three digits lie below ``folder``."""
    images, labels, _ = _files(folder)
    return bool(images) and bool(labels)


def index(folder: Path, settings: DatasetParams) -> CaseIndex:
    """The labelled cases."""
    images, labels, problems = _files(folder)
    ambiguous = {problem.case for problem in problems}
    both = [name for name in labels if name in images and name not in ambiguous]
    cases = [Case(name, (images[name],), labels[name], "CT", as_background=BEYOND) for name in both]
    for known, others, kind in ((labels, images, "image"), (images, labels, "labels")):
        problems += [
            Problem(name, f"missing {kind}", file, f"no {kind} of the name {name}")
            for name, file in known.items()
            if name not in others
        ]
    return CaseIndex("pengwin", ("CT",), LABEL_VALUES, tuple(cases), REGIONS, tuple(problems))


def _files(folder: Path) -> tuple[dict[str, Path], dict[str, Path], list[Problem]]:
    """The images and the label maps by their cases, and a problem for each that is there twice."""
    found: dict[str, dict[str, Path]] = {"images": {}, "labels": {}}
    again = []
    for place, files in image_folders(folder):
        kind = FOLDER.fullmatch(place.name)
        for file in files:
            name = image_stem(file)
            if kind and CASE.fullmatch(name) and (first := found[kind[1]].setdefault(name, file)) != file:
                again.append(Problem(name, "ambiguous files", file, f"{first} is of this case, too"))
    return found["images"], found["labels"], again


LAYOUT = Layout(matches, index, "images and labels with files NNN.mha (PENGWIN, task 1)")
