"""Scores as other projects leave them, as tidy scores: nnU-Net's summaries, and TopoMortar's published tables."""

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from seglossbench.analysis.inputs import check_scores, load_scores
from seglossbench.errors import InputError
from seglossbench.registry import FORMATS
from seglossbench.vocabulary.tables import IDENTITY, SCORES, STATUS

_METRICS = {"Dice": "DSC", "IoU": "IoU", "TP": "TP", "FP": "FP", "FN": "FN"}


def read_scores(paths: Sequence[Path]) -> pd.DataFrame:
    """The scores of files and folders, by what they hold; raises InputError that names the one at fault.

    A file is tidy scores in CSV or nnU-Net's ``summary.json``, a folder holds TopoMortar's ``LOSS/SEED.csv``.
    """
    ours = [path for path in paths if path.suffix != ".json" and not path.is_dir()]
    tables = [load_scores(ours)] if ours or not paths else []
    summaries = [path for path in paths if path.suffix == ".json"]
    tables += [check_scores(read_nnunet(path), str(path)) for path in summaries]
    for folder in (path for path in paths if path.is_dir()):
        tables.append(check_scores(FORMATS.load("topomortar")(folder, folder.name), str(folder)))
    scores = pd.concat(tables, ignore_index=True)
    return check_scores(scores, ", ".join(map(str, paths))) if len(tables) > 1 else scores


def read_nnunet(path: Path) -> pd.DataFrame:
    """The scores of nnU-Net's ``summary.json``.

    Where the file lies as nnU-Net leaves it, its folders name dataset, trainer (as the loss) and plans (as the
    network), and the folds of one trainer are one training; else the folder that it lies in names the loss.
    """
    try:
        cases = json.loads(path.read_text(encoding="utf-8"))["metric_per_case"]
        rows = [row for case in cases for row in _rows(case)]
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError(
            f"{path}: no summary.json of nnU-Net: expected metric_per_case with metrics"
        ) from None
    named = zip(IDENTITY, _identity(path.absolute()), strict=True)
    table = pd.DataFrame(rows, columns=["case", "class", "metric", "value"]).assign(**dict(named))
    return table[list(SCORES)]


def _rows(case: dict[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    name = Path(case["prediction_file"]).name.split(".")[0]
    for label, metrics in case["metrics"].items():
        true, found = metrics["n_ref"] > 0, metrics["n_pred"] > 0
        for theirs, ours in _METRICS.items():
            value = float(metrics[theirs])
            yield name, label, ours, "" if math.isnan(value) else f"{value:.8g}"
        if not (true and found):
            status = "prediction_empty" if true else "truth_empty" if found else "both_empty"
            yield name, label, STATUS, status


def _identity(path: Path) -> Iterable[str]:
    """Dataset, network, loss and seed by the folders ``DatasetNNN_NAME/TRAINER__PLANS__CONFIGURATION/fold_N``."""
    for folder in path.parents:
        trainer, *plans = folder.name.split("__")
        if len(plans) == 2:
            return folder.parent.name or "-", " ".join(plans), trainer, "-"
    return "-", "-", path.parent.name or path.stem, "-"
