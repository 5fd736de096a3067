"""The two tidy tables that an analysis reads, checked: scores and histories.

A row of the scores is ``dataset, network, loss, seed, case, class, metric, value``; ``value`` is text: a number,
nothing where the metric is undefined, or the status of an empty mask where the metric is ``status``. A row of the
histories is ``dataset, network, loss, seed, epoch, step, split, name, value``.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from seglossbench.analysis.reading import read_texts
from seglossbench.errors import InputError, nearest
from seglossbench.vocabulary.metrics import RENAMED, metric_of, split_name
from seglossbench.vocabulary.tables import HISTORIES, IDENTITY, SCORES, STATUS, STATUSES


def load_scores(paths: Iterable[Path]) -> pd.DataFrame:
    """The scores of all the files (see ``read_texts``), one below the other.

    Anybody's scores will do: a file needs the columns ``case, class, metric, value``. Missing ``dataset``,
    ``network`` and ``seed`` become ``-``; a loss that is missing or ``-`` becomes the file's name without its ending.
    """
    frames = []
    paths = [Path(path) for path in paths]
    for path in paths:
        frame = read_texts(path, "a table of scores")
        _require_columns(frame, SCORES[len(IDENTITY) :], str(path))
        for column in IDENTITY:
            if column not in frame:
                frame[column] = "-"
        frame["loss"] = frame["loss"].replace("-", Path(path.name.removesuffix(".gz")).stem)
        frames.append(check_scores(frame, str(path)))
    if not frames:
        raise InputError("scores: no file given; name at least one scores.csv")
    scores = pd.concat(frames, ignore_index=True)
    if len(paths) > 1:
        _refuse_repeated(scores, ", ".join(map(str, paths)), rows=False)
    return scores


def check_scores(scores: pd.DataFrame, where: str = "scores") -> pd.DataFrame:
    """The scores as text in the order of SCORES, or InputError that names ``where`` and the column or row at fault."""
    if scores.empty and not len(scores.columns):
        return pd.DataFrame({name: pd.Series(dtype=str) for name in SCORES})
    _require_columns(scores, SCORES, where)
    given = scores[list(SCORES)].reset_index(drop=True)
    text = pd.DataFrame({name: _as_text(given[name]) for name in SCORES})
    for column in SCORES[:-1]:
        empty = text.index[text[column] == ""]
        if len(empty):
            raise InputError(f"{where}: row {empty[0] + 2}: column {column} is empty; every score needs one")
    for former, now in RENAMED.items():
        if (text["metric"] == former).any():
            raise InputError(f"{where}: metric {former}: {now}; score again, or rename both in the file")
    is_status = text["metric"].isin(
        [name for name in text["metric"].unique() if split_name(name)[0] == STATUS]
    )
    text.loc[~is_status & text["value"].str.lower().isin(["nan", "none", "<na>"]), "value"] = ""
    number = pd.to_numeric(text["value"], errors="coerce").notna() | (text["value"] == "")
    wrong = text.index[~text["value"].isin(STATUSES).where(is_status, number)]
    if len(wrong):
        row, value = wrong[0] + 2, text.loc[wrong[0], "value"]
        right = (
            nearest(value, STATUSES) if is_status[wrong[0]] else "a number, or nothing where it is undefined"
        )
        raise InputError(
            f"{where}: row {row}: value {value!r} of metric {text.loc[wrong[0], 'metric']}: {right}"
        )
    _refuse_repeated(text, where)
    _refuse_impossible(text, where)
    return text


def check_histories(histories: pd.DataFrame, where: str = "histories") -> pd.DataFrame:
    """The histories with numbers as numbers in the order of HISTORIES; none at all is fine."""
    if histories.empty:
        return pd.DataFrame({name: pd.Series(dtype=object) for name in HISTORIES})
    _require_columns(histories, HISTORIES, where)
    checked = histories[list(HISTORIES)].reset_index(drop=True)
    for column in ("epoch", "value"):
        numbers = pd.to_numeric(checked[column].replace("", float("nan")), errors="coerce")
        wrong = checked.index[numbers.isna() & checked[column].notna() & ~checked[column].isin(["", "nan"])]
        if len(wrong):
            raise InputError(
                f"{where}: row {wrong[0] + 2}: {column} {checked.loc[wrong[0], column]!r} is no number"
            )
        checked[column] = numbers
    for column in (*IDENTITY, "split", "name"):
        checked[column] = checked[column].astype(str)
    return checked


def _require_columns(frame: pd.DataFrame, columns: tuple[str, ...], where: str) -> None:
    for column in columns:
        if column not in frame:
            found = ", ".join(map(str, frame.columns)) or "none"
            raise InputError(
                f"{where}: no column {column!r}; needed are {', '.join(columns)}; found: {found}"
            )


def _as_text(column: "pd.Series[Any]") -> "pd.Series[str]":
    if not isinstance(column.dtype, pd.StringDtype):
        column = column.astype(object).fillna("").astype(str)
    return column.fillna("").str.strip()


def _refuse_repeated(scores: pd.DataFrame, where: str, rows: bool = True) -> None:
    """Raise InputError for the first score that stands there twice, with its row where ``where`` is one file."""
    repeated = scores.index[scores.duplicated(list(SCORES[:-1]))]
    if len(repeated):
        score = scores.loc[repeated[0]]
        name = ", ".join(f"{column} {score[column]}" for column in SCORES[:-1])
        row = f"row {repeated[0] + 2}: " if rows else ""
        raise InputError(f"{where}: {row}scored twice: {name}; give each run its own loss or seed")


def _refuse_impossible(text: pd.DataFrame, where: str) -> None:
    """Raise InputError for the first overlap that is not within 0 and 1, or distance below 0."""
    for metric in text["metric"].unique():
        kind = metric_of(metric).kind
        if kind is None:
            continue
        values = pd.to_numeric(text.loc[text["metric"] == metric, "value"], errors="coerce")
        wrong = values.index[(values < 0) | ((values > 1) & (kind == "overlap"))]
        if len(wrong):
            value = text.loc[wrong[0], "value"]
            right = "is not within 0 and 1; divide percentages by 100" if kind == "overlap" else "is below 0"
            raise InputError(f"{where}: row {wrong[0] + 2}: {metric} {value} {right}")
