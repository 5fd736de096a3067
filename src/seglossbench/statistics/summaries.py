"""From scores to the numbers of a table: mean and standard deviation per class, and how empty masks entered them.

What one run's mean is, ``statistics.means`` says; a summary is the mean of the runs' means over the seeds with their
sample standard deviation (n - 1). Where no loss of a dataset has a second seed, the deviation is that of the cases.
"""

import pandas as pd

from seglossbench.statistics.means import RUN, class_means, overall_means, with_absent
from seglossbench.vocabulary.tables import MEAN

_COUNTS = ["missed", "false_alarms", "both_empty", "undefined"]
_GROUP = ["dataset", "metric", "network", "loss"]
_ROW = [*_GROUP, "class"]


def spread_over(scores: pd.DataFrame) -> str:
    """What the deviations of a dataset are over: ``seeds`` if any of its losses has two, else ``cases``."""
    seeds = scores.groupby(["network", "loss"])["seed"].nunique()
    return "seeds" if (seeds > 1).any() else "cases"


def summarise(scores: pd.DataFrame) -> pd.DataFrame:
    """The table's numbers from folded scores of any number of datasets and metrics.

    A row is a dataset, metric, network, loss and class (MEAN for the mean over the classes that some test case
    has): ``mean, sd, spread_over, seeds, cases, classes, missed, false_alarms, both_empty, undefined, absent``.
    ``classes`` is how many entered the mean. The next three count the scores that the empty policy decided;
    ``undefined`` ones entered no mean. An absent class has no mean, and its counts do not enter the row MEAN.
    """
    scores = with_absent(scores)
    rows = _counted(scores).groupby(_ROW, sort=False)
    of_seeds = _means_by(scores, "seed").groupby(_ROW, sort=False)["value"]
    of_cases = _means_by(scores, "case").groupby(_ROW, sort=False)["value"]
    table = rows[_COUNTS].sum()
    table["cases"], table["absent"] = rows["case"].nunique(), rows["absent"].all()
    table["mean"], table["seeds"] = of_seeds.mean(), of_seeds.count()
    table["classes"] = _classes(scores)
    table[["seeds", "classes"]] = table[["seeds", "classes"]].fillna(0).astype(int)
    over = {name: spread_over(of_dataset) for name, of_dataset in scores.groupby("dataset", sort=False)}
    table["spread_over"] = table.index.get_level_values("dataset").map(over).astype(str)
    deviations = pd.DataFrame({"seeds": of_seeds.std(ddof=1), "cases": of_cases.std(ddof=1)}).reindex(
        table.index
    )
    table["sd"] = deviations["seeds"].where(table["spread_over"] == "seeds", deviations["cases"])
    order = [*_ROW, "mean", "sd", "spread_over", "seeds", "cases", "classes", *_COUNTS, "absent"]
    return table.reset_index()[order]


def _means_by(scores: pd.DataFrame, what: str) -> pd.DataFrame:
    """The means of each class and over the classes, per seed or per case."""
    by = [*_GROUP, what]
    return pd.concat([class_means(scores, by), overall_means(scores, by).assign(**{"class": MEAN})])


def _classes(scores: pd.DataFrame) -> "pd.Series[int]":
    """How many classes have a mean, by row of the table."""
    defined = class_means(scores, _GROUP).dropna()
    both = pd.concat(
        [defined.assign(of=defined["class"]), defined.assign(of=defined["class"], **{"class": MEAN})]
    )
    return both.groupby(_ROW, sort=False)["of"].nunique()


def _counted(scores: pd.DataFrame) -> pd.DataFrame:
    """Every score twice, for its own class and for the mean over classes, with what the empty policy did to it."""
    rows = pd.concat([scores, scores.assign(**{"class": MEAN})], ignore_index=True)
    counts = ~(rows["absent"] & (rows["class"] == MEAN))
    defined = rows["value"].notna()
    decided = rows["status"].where(defined & counts, "")
    return rows.assign(
        missed=decided == "prediction_empty",
        false_alarms=decided == "truth_empty",
        both_empty=decided == "both_empty",
        undefined=~defined & counts,
    )


def seed_means(scores: pd.DataFrame) -> pd.DataFrame:
    """One row per dataset, metric and run: ``value``, its mean over the classes; runs without one have no row."""
    return overall_means(with_absent(scores), ["metric", *RUN]).dropna().reset_index(drop=True)


def over_cases_and_seeds(scores: pd.DataFrame) -> dict[tuple[str, str], tuple[float, float]]:
    """The summary's mean by metric and loss, with the sample deviation (n - 1) over all cases and seeds together.

    The deviation is that of the means over the classes of one case and seed; ``scores`` are folded ones of a dataset
    and network.
    """
    scores = with_absent(scores)
    by = ["metric", "loss"]
    of_seeds = overall_means(scores, [*by, "seed"]).groupby(by, sort=False)["value"]
    of_cases = overall_means(scores, [*by, "seed", "case"]).groupby(by, sort=False)["value"]
    moments = pd.DataFrame({"mean": of_seeds.mean(), "sd": of_cases.std(ddof=1)}).reset_index()
    return {
        (str(metric), str(loss)): (float(mean), float(sd))
        for metric, loss, mean, sd in moments.itertuples(index=False, name=None)
    }
