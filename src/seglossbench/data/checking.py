"""Whether every case of a dataset is what it should be, found out by reading all of it."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seglossbench.data.cases import Case, CaseIndex, Problem
from seglossbench.data.facts import CaseFacts, facts_of
from seglossbench.data.grids import difference
from seglossbench.data.images import Volume, faults_of, label_map, read_unchecked
from seglossbench.data.preparation.loading import class_indices
from seglossbench.data.prepared import distance_unit_of
from seglossbench.errors import InputError
from seglossbench.parallel import over_cases

HARMLESS = {"empty label", "empty image", "duplicate"}  # such a case can be prepared all the same


@dataclass(frozen=True)
class Checked:
    """What was found in one case; ``contents`` are its files with the checksums of their voxels."""

    problems: list[Problem]
    facts: CaseFacts | None
    contents: list[tuple[Path, str]]


def check_dataset(index: CaseIndex, processes: int, title: str) -> tuple[list[Problem], list[CaseFacts]]:
    """All problems of a dataset by case, and the facts of every case whose label map makes sense."""
    check = partial(check_case, channels=len(index.channels), label_values=dict(index.label_values))
    checked = list(over_cases(check, index.cases, processes, title))
    problems = [
        *index.problems,
        *(problem for one in checked for problem in one.problems),
        *_repeated(zip(index.cases, checked, strict=True)),
    ]
    return sorted(problems, key=lambda problem: problem.case), [one.facts for one in checked if one.facts]


def usable_cases(index: CaseIndex, processes: int, title: str) -> CaseIndex:
    """The index without the cases that cannot be prepared; its ``problems`` say why, the first of each.

    Raises InputError if no case is left.
    """
    problems, _ = check_dataset(index, processes, title)
    bad = {problem.case: problem for problem in reversed(problems) if problem.kind not in HARMLESS}
    cases = tuple(case for case in index.cases if case.name not in bad)
    if not cases:
        raise InputError(f"none of the {len(bad)} cases can be used, such as {next(iter(bad.values()))}")
    return replace(index, cases=cases, problems=tuple(bad[name] for name in sorted(bad)))


def check_case(case: Case, channels: int, label_values: Mapping[str, int]) -> Checked:
    """Read all files of a case, one after the other, and say what is wrong with each."""
    checked: list[Problem] = []
    contents: list[tuple[Path, str]] = []
    truth, problems = _read(case, case.labels, exact=True)
    is_finite = all(problem.kind != "not finite" for problem in problems)
    facts, found = _check_labels(case, truth, label_values) if truth and is_finite else (None, [])
    checked += problems + found
    if truth and facts and any(facts.class_sizes_mm.values()):
        contents.append((case.labels, _checksum(truth.array)))
    reference, name = (truth, case.labels.name) if truth and not problems else (None, "")
    count, all_read = 0, True
    for file in case.images:
        volume, problems = _read(case, file)
        checked += problems
        if volume is None:
            all_read = False
            continue
        count += len(volume.array)
        blank = [number for number, channel in enumerate(volume.array) if channel.min() == channel.max()]
        if blank:
            which = "" if len(volume.array) == 1 else f" of channel {', '.join(map(str, blank))}"
            checked.append(Problem(case.name, "empty image", file, f"all voxels{which} have the same value"))
        else:
            contents.append((file, _checksum(volume.array)))
        if reference is None:
            reference, name = (volume, file.name) if not problems else (None, "")
        elif not problems and (different := difference(volume.grid, reference.grid, name)):
            checked.append(Problem(case.name, different[0], file, different[1]))
    if all_read and count != channels:
        detail = f"{count} channels, and the dataset has {channels}"
        checked.append(Problem(case.name, "missing modality", case.images[0], detail))
    return Checked(checked, facts, contents)


def _read(case: Case, file: Path, *, exact: bool = False) -> tuple[Volume | None, list[Problem]]:
    """What the file holds, if it can be read, and what is wrong with it as such."""
    try:
        volume = read_unchecked(file, exact=exact)
    except InputError as error:
        detail = str(error).removeprefix(f"{file}: ")
        return None, [Problem(case.name, "unreadable", file, detail)]
    return volume, [Problem(case.name, kind, file, detail) for kind, detail in faults_of(volume)]


def _check_labels(
    case: Case, truth: Volume, label_values: Mapping[str, int]
) -> tuple[CaseFacts | None, list[Problem]]:
    try:
        labels = class_indices(label_map(truth, case.labels), label_values, case.labels, case.as_background)
    except InputError as error:
        detail = str(error).removeprefix(f"{case.labels}: ")
        return None, [Problem(case.name, "unknown label", case.labels, detail)]
    counts = np.bincount(labels.ravel(), minlength=len(label_values))[1:]
    voxel_mm = float(np.prod(truth.spacing_mm))
    sizes = {
        name: float(count * voxel_mm) for name, count in zip(list(label_values)[1:], counts, strict=True)
    }
    empty = Problem(case.name, "empty label", case.labels, "holds nothing but background")
    facts = facts_of(case, truth.shape, truth.affine, sizes, distance_unit_of([case.labels]))
    return facts, [] if counts.any() else [empty]


def _checksum(array: NDArray[Any]) -> str:
    """A checksum of voxels that does not depend on how the file is compressed."""
    content = hashlib.blake2b(np.ascontiguousarray(array).data, digest_size=16)
    content.update(str(array.shape).encode())
    return content.hexdigest()


def _repeated(checked: Iterable[tuple[Case, Checked]]) -> list[Problem]:
    """A problem for each file that holds the very voxels of a former one."""
    seen: dict[str, tuple[Case, Path]] = {}
    problems = []
    for case, one in checked:
        for file, content in one.contents:
            former, other = seen.setdefault(content, (case, file))
            if other != file:
                of = "" if former is case else f" of case {former.name}"
                problems.append(Problem(case.name, "duplicate", file, f"the same voxels as {other.name}{of}"))
    return problems


def format_problems(problems: Sequence[Problem], folder: Path, most: int = 50) -> str:
    """A text table of the first ``most`` problems, files told relative to ``folder``."""
    rows = [("case", "problem", "file and what is wrong with it")]
    for problem in problems[:most]:
        file = problem.file.relative_to(folder) if problem.file.is_relative_to(folder) else problem.file
        rows.append((problem.case, problem.kind, f"{file}: {problem.detail}"))
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    lines = [f"{case:<{widths[0]}}  {kind:<{widths[1]}}  {text}" for case, kind, text in rows]
    return "\n".join(lines + ([f"and {len(problems) - most} more"] if len(problems) > most else []))
