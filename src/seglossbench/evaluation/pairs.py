"""Truth and prediction files that belong together, by their names, and the check that they lie on the same grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from seglossbench.data.grids import difference
from seglossbench.errors import InputError, InputErrors
from seglossbench.evaluation.case import Record, score_case
from seglossbench.evaluation.label_files import LabelFile, is_label_file, read_labels, stem_of
from seglossbench.image_files import SUFFIXES
from seglossbench.vocabulary.conventions import Missing


class Pair(NamedTuple):
    """The two files of a case; without a prediction, it is scored as if nothing had been predicted."""

    case: str
    truth: Path
    prediction: Path | None


class Pairing(NamedTuple):
    """The pairs of two folders, what is wrong with the folders (a line each), and the cases that were left out."""

    pairs: list[Pair]
    faults: list[str]
    left_out: list[str]


def find_pairs(truth: Path, prediction: Path, missing: Missing = "error") -> Pairing:
    """The pairs of two folders by their files' names without ending, or the one pair of two files.

    Other files, such as those that nnU-Net writes beside its predictions, are left alone. A truth without prediction
    is a fault, or a pair without prediction (``missing``: ``empty``), or left out (``skip``); a prediction without
    truth is left out by ``skip`` and a fault otherwise. Raises InputError for paths of two kinds, or without files.
    """
    for path in (truth, prediction):
        if not path.exists():
            raise InputError(f"{path}: no such file or folder")
    if truth.is_dir() != prediction.is_dir():
        folder, file = (truth, prediction) if truth.is_dir() else (prediction, truth)
        raise InputError(f"{folder} is a folder and {file} a file; give two files or two folders")
    if not truth.is_dir():
        return Pairing([Pair(stem_of(truth), truth, prediction)], [], [])
    faults: list[str] = []
    truths, predictions = _label_files(truth, faults), _label_files(prediction, faults)
    without, extra = sorted(truths.keys() - predictions.keys()), sorted(predictions.keys() - truths.keys())
    if missing == "error":
        faults += [f"{prediction}: no prediction for {truths[case]}" for case in without]
    if missing != "skip":
        faults += [f"{truth}: no truth for {predictions[case]}" for case in extra]
    scored = truths if missing == "empty" else truths.keys() & predictions.keys()
    pairs = [Pair(case, truths[case], predictions.get(case)) for case in sorted(scored)]
    return Pairing(pairs, faults, sorted([*without, *extra]) if missing == "skip" else [])


def pair_files(truth: Path, prediction: Path, missing: Missing = "error") -> list[Pair]:
    """The pairs that ``find_pairs`` finds; raises InputError with all faults."""
    found = find_pairs(truth, prediction, missing)
    if found.faults:
        raise InputErrors("files are paired by their names", found.faults)
    return found.pairs


def read_pair(pair: Pair) -> tuple[LabelFile, LabelFile | None]:
    """Both label maps of a pair; raises InputError unless they are on the same grid."""
    truth = read_labels(Path(pair.truth))
    if pair.prediction is None:
        return truth, None
    prediction = read_labels(Path(pair.prediction))
    if truth.has_place and prediction.has_place:
        prediction = replace(prediction, volume=prediction.volume.turned_onto(truth.volume.grid))
        grids = prediction.volume.grid, truth.volume.grid
    else:
        grids = prediction.grid_without_place, truth.grid_without_place
    if different := difference(*grids, "the truth"):
        raise InputError(
            f"{truth.path} and {prediction.path} are not on the same grid: {different[1]}; "
            "resample the prediction to the truth's grid"
        )
    return truth, prediction


def score_pair(
    pair: Pair,
    classes: Mapping[str, Sequence[int]],
    metrics: Sequence[str],
    empty: str,
    hd95: str,
    ignore: int | None,
) -> list[Record]:
    """The scores of the two files of a case, as of ``score_case``."""
    truth, prediction = read_pair(pair)
    labels = truth.labels
    return score_case(
        labels,
        np.zeros_like(labels) if prediction is None else prediction.labels,
        truth.spacing_mm,
        classes=classes,
        metrics=metrics,
        empty=empty,
        hd95=hd95,
        ignore=ignore,
    )


def examine(pair: Pair, find_labels: bool) -> tuple[set[int], str]:
    """What forbids to score a pair, in words, if anything; with ``find_labels``, also its label values but 0."""
    try:
        files = read_pair(pair)
    except InputError as error:
        return set(), str(error)
    if not find_labels:
        return set(), ""
    return {int(value) for file in files if file for value in np.unique(file.labels)} - {0}, ""


def _label_files(folder: Path, faults: list[str]) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if is_label_file(path) and path.is_file():
            other = files.setdefault(stem_of(path), path)
            if other != path:
                faults.append(f"{folder}: {other.name} and {path.name} are of the same case; remove one")
    if not files:
        raise InputError(f"{folder}: holds no label map; looked for {', '.join(SUFFIXES)}")
    return files
