"""The layout of AMOS22, which is that of nnU-Net: dataset.json, imagesTr, labelsTr, and imagesVa, labelsVa."""

import json
from pathlib import Path
from typing import Any, Literal

from seglossbench.data.cases import Case, CaseIndex, nifti_files, nifti_stem
from seglossbench.errors import InputError

FIRST_MRI_CASE = 501  # amos_0001 to amos_0500 are CT


def matches(folder: Path) -> bool:
    """Whether a dataset.json with imagesTr and labelsTr lies in ``folder`` or right below it."""
    return _root(folder) is not None


def index(folder: Path) -> CaseIndex:
    """The labelled cases: imagesTr are officially for training, imagesVa for test (those of imagesTs have no labels).

    Raises InputError that names the file at fault.
    """
    root = _root(folder)
    if root is None:
        raise InputError(f"{folder}: expected dataset.json, imagesTr and labelsTr in it or in a folder of it")
    description = _description(root / "dataset.json")
    cases = (*_cases(root, "Tr", "train"), *_cases(root, "Va", "test"))
    channels = description.get("channel_names", description.get("modality", {"0": "image"}))
    return CaseIndex("amos", tuple(channels.values()), _label_values(root, description), cases)


def _root(folder: Path) -> Path | None:
    for candidate in (folder, *sorted(path for path in folder.iterdir() if path.is_dir())):
        if all((candidate / part).exists() for part in ("dataset.json", "imagesTr", "labelsTr")):
            return candidate
    return None


def _description(file: Path) -> dict[str, Any]:
    try:
        description = json.loads(file.read_text(encoding="utf-8"))
        description["labels"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file}: not a dataset description with labels: {error}") from None
    return dict(description)


def _label_values(root: Path, description: dict[str, Any]) -> dict[str, int]:
    """Class names to values, whichever way round the file has them, background first."""
    labels = description["labels"]
    try:
        values = (
            {name: int(value) for value, name in labels.items()}
            if all(str(key).isdigit() for key in labels)
            else {name: int(value) for name, value in labels.items()}
        )
    except (TypeError, ValueError):
        raise InputError(f"{root / 'dataset.json'}: labels: expected whole numbers and names") from None
    if 0 not in values.values():
        raise InputError(f"{root / 'dataset.json'}: labels: no name for 0, the background")
    return dict(sorted(values.items(), key=lambda item: item[1]))


def _cases(root: Path, part: str, official: Literal["train", "test"]) -> list[Case]:
    labels = {nifti_stem(file): file for file in nifti_files(root / f"labels{part}")}
    images = {nifti_stem(file).removesuffix("_0000"): file for file in nifti_files(root / f"images{part}")}
    for name in labels.keys() ^ images.keys():
        lacking = "labels" if name in images else "images"
        raise InputError(f"{root}: case {name} has no file in {lacking}{part}")
    return [Case(name, (images[name],), labels[name], _modality(name), official) for name in sorted(labels)]


def _modality(name: str) -> Literal["CT", "MRI"]:
    number = name.rpartition("_")[2]
    return "MRI" if number.isdigit() and int(number) >= FIRST_MRI_CASE else "CT"
