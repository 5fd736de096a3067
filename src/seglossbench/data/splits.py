"""Which cases train, validate and test. A patient is in one part only, and the loss has no say in it."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import yaml

from seglossbench.data.cases import Part
from seglossbench.errors import InputError, nearest
from seglossbench.files import read_text
from seglossbench.params import DatasetParams
from seglossbench.randomness import stream
from seglossbench.registry import SPLITS

register = SPLITS.register
PARTS: tuple[Part, ...] = ("train", "validation", "test")
# Parts of a file: nnU-Net says val, and what no part shall have must be said.
FILE_PARTS = {"train": "train", "validation": "validation", "val": "validation", "test": "test", "unused": ""}


class Splittable(Protocol):
    """A case, raw or prepared."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def patient(self) -> str: ...  # noqa: D102
    @property
    def official(self) -> Part | None: ...  # noqa: D102


@dataclass(frozen=True)
class Split:
    """The names of the cases of each part, sorted, and in words how they were chosen."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]
    method: str = ""


Parts = Mapping[str, Iterable[str]]  # the part ``train``, where it is not given, is all the rest
Method = Callable[[Sequence[Splittable], DatasetParams], tuple[Parts, str]]


def split_cases(cases: Sequence[Splittable], params: DatasetParams, dataset: str) -> Split:
    """Divide cases into parts by the method that ``params.split`` names in SPLITS.

    ``auto`` is ``file`` where there is one, else ``official`` where the authors of the dataset keep cases for the test,
    else ``alternating``. Where the method chooses none for validation, a random ``validation_fraction`` of the training
    patients is, never all of them. The order of the cases does not matter. Raises InputError where a part for training
    or test would be empty, or a patient in two parts.
    """
    cases = sorted(cases, key=lambda case: case.name)
    method = params.split
    if method == "auto":
        has_official = any(case.official == "test" for case in cases)
        method = "file" if params.split_file else "official" if has_official else "alternating"
    try:
        chosen, words = SPLITS.load(method)(cases, params)
        parts = {part: set(chosen.get(part, ())) for part in PARTS}
        if "train" not in chosen:
            parts["train"] = {case.name for case in cases} - parts["validation"] - parts["test"]
        if not parts["train"] or not parts["test"]:
            raise InputError(
                f"{len(cases)} cases leave {len(parts['train'])} for training and {len(parts['test'])} for test; "
                "choose another split or add cases"
            )
        _check_patients(cases, parts)
        if "validation" not in chosen and params.validation_fraction > 0:
            rest = _patients([case for case in cases if case.name in parts["train"]])
            drawn = _draw(rest, params.validation_fraction, params.split_seed, "validation")
            parts["validation"] = drawn
            parts["train"] -= drawn
            words += f"; {params.validation_fraction:g} of the rest, drawn at random, for validation"
    except InputError as error:
        raise InputError(f"datasets.{dataset}: split {method}: {error}") from None
    train, validation, test = (tuple(sorted(parts[part])) for part in PARTS)
    return Split(train, validation, test, f"{method}: {words}")


def official(cases: Sequence[Splittable], params: DatasetParams) -> tuple[Parts, str]:
    """The parts of the dataset's authors."""
    chosen = {part: [case.name for case in cases if case.official == part] for part in ("validation", "test")}
    return {part: names for part, names in chosen.items() if names}, "the test part of the dataset's authors"


def alternating(cases: Sequence[Splittable], params: DatasetParams) -> tuple[Parts, str]:
    """Paper B for BraTS: the sorted list's [::2] trains, its [1::2] is for test."""
    words = "every other patient, from the first on, trains, the others are for test"
    return {"test": _names(_patients(cases)[1::2])}, words


def even_odd(cases: Sequence[Splittable], params: DatasetParams) -> tuple[Parts, str]:
    """Paper B for ACDC and KiTS."""
    numbers = {case.name: re.findall(r"\d+", case.patient) for case in cases}
    for name, found in numbers.items():
        if not found:
            raise InputError(f"the patient of case {name} has no number; choose another split")
    words = "patients with an even number train, those with an odd one are for test"
    return {"test": [name for name, found in numbers.items() if int(found[-1]) % 2]}, words


def k_fold(cases: Sequence[Splittable], params: DatasetParams) -> tuple[Parts, str]:
    """A fold of all patients, dealt at random, for test."""
    patients, folds, fold = _patients(cases), params.folds, params.fold
    if not fold < folds <= len(patients):
        raise InputError(f"fold {fold} of {folds} folds of {len(patients)} patients; folds count from 0")
    order = stream("split", "k_fold", params.split_seed).permutation(len(patients))
    words = f"fold {fold} of {folds} is for test, patients dealt at random (seed {params.split_seed})"
    return {"test": _names(patients[place] for place in order[fold::folds])}, words


