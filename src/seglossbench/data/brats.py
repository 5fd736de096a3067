"""The layout of BraTS 2018 to 2023: a folder per patient with a file per modality."""

from pathlib import Path

from seglossbench.data.cases import Case, CaseIndex, nifti_files, nifti_stem
from seglossbench.errors import InputError

CHANNELS = ("flair", "t1", "t1ce", "t2")
# How a file's name ends, for each channel and the labels: until 2021, and since 2023.
ENDINGS = {
    "flair": ("_flair", "-t2f"),
    "t1": ("_t1", "-t1n"),
    "t1ce": ("_t1ce", "-t1c"),
    "t2": ("_t2", "-t2w"),
    # Case 355 of 2020 came as W39_1998.09.19_Segm.nii.
    "labels": ("_seg", "-seg", "_Segm"),
}
REGIONS = {"WT": ("NCR/NET", "ED", "ET"), "TC": ("NCR/NET", "ET"), "ET": ("ET",)}


def matches(folder: Path) -> bool:
    """Whether a patient's folder of this layout lies somewhere below ``folder``."""
    return any(_is_flair(file) for file in folder.rglob("*.nii*"))


def index(folder: Path) -> CaseIndex:
    """The cases below ``folder``, sorted by name; raises InputError that names the folder with a missing file."""
    patients = sorted({file.parent for file in folder.rglob("*.nii*") if _is_flair(file)})
    cases = tuple(_case(patient) for patient in patients)
    # BraTS 2023 calls the enhancing tumour 3, the earlier years 4.
    since_2023 = any(nifti_stem(file).endswith("-t2f") for file in nifti_files(patients[0]))
    label_values = {"background": 0, "NCR/NET": 1, "ED": 2, "ET": 3 if since_2023 else 4}
    return CaseIndex("brats", CHANNELS, label_values, cases, REGIONS)


def _is_flair(file: Path) -> bool:
    return nifti_stem(file).endswith(ENDINGS["flair"]) and not file.name.startswith(".")


def _case(patient: Path) -> Case:
    files = nifti_files(patient)
    found = {
        part: [file for file in files if nifti_stem(file).endswith(endings)]
        for part, endings in ENDINGS.items()
    }
    for part, candidates in found.items():
        if len(candidates) != 1:
            endings = " or ".join(ENDINGS[part])
            raise InputError(
                f"{patient}: expected one file for {part} (its name ends in {endings}), found {len(candidates)}"
            )
    images = tuple(found[channel][0] for channel in CHANNELS)
    return Case(patient.name, images, found["labels"][0], "MRI")
