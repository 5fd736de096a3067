"""What no experiment names any more: runs, predictions, scores, prepared cases and maps of former settings or code."""

import json
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from seglossbench import params as parameters
from seglossbench.errors import InputError
from seglossbench.experiment import Experiment
from seglossbench.names import word
from seglossbench.records import State, state, working_folder

KINDS = {
    "run": "runs/*/*/*/seed*",
    "prediction": "predictions/*/*/*/seed*/*",
    "scores": "scores/*/*/*/seed*/*.csv",
    "prepared dataset": "data/prepared/*-*",
    "prepared case": "data/prepared/cases/*",
    "maps of a dataset": "data/maps/*-*",
    "maps of a case": "data/maps/cases/*",
}
INDEX = {"data/prepared": "dataset.json", "data/maps": "maps.json"}


@dataclass(frozen=True)
class Orphan:
    """A folder or file that nothing names, with its size on the disk in bytes."""

    kind: str
    place: Path
    size: int


@dataclass(frozen=True)
class Unnamed:
    """All orphans, and why experiments could not be asked: what lies there of their datasets was left out."""

    orphans: tuple[Orphan, ...]
    not_asked: tuple[str, ...]


def unnamed(params: Path) -> Unnamed:
    """What lies in this project and is named by none of its experiments; what is being trained is never listed."""
    named: set[Path] = set()
    spared: set[str] = set()
    not_asked = []
    for file in sorted((params.parent / "experiments").glob("*.yaml")):
        try:
            named |= _named_by(Experiment.load(params, {"experiment": file.stem}))
        except InputError as error:
            not_asked.append(f"{file.stem}: {error}")
            spared |= _datasets_of(file, params)
    named |= _cases_of(named)
    found = []
    for kind, pattern in KINDS.items():
        for place in sorted(Path().glob(pattern)):
            is_case = place.parent.name == "cases"
            if place in named or (spared and (is_case or _dataset_of(place) in spared)):
                continue
            if kind == "run" and state(place.with_name(place.name.removesuffix(".running"))) == State.RUNNING:
                continue
            found.append(Orphan(kind, place, _size(place)))
    return Unnamed(tuple(found), tuple(not_asked))


def remove(orphans: Sequence[Orphan]) -> None:
    """Remove orphans, and the folders that this leaves empty."""
    for orphan in orphans:
        if orphan.place.is_dir():
            shutil.rmtree(orphan.place)
        else:
            orphan.place.unlink(missing_ok=True)
        for parent in [*orphan.place.parents][:-2]:
            if any(parent.iterdir()):
                break
            parent.rmdir()


def _named_by(experiment: Experiment) -> set[Path]:
    named = {place for dataset in experiment.datasets for place in (dataset.prepared, dataset.maps)}
    for run in experiment.runs:
        named |= {run.folder, working_folder(run.folder), run.scores}
        named |= {weights.predictions for weights in run.weights}
    return named


def _cases_of(named: Iterable[Path]) -> set[Path]:
    """The cases that the named datasets have."""
    cases = set()
    for place in named:
        index = INDEX.get(place.parent.as_posix())
        if index is None:
            continue
        with suppress(OSError, ValueError, KeyError):
            content = json.loads((place / index).read_text(encoding="utf-8"))
            entries = content["cases"].values() if index == "dataset.json" else content.values()
            cases |= {
                place.parent / (entry["folder"] if isinstance(entry, dict) else entry) for entry in entries
            }
    return cases


def _datasets_of(file: Path, params: Path) -> set[str]:
    """The datasets of an experiment that cannot be loaded, as its file or the params name them."""
    grids = (parameters.read(one).get("grid") or {} for one in (file, params))
    return {word(str(name)) for grid in grids for name in grid.get("datasets", ())}


def _dataset_of(place: Path) -> str:
    return place.name.rpartition("-")[0] if place.parts[0] == "data" else place.parts[1]


def _size(place: Path) -> int:
    files = [place] if place.is_file() else [file for file in place.rglob("*") if file.is_file()]
    return sum(file.stat().st_blocks * 512 for file in files)
