"""KiTS19: case_NNNNN/segmentation.nii.gz, and its image beside it or, as they are published, in another folder.

The first axis of the arrays is the slice; the affine says so, and preprocessing turns them by it.
"""

import re
from pathlib import Path

from seglossbench.data.cases import Case, CaseIndex, Problem, image_folders, image_stem
from seglossbench.data.layouts.layout import Layout
from seglossbench.params import DatasetParams

LABEL_VALUES = {"background": 0, "kidney": 1, "tumour": 2}
REGIONS = {"kidney and tumour": ("kidney", "tumour"), "tumour": ("tumour",)}
CASE = re.compile(r"case_\d{5}")
FIRST_UNLABELLED = "case_00210"  # from here on the challenge kept the labels


def matches(folder: Path) -> bool:
    """Whether a case's segmentation lies somewhere below ``folder``."""
    return any(
        CASE.fullmatch(place.name) and any(image_stem(file) == "segmentation" for file in files)
        for place, files in image_folders(folder)
    )


def index(folder: Path, settings: DatasetParams) -> CaseIndex:
    """The labelled cases; an image is imaging in the case's folder, or called as the case in any folder below."""
    labels: dict[str, Path] = {}
    images: dict[str, Path] = {}
    again: list[Problem] = []
    for place, files in image_folders(folder):
        for file in files:
            stem = image_stem(file)
            name = stem if CASE.fullmatch(stem) else place.name
            if stem not in (name, "imaging", "segmentation") or not CASE.fullmatch(name):
                continue
            first = (labels if stem == "segmentation" else images).setdefault(name, file)
            if first != file:
                again.append(Problem(name, "ambiguous files", file, f"{first} is of this case, too"))
    ambiguous = {problem.case for problem in again}
    cases = [
        Case(name, (images[name],), labels[name], "CT")
        for name in labels
        if name in images and name not in ambiguous
    ]
    problems = again + [
        Problem(name, "missing image", file.parent, f"no imaging.nii.gz here and no {name}.nii.gz elsewhere")
        for name, file in labels.items()
        if name not in images
    ]
    problems += [
        Problem(name, "missing labels", file, f"no {name}/segmentation.nii.gz for this image")
        for name, file in images.items()
        if name not in labels and name < FIRST_UNLABELLED
    ]
    return CaseIndex("kits", ("CT",), LABEL_VALUES, tuple(cases), REGIONS, tuple(problems))


LAYOUT = Layout(matches, index, "case_NNNNN/segmentation.nii.gz (KiTS)")
