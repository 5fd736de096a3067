"""The mean of one run's scores, as its validation has it; the analysis has the same over all runs (``analysis.means``).

A *score* is one value of a metric for one class of one case of one run. A class's mean is that of its defined scores
over the cases that have it, and the mean over classes is that of the class means, each with the weight 1; those of
distances are geometric (``statistics.scales``). A case whose truth lacks a class counts for no run in that class's
mean, for else one run's false alarm and another's right nothing would make means over different cases. A class that the
truth of no case has is *absent*: it has no mean and enters none. Nothing undefined becomes 0.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from seglossbench.statistics.scales import Array, natural, working
from seglossbench.vocabulary.metrics import Mean, metric_of, split_name
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
    per_case = _without(scores).reset_index()
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


def _without(scores: pd.DataFrame) -> pd.Series:
    """``empty``, by dataset, class and case: whether the truth of the case lacks the class."""
    cases = scores.assign(empty=scores["status"].isin(_TRUTH_EMPTY))
    return cases.groupby(["dataset", "class", "case"], sort=False)["empty"].any()


def with_absent(scores: pd.DataFrame, absent_scored: bool = False) -> pd.DataFrame:
    """The folded scores with the columns ``absent`` and ``left_out``.

    ``absent``: the class is in no case of the dataset. ``left_out``: the truth of that case lacks the class, so the
    score enters no mean. Only where the policy gives a right nothing a score, too, do all such scores enter:
    ``absent_scored`` says so, and a finite score of two empty masks shows it.
    """
    absent = _without(scores).groupby(level=["dataset", "class"], sort=False).all().rename("absent")
    whole = scores.merge(absent.reset_index(), on=["dataset", "class"], how="left")
    key = ["dataset", "case", "class"]
    lacking = whole.loc[whole["status"].isin(_TRUTH_EMPTY), key].drop_duplicates().assign(left_out=True)
    whole = whole.merge(lacking, on=key, how="left")
    whole["left_out"] = whole["left_out"].eq(True)
    rightly = (whole["status"] == "both_empty") & np.isfinite(whole["value"])
    counted = set(whole.loc[rightly, ["dataset", "metric"]].itertuples(index=False, name=None))
    of = pd.MultiIndex.from_frame(whole[["dataset", "metric"]])
    whole.loc[of.isin(list(counted)) | absent_scored, "left_out"] = False
    return whole


def overall_means(scores: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """``*by, value``: the mean of the class means, NaN where none is defined, of scores of one metric or by metric.

    ``scores`` are those of ``with_absent``; with ``by`` a run's columns the cases are that run's.
    """
    return _over_classes(_class_means(scores, by), by)


def means_of_run(scores: pd.DataFrame, absent_scored: bool = False) -> dict[tuple[str, str], float]:
    """The means of one run's tidy scores (``case, class, metric, value``), by metric and class; MEAN is a class, too.

    Of the columns of RUN, those that are missing do not matter. What is nowhere defined is left out. ``absent_scored``
    is that of ``with_absent``.
    """
    named = scores.assign(**dict.fromkeys(RUN, "-"))
    whole = with_absent(fold_status(named), absent_scored)
    of_classes = _class_means(whole, ["metric"])
    overall = _over_classes(of_classes, ["metric"]).assign(**{"class": MEAN})
    means = pd.concat([_on_scale(of_classes, natural), overall])
    known = means.dropna(subset="value")[["metric", "class", "value"]]
    return {
        (str(metric), str(name)): float(value)
        for metric, name, value in known.itertuples(index=False, name=None)
    }


def _class_means(scores: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """``*by, class, value`` on the working scale: the mean over the cases; absent classes have no row."""
    logs = _on_scale(scores, working)
    counted = logs[~logs["absent"] & ~logs["left_out"]]
    return counted.groupby([*by, *_besides(by), "class"], sort=False)["value"].mean().reset_index()


def _over_classes(of_classes: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """``*by, value``: the means of class means, which are on the working scale."""
    means = of_classes.groupby([*by, *_besides(by)], sort=False)["value"].mean().reset_index()
    return _on_scale(means, natural)[[*by, "value"]]


def _besides(by: Sequence[str]) -> list[str]:
    return [] if "metric" in by else ["metric"]


def _on_scale(scores: pd.DataFrame, turned: Callable[[Array, Mean], Array]) -> pd.DataFrame:
    """The rows with the values of each metric turned into another scale."""
    values = scores["value"].to_numpy(float, copy=True)
    for metric in scores["metric"].unique():
        own = (scores["metric"] == metric).to_numpy()
        values[own] = turned(values[own], metric_of(str(metric)).mean)
    return scores.assign(value=values)
