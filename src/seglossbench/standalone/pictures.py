"""Where anybody's predictions lie, so that a report of their scores can draw them beside the truth."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seglossbench.data.cases import Modality, image_files, image_stem
from seglossbench.data.layouts.nnunet import COLOURS
from seglossbench.errors import InputError, nearest
from seglossbench.evaluation.scores import parse_classes
from seglossbench.image_files import PNG, suffix_of
from seglossbench.inspection.scans import Scan, Scans
from seglossbench.vocabulary.tables import IDENTITY, STATUS

if TYPE_CHECKING:
    import pandas as pd

_REGION = re.compile(r"\(?\d+(, ?\d+)*,?\)?")
"""A class that is called by its label, or by its labels as nnU-Net writes them."""
Run = tuple[str, str, str, str]


@dataclass(frozen=True)
class Files:
    """Folders of label maps and images, whose files are named by cases as ``score`` and nnU-Net name them.

    ``predictions`` are ``LOSS=FOLDER``, or with as much of ``DATASET/NETWORK/LOSS/SEED`` as it takes to name one run.
    ``regions`` are the label values of classes, as ``score`` takes them; classes that are called by their labels need
    none. Without ``images`` outlines are drawn on black.
    """

    truth: Path
    predictions: Sequence[str]
    images: Path | None = None
    regions: str | None = None
    modality: Modality | None = None


def scans_of(
    scores: "pd.DataFrame", files: Files, stated: Mapping[str, Sequence[int]] | None = None
) -> Scans:
    """The files of the scored cases; ``stated`` are classes' label values that the scores' conventions name.

    Raises InputError for a folder without label maps, for predictions that belong to no run or to several, and for a
    class whose label values are not known.
    """
    of_folder = _by_stem(files.truth)
    runs = list(dict.fromkeys(scores[list(IDENTITY)].itertuples(index=False, name=None)))
    images = _by_stem(files.images) if files.images else {}
    channels, found = _described([files.images, files.truth])
    is_png = suffix_of(next(iter(of_folder.values()))) == PNG
    modality = files.modality or ("RGB" if is_png else found)
    classes = _classes(scores, dict(stated or {}), files.regions)
    cases = {
        (dataset, case): Scan(
            of_folder[case],
            _images(images, case),
            channels,
            modality,
            classes,
            of_folder[case].name,
        )
        for dataset, case in scores[["dataset", "case"]].drop_duplicates().itertuples(index=False, name=None)
        if case in of_folder
    }
    if not cases:
        raise InputError(
            f"{files.truth}: holds no label map of a scored case; they are called "
            f"{scores['case'].iloc[0]} and so on, and its files {next(iter(of_folder))}"
        )
    folders = dict(_folder(words, runs) for words in files.predictions)
    missing = {dataset: f"{files.truth}: no label map of the case" for dataset, *_ in runs}
    return Scans(cases, folders, missing)


def chosen(
    scores: "pd.DataFrame", scans: Scans, tables: Mapping[str, "pd.DataFrame"], provenance: Mapping[str, Any]
) -> "pd.DataFrame":
    """The table ``cases`` of an analysis, chosen among the cases and runs whose files are there."""
    from seglossbench.analysis.arrays import cubes_of
    from seglossbench.analysis.cases import cases
    from seglossbench.analysis.whole import decisive

    key = list(IDENTITY)
    here = [
        (run[0], case) in scans.cases and run in scans.runs
        for *run_words, case in scores[[*key, "case"]].itertuples(index=False, name=None)
        for run in [tuple(run_words)]
    ]
    decides = provenance.get("decides") or decisive(scores, None)
    numbers = tables["runs"].assign(failed=tables["runs"]["failed"] == 1)
    cubes = cubes_of(scores[here].reset_index(drop=True), {})
    return cases(cubes, tables["means"], numbers, str(decides), provenance.get("baseline"))


def _by_stem(folder: Path | None) -> dict[str, Path]:
    found = {image_stem(file): file for file in image_files(folder)} if folder else {}
    if not found:
        fault = "holds no image or label map" if folder and folder.is_dir() else "no such folder"
        raise InputError(f"{folder}: {fault}; give the folder of the files themselves, such as labelsTs")
    return found


def _images(images: Mapping[str, Path], case: str) -> tuple[Path, ...]:
    """The files of a case: one of its name, or nnU-Net's one per channel."""
    if case in images:
        return (images[case],)
    pattern = re.compile(re.escape(case) + r"_\d{4}")
    return tuple(images[stem] for stem in sorted(images) if pattern.fullmatch(stem))


def _described(folders: Iterable[Path | None]) -> tuple[tuple[str, ...], Modality]:
    """The channels and modality that a dataset.json in or beside one of the folders names; else none, and MRI."""
    for folder in folders:
        for place in (folder, folder.absolute().parent) if folder else ():
            with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
                described = json.loads((place / "dataset.json").read_text(encoding="utf-8-sig"))
                named = described.get("channel_names") or described["modality"]
                channels = tuple(str(named[number]) for number in sorted(named, key=int))
                upper = {name.upper() for name in channels}
                return channels, "CT" if "CT" in upper else "RGB" if upper <= COLOURS else "MRI"
    return (), "MRI"


def _classes(
    scores: "pd.DataFrame", stated: Mapping[str, Sequence[int]], regions: str | None
) -> dict[str, tuple[int, ...]]:
    """The label values of every scored class."""
    given = parse_classes(regions.split()) if regions else {}
    found = {}
    for name in scores.loc[scores["metric"] != STATUS, "class"].unique():
        if name in given or name in stated:
            found[name] = tuple(given.get(name) or stated[name])
        elif _REGION.fullmatch(name):
            found[name] = tuple(int(value) for value in re.findall(r"\d+", name))
        else:
            raise InputError(f"class {name!r}: its labels are not known; name them by --regions '{name}=1'")
    return found


def _folder(words: str, runs: Sequence[Run]) -> tuple[Run, Path]:
    """The run that a folder of predictions is of, and the folder; the loss stands among its words."""
    name, equals, path = words.partition("=")
    folder = Path(path)
    if not equals or not name:
        raise InputError(
            f"--predictions: {words!r} is not of the form LOSS=FOLDER, such as ce=predictions/ce"
        )
    _by_stem(folder)
    fitting = [run for run in runs if name == run[2] or _fits(name.split("/"), run)]
    if not fitting:
        raise InputError(
            f"--predictions: no scores of {name!r}; {nearest(name, list(dict.fromkeys(r[2] for r in runs)))}"
        )
    if len(fitting) > 1:
        raise InputError(
            f"--predictions: {name!r} has {len(fitting)} runs; say which one, as {'/'.join(fitting[0])}={folder}"
        )
    return fitting[0], folder


def _fits(words: Sequence[str], run: Run) -> bool:
    """Whether the words stand in the run's names in their order, and its loss among them."""
    rest = iter(run)
    return run[2] in words and all(word in rest for word in words)
