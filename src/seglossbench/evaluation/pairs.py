"""Truth and prediction files that belong together, by their names, and the check that they lie on the same grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from seglossbench.data.grids import difference
from seglossbench.errors import InputError
from seglossbench.evaluation.case import Record, score_case
from seglossbench.evaluation.label_files import LabelFile, is_label_file, read_labels, stem_of
from seglossbench.image_files import SUFFIXES


class Pair(NamedTuple):
    """The two files of a case."""

    case: str
    truth: Path
    prediction: Path


def pair_files(truth: Path, prediction: Path) -> list[Pair]:
    """The pairs of two folders by their files' names without ending, or the one pair of two files.

    Other files, such as those that nnU-Net writes beside its predictions, are left alone. Raises InputError that names
    a truth without prediction or the other way round.
    """
    for path in (truth, prediction):
        if not path.exists():
            raise InputError(f"{path}: no such file or folder")
    if truth.is_dir() != prediction.is_dir():
        folder, file = (truth, prediction) if truth.is_dir() else (prediction, truth)
        raise InputError(f"{folder} is a folder and {file} a file; give two files or two folders")
    if not truth.is_dir():
        return [Pair(stem_of(truth), truth, prediction)]
    truths, predictions = _label_files(truth), _label_files(prediction)
    _refuse_unpaired(prediction, "prediction", sorted(truths.keys() - predictions.keys()), truths)
    _refuse_unpaired(truth, "truth", sorted(predictions.keys() - truths.keys()), predictions)
    return [Pair(case, truths[case], predictions[case]) for case in sorted(truths)]


def read_pair(pair: Pair) -> tuple[LabelFile, LabelFile]:
    """Both label maps of a pair; raises InputError unless they are on the same grid."""
    truth, prediction = read_labels(Path(pair.truth)), read_labels(Path(pair.prediction))
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
    pair: Pair, classes: Mapping[str, Sequence[int]], metrics: Sequence[str], empty: str, hd95: str
) -> list[Record]:
    """The scores of the two files of a case, as of ``score_case``."""
    truth, prediction = read_pair(pair)
    return score_case(
        truth.labels,
        prediction.labels,
        truth.spacing_mm,
        classes=classes,
        metrics=metrics,
        empty=empty,
        hd95=hd95,
    )


def labels_of_pair(pair: Pair) -> set[int]:
    """The label values but 0 that occur in one of the two files of a case."""
    found = {int(value) for file in read_pair(pair) for value in np.unique(file.labels)}
    return found - {0}


def _label_files(folder: Path) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if is_label_file(path) and path.is_file():
            if other := files.get(stem_of(path)):
                raise InputError(f"{folder}: {other.name} and {path.name} are of the same case; remove one")
            files[stem_of(path)] = path
    if not files:
        raise InputError(f"{folder}: holds no label map; looked for {', '.join(SUFFIXES)}")
    return files


def _refuse_unpaired(folder: Path, kind: str, missing: list[str], others: Mapping[str, Path]) -> None:
    if missing:
        more = f" (and for {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise InputError(
            f"{folder}: no {kind} for {others[missing[0]]}{more}; files are paired by their names"
        )
