"""The one mean of scores, which every table, figure, validation and tracking store shows.

A *score* is one value of a metric for one class of one case of one run. A class's mean is that of its defined scores
over the cases that have it, and the mean over classes is that of the class means, each with the weight 1. A case whose
truth lacks a class counts for no run in that class's mean, for else one run's false alarm and another's right nothing
would make means over different cases. A class that the truth of no case has is *absent*: it has no mean and enters
none. Nothing undefined becomes 0.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from seglossbench.vocabulary.metrics import split_name
from seglossbench.vocabulary.tables import IDENTITY, MEAN, STATUS, Status

RUN = list(IDENTITY)
KEY = [*RUN, "case", "class"]

_TRUTH_EMPTY: tuple[Status, ...] = ("truth_empty", "both_empty")


def fold_status(scores: pd.DataFrame) -> pd.DataFrame:
    """The scores with numbers as numbers and the ``status`` rows folded into a column of that name.

    A row of the result is a score: ``dataset, network, loss, seed, case, class, metric, value, status``, where
    ``value`` is NaN if undefined and ``status`` is empty unless a mask is.
    """
    names = {name: split_name(str(name)) for name in scores["metric"].unique()}
    is_status = (
        scores["metric"].map({name: usual == STATUS for name, (usual, _) in names.items()}).astype(bool)
    )
    scores = scores.assign(
        besides=scores["metric"].map({name: besides for name, (_, besides) in names.items()})
    )
    status = scores.loc[is_status, [*KEY, "besides", "value"]].rename(columns={"value": "status"})
    values = scores.loc[~is_status, [*KEY, "besides", "metric", "value"]].copy()
    values["value"] = pd.to_numeric(values["value"].replace("", np.nan)).astype(float)
    folded = values.merge(status, on=[*KEY, "besides"], how="left", validate="many_to_one").drop(
        columns="besides"
    )
    folded["status"] = folded["status"].astype(object).fillna("").astype(str)
    return folded


def absences(scores: pd.DataFrame) -> pd.DataFrame:
    """Which classes the truth of some cases lacks, from folded scores.

    A row is a dataset and class: ``dataset, class, cases, without`` (the number of cases, and the names of those
    whose truth lacks the class), ``absent`` (the class is in no case).
    """
    cases = scores.assign(empty=scores["status"].isin(_TRUTH_EMPTY))
    per_case = cases.groupby(["dataset", "class", "case"], sort=False)["empty"].any().reset_index()
    rows = [
        {
            "dataset": dataset,
            "class": name,
            "cases": len(group),
            "without": tuple(group.loc[group["empty"], "case"]),
            "absent": bool(group["empty"].all()),
        }
        for (dataset, name), group in per_case.groupby(["dataset", "class"], sort=False)
    ]
    return pd.DataFrame(rows, columns=["dataset", "class", "cases", "without", "absent"])


def with_absent(scores: pd.DataFrame, absent_scored: bool = False) -> pd.DataFrame:
    """The folded scores with the columns ``absent`` and ``left_out``.

    ``absent``: the class is in no case of the dataset. ``left_out``: the truth of that case lacks the class, so the
    score enters no mean. Only where the policy gives a right nothing a score, too, do all such scores enter:
    ``absent_scored`` says so, and a finite score of two empty masks shows it.
    """
    absent = absences(scores)[["dataset", "class", "absent"]].astype({"absent": bool})
    whole = scores.merge(absent, on=["dataset", "class"], how="left")
    key = ["dataset", "case", "class"]
    lacking = whole.loc[whole["status"].isin(_TRUTH_EMPTY), key].drop_duplicates().assign(left_out=True)
    whole = whole.merge(lacking, on=key, how="left")
    whole["left_out"] = whole["left_out"].eq(True)
    rightly = (whole["status"] == "both_empty") & np.isfinite(whole["value"])
    counted = set(whole.loc[rightly, ["dataset", "metric"]].itertuples(index=False, name=None))
    of = pd.MultiIndex.from_frame(whole[["dataset", "metric"]])
    whole.loc[of.isin(list(counted)) | absent_scored, "left_out"] = False
    return whole


def class_means(scores: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """``*by, class, value``: the mean over the cases, NaN where no score is defined; absent classes have no row.

    ``scores`` are those of ``with_absent``; with ``by`` a run's columns the cases are that run's.
    """
    counted = scores[~scores["absent"] & ~scores["left_out"]]
    return counted.groupby([*by, "class"], sort=False)["value"].mean().reset_index()


def overall_means(scores: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """``*by, value``: the mean of the ``class_means``, NaN where none is defined."""
    return class_means(scores, by).groupby(list(by), sort=False)["value"].mean().reset_index()


def means_of_run(scores: pd.DataFrame, absent_scored: bool = False) -> dict[tuple[str, str], float]:
    """The means of one run's tidy scores (``case, class, metric, value``), by metric and class; MEAN is a class, too.

    Of the columns of RUN, those that are missing do not matter. What is nowhere defined is left out. ``absent_scored``
    is that of ``with_absent``.
    """
    return means_of_runs({"-": scores}, absent_scored)["-"]


def means_of_runs(
    scores: Mapping[str, pd.DataFrame], absent_scored: bool = False
) -> dict[str, dict[tuple[str, str], float]]:
    """``means_of_run`` of runs with the same test cases, each under any name of its own."""
    named = [table.assign(**dict.fromkeys(RUN, "-") | {"seed": name}) for name, table in scores.items()]
    whole = with_absent(fold_status(pd.concat(named, ignore_index=True)), absent_scored)
    by = ["seed", "metric"]
    means = pd.concat([class_means(whole, by), overall_means(whole, by).assign(**{"class": MEAN})])
    found: dict[str, dict[tuple[str, str], float]] = {name: {} for name in scores}
    known = means.dropna(subset="value")[[*by, "class", "value"]]
    for name, metric, of_class, value in known.itertuples(index=False, name=None):
        found[name][str(metric), str(of_class)] = float(value)
    return found
