"""The layout of BraTS 2018 to 2023: a folder per patient with a file per modality."""

from pathlib import Path

from seglossbench.data.cases import CaseIndex, image_folders, image_stem
from seglossbench.data.layouts.layout import Layout
from seglossbench.data.layouts.patient_folders import find_cases
from seglossbench.params import DatasetParams

# How a file's name ends, for each channel and the labels: until 2021, and since 2023.
CHANNELS = {
    "flair": ("_flair", "-t2f"),
    "t1": ("_t1", "-t1n"),
    "t1ce": ("_t1ce", "-t1c"),
    "t2": ("_t2", "-t2w"),
}
LABELS = ("_seg", "-seg", "_Segm")  # case 355 of 2020 came as W39_1998.09.19_Segm.nii
REGIONS = {"WT": ("NCR/NET", "ED", "ET"), "TC": ("NCR/NET", "ET"), "ET": ("ET",)}


def matches(folder: Path) -> bool:
    """Whether a patient's folder of this layout lies somewhere below ``folder``."""
    return any(
        image_stem(file).endswith(CHANNELS["flair"]) for _, files in image_folders(folder) for file in files
    )


def index(folder: Path, settings: DatasetParams) -> CaseIndex:
    """The cases below ``folder``; what a part without any labels holds is left out."""
    cases, problems = find_cases(folder, CHANNELS, LABELS)
    # BraTS 2023 calls the enhancing tumour 3, the earlier years 4.
    since_2023 = any(image_stem(case.images[0]).endswith("-t2f") for case in cases)
    label_values = {"background": 0, "NCR/NET": 1, "ED": 2, "ET": 3 if since_2023 else 4}
    return CaseIndex("brats", tuple(CHANNELS), label_values, cases, REGIONS, problems)


LAYOUT = Layout(
    matches,
    index,
    "a folder per patient with files that end in _flair, _t1, _t1ce, _t2, _seg (BraTS)",
    has_regions=True,
)