def hold_out(cases: Sequence[Splittable], params: DatasetParams) -> tuple[Parts, str]:
    """A random share of the patients for test."""
    words = f"{params.test_fraction:g} of the patients, drawn at random (seed {params.split_seed}), for test"
    return {"test": _draw(_patients(cases), params.test_fraction, params.split_seed, "test")}, words


def from_file(cases: Sequence[Splittable], params: DatasetParams) -> tuple[Parts, str]:
    """Parts by name, or nnU-Net's splits_final.json, whose ``val`` is for test unless others are officially so."""
    if params.split_file is None:
        raise InputError("no split_file; give the file with the names of each part")
    file = Path(params.split_file)
    named = read_parts(file, params)
    known = {case.name for case in cases}
    for part, names in named.items():
        for name in names:
            if name not in known and params.on_bad_case == "fail":
                raise InputError(f"{file}: {part}: no case {name!r}; {nearest(name, sorted(known))}")
    parts = {
        part: [name for name in names if name in known]
        for key, names in named.items()
        if (part := FILE_PARTS[key])
    }
    left = known - {name for names in named.values() for name in names}
    if "test" not in parts:
        parts["test"] = sorted(case.name for case in cases if case.name in left and case.official == "test")
        left -= set(parts["test"])
        if not parts["test"]:
            parts["test"] = parts.pop("validation", [])
    if left:
        raise InputError(
            f"{file}: {len(left)} cases are in no part, such as {min(left)}; list them as unused"
        )
    return {"train": [], **parts}, f"as {file.name} says" + (f" (fold {params.fold})" if params.fold else "")


def read_parts(file: Path, params: DatasetParams) -> dict[str, list[str]]:
    """The names of each part of a JSON or YAML file, of the wanted fold where it is a list of folds."""
    try:
        text = read_text(file)
        parts: Any = (
            json.loads(text, parse_int=str, parse_float=str)
            if file.suffix == ".json"
            else yaml.load(text, yaml.BaseLoader)
        )
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from None
    except (ValueError, yaml.YAMLError) as error:
        raise InputError(f"{file}: neither JSON nor YAML: {' '.join(str(error).split())}") from None
    if isinstance(parts, list):
        if params.fold >= len(parts):
            raise InputError(f"{file}: no fold {params.fold}; it has {len(parts)}, from 0 on")
        parts = parts[params.fold]
    if not isinstance(parts, dict):
        raise InputError(f"{file}: expected the names of each part, such as {{train: [a, b], test: [c]}}")
    parts.pop("method", None)  # of a split that a report has stored
    for part, names in parts.items():
        if part not in FILE_PARTS:
            raise InputError(f"{file}: unknown part {part!r}; {nearest(str(part), tuple(FILE_PARTS))}")
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise InputError(f"{file}: {part}: expected a list of the names of cases, as text")
    return parts


def _patients(cases: Sequence[Splittable]) -> list[list[str]]:
    """The names of each patient's cases, sorted, the patients in the order of their first case."""
    groups: dict[str, list[str]] = {}
    for case in cases:
        groups.setdefault(case.patient, []).append(case.name)
    return list(groups.values())


def _names(groups: Iterable[Sequence[str]]) -> set[str]:
    return {name for group in groups for name in group}


def _draw(patients: Sequence[Sequence[str]], fraction: float, seed: int, part: str) -> set[str]:
    """The cases of a random ``fraction`` of the patients, rounded, which leaves at least one of them."""
    count = min(round(fraction * len(patients)), len(patients) - 1)
    places = stream("split", part, seed).choice(len(patients), size=count, replace=False)
    return _names(patients[place] for place in places)


def _check_patients(cases: Sequence[Splittable], parts: Mapping[Part, set[str]]) -> None:
    """Raise InputError for a case or a patient in two parts."""
    places: dict[str, tuple[str, str]] = {}
    for part, names in parts.items():
        for case in cases:
            if case.name in names:
                former, name = places.setdefault(case.patient, (part, case.name))
                if former != part:
                    raise InputError(
                        f"patient {case.patient} is in {former} ({name}) and in {part} ({case.name}); "
                        "a patient belongs into one part; where they are not the same person, say so by patient_pattern"
                    )
