"""ACDC17: a folder per patient with two frames of the heart, in a part for training and one for test."""

import re
from pathlib import Path

from seglossbench.data.cases import Case, CaseIndex, Part, Problem, image_folders, image_stem
from seglossbench.data.layouts.layout import Layout
from seglossbench.params import DatasetParams

LABEL_VALUES = {"background": 0, "RV": 1, "MYO": 2, "LV": 3}
OFFICIAL: dict[str, Part] = {"training": "train", "testing": "test"}
FRAME = re.compile(r"patient\d+_frame\d+")  # patientNNN_4d is the whole film, of which no more is labelled


def matches(folder: Path) -> bool:
    """Whether a frame of a patient lies somewhere below ``folder``."""
    return any(FRAME.fullmatch(image_stem(file)) for _, files in image_folders(folder) for file in files)


def index(folder: Path, settings: DatasetParams) -> CaseIndex:
    """One case per labelled frame."""
    cases: list[Case] = []
    problems: list[Problem] = []
    for patient, files in image_folders(folder):
        by_stem = {image_stem(file): file for file in files}
        official = OFFICIAL.get(patient.parent.name)
        for stem, file in by_stem.items():
            name, is_truth = stem.removesuffix("_gt"), stem.endswith("_gt")
            if not FRAME.fullmatch(name):
                continue
            if is_truth and name not in by_stem:
                problems.append(
                    Problem(name, "missing image", patient, f"no image {name} beside {file.name}")
                )
            elif not is_truth and f"{name}_gt" not in by_stem:
                problems.append(Problem(name, "missing labels", patient, f"no {name}_gt beside {file.name}"))
            elif not is_truth:
                truth = by_stem[f"{name}_gt"]
                cases.append(Case(name, (file,), truth, "MRI", official))
    return CaseIndex("acdc", ("cine",), LABEL_VALUES, tuple(cases), problems=tuple(problems))


LAYOUT = Layout(matches, index, "patientNNN/patientNNN_frameNN and ..._gt (ACDC)")
