"""From scores to the numbers of a table: mean and standard deviation per class, and how empty masks entered them.

A *score* is one value of a metric for one class of one test case of one run. The scores of one run and class are
averaged over the cases to a *seed mean*; a summary is the mean of the seed means with their sample standard deviation
(n - 1). Where no loss of a dataset has a second seed, the deviation is that of the cases. Nothing undefined becomes 0.
"""

import numpy as np
import pandas as pd

RUN = ["dataset", "network", "loss", "seed"]
KEY = [*RUN, "case", "class"]
MEAN = "mean"
"""The class name of the row that averages the classes."""

_TRUTH_EMPTY = ("truth_empty", "both_empty")
_COUNTS = ["missed", "false_alarms", "both_empty", "undefined"]


def fold_status(scores: pd.DataFrame) -> pd.DataFrame:
    """The scores with numbers as numbers and the ``status`` rows folded into a column of that name.

    A row of the result is a score: ``dataset, network, loss, seed, case, class, metric, value, status``, where
    ``value`` is NaN if undefined and ``status`` is empty unless a mask is.
    """
    is_status = scores["metric"] == "status"
    status = scores.loc[is_status, [*KEY, "value"]].rename(columns={"value": "status"})
    values = scores.loc[~is_status, [*KEY, "metric", "value"]].copy()
    values["value"] = pd.to_numeric(values["value"].replace("", np.nan)).astype(float)
    folded = values.merge(status, on=KEY, how="left", validate="many_to_one")
    folded["status"] = folded["status"].fillna("")
    return folded


def absences(scores: pd.DataFrame) -> pd.DataFrame:
    """Which classes the truth of some test cases lacks.

    A row is a dataset and class: ``dataset, class, cases, without`` (the number of test cases, and the names of those
    whose truth lacks the class), ``absent`` (the class is in no test case).
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


def spread_over(scores: pd.DataFrame) -> str:
    """What the deviations of a dataset are over: ``seeds`` if any of its losses has two, else ``cases``."""
    seeds = scores.groupby(["network", "loss"])["seed"].nunique()
    return "seeds" if (seeds > 1).any() else "cases"


def summarise(scores: pd.DataFrame) -> pd.DataFrame:
    """The table's numbers from folded scores of any number of datasets and metrics.

    A row is a dataset, metric, network, loss and class (``mean`` for the mean over the classes that some test case
    has): ``mean, sd, spread_over, seeds, cases, classes, missed, false_alarms, both_empty, undefined, absent``.
    ``classes`` is how many entered the mean. The next three count the scores that the empty policy decided;
    ``undefined`` ones entered no mean. An absent class has no mean, and its counts do not enter the row ``mean``.
    """
    scores = _with_absent(scores)
    # Every score counts twice: for its own class, and (unless that is absent) for the mean over the classes.
    long = pd.concat([scores.assign(row=scores["class"]), scores.assign(row=MEAN)], ignore_index=True)
    left_out = long["absent"] & (long["row"] == MEAN)
    shown = long["value"].mask(long["absent"])
    decided = long["status"].where(long["value"].notna() & ~left_out, "")
    long = long.assign(
        value=shown,
        missed=decided == "prediction_empty",
        false_alarms=decided == "truth_empty",
        both_empty=decided == "both_empty",
        undefined=long["value"].isna() & ~left_out,
    )
    group = ["dataset", "metric", "network", "loss", "row"]
    per_class = long.groupby([*group, "seed", "class"], sort=False)["value"].mean()
    seeds = per_class.groupby([*group, "seed"], sort=False).mean().groupby(group, sort=False)
    cases = long.groupby([*group, "case"], sort=False)["value"].mean().groupby(group, sort=False)
    rows = long.groupby(group, sort=False)
    table = pd.DataFrame({"mean": seeds.mean(), "sd": seeds.std(ddof=1), "seeds": seeds.count()})
    table = table.join(rows["case"].nunique().rename("cases")).join(rows[_COUNTS].sum())
    defined = per_class.dropna().reset_index()
    table = table.join(defined.groupby(group, sort=False)["class"].nunique().rename("classes"))
    table["classes"] = table["classes"].fillna(0).astype(int)
    table = table.join(rows["absent"].all()).reset_index().rename(columns={"row": "class"})
    over = {name: spread_over(of_dataset) for name, of_dataset in scores.groupby("dataset", sort=False)}
    table["spread_over"] = table["dataset"].map(over).astype(str)
    table["sd"] = table["sd"].where(table["spread_over"] == "seeds", cases.std(ddof=1).to_numpy())
    order = [
        "dataset",
        "metric",
        "network",
        "loss",
        "class",
        "mean",
        "sd",
        "spread_over",
        "seeds",
        "cases",
        "classes",
    ]
    return table[[*order, *_COUNTS, "absent"]]


def seed_means(scores: pd.DataFrame) -> pd.DataFrame:
    """One row per dataset, metric and run: ``value``, the mean over its present classes of their case means."""
    scores = _with_absent(scores)
    per_class = scores[~scores["absent"]].groupby(["metric", *RUN, "class"], sort=False)["value"].mean()
    return per_class.groupby(["metric", *RUN], sort=False).mean().dropna().reset_index()


def _with_absent(scores: pd.DataFrame) -> pd.DataFrame:
    """The scores with a column that says whether their class is in no test case of their dataset."""
    absent = absences(scores)[["dataset", "class", "absent"]].astype({"absent": bool})
    return scores.merge(absent, on=["dataset", "class"], how="left")


def over_cases_and_seeds(scores: pd.DataFrame) -> dict[tuple[str, str], tuple[float, float]]:
    """Mean and sample standard deviation (n - 1) over all cases and seeds together, by metric and loss.

    Each value is the mean over the classes of one case and seed; ``scores`` are folded ones of a dataset and network.
    """
    values = scores.groupby(["metric", "loss", "seed", "case"], sort=False)["value"].mean()
    groups = values.groupby(["metric", "loss"], sort=False)
    return {
        (str(metric), str(loss)): (float(mean), float(sd))
        for (metric, loss), mean, sd in zip(
            groups.mean().index, groups.mean(), groups.std(ddof=1), strict=True
        )
    }
