"""The numbers of a printed table: those of ``means``, and how empty masks entered them.

A row that has a mean has the deviation over seeds beside it or, where no loss of its dataset has a second seed, that
over cases; both are sample deviations (n - 1) of what stands in the metric's own unit.
"""

import pandas as pd

from seglossbench.analysis.cubes import ALL, own_name
from seglossbench.statistics.means import with_absent
from seglossbench.vocabulary.tables import MEAN

_COUNTS = ["missed", "false_alarms", "both_empty", "undefined"]
_ROW = ["dataset", "metric", "network", "loss", "class"]


def spread_over(means: pd.DataFrame) -> str:
    """What the deviations of a dataset are over: ``seeds`` if any of its losses has two, else ``cases``."""
    return "seeds" if (means["seeds"] > 1).any() else "cases"


def summarise(scores: pd.DataFrame, means: pd.DataFrame) -> pd.DataFrame:
    """The numbers of printed tables, from folded scores and the table ``means`` of their analysis.

    A row is a dataset, metric, network, loss and class (MEAN for the mean over the classes that some test case
    has): ``mean, sd, spread_over, seed_values, seeds, cases, classes, missed, false_alarms, both_empty, undefined,
    absent``. ``classes`` is how many entered the mean. The next three count the scores that the empty policy decided;
    ``undefined`` ones entered no mean. An absent class has no mean, and its counts do not enter the row MEAN.
    """
    rows = _counted(with_absent(scores)).groupby(_ROW, sort=False)
    table = rows[_COUNTS].sum()
    table["cases"], table["absent"] = rows["case"].nunique(), rows["absent"].all()
    of_network = means[means["network"] != ALL]
    over = {name: spread_over(of_dataset) for name, of_dataset in of_network.groupby("dataset", sort=False)}
    table["spread_over"] = table.index.get_level_values("dataset").map(over).astype(object).fillna("cases")
    found = of_network.copy()
    found["class"] = [MEAN if name == ALL else own_name(name) for name in found["class"]]
    found["network"] = found["network"].map(own_name)
    found["sd"] = found["sd_seeds"].where(found["dataset"].map(over) == "seeds", found["sd_cases"])
    found = found.set_index(_ROW)
    table = table.join(found[["mean", "sd", "seed_values", "seeds"]])
    names = table.index.get_level_values("class")
    own = (table["mean"].notna() & (names != MEAN)).astype(int)
    table["classes"] = own.where(names != MEAN, own.groupby(level=_ROW[:-1], sort=False).transform("sum"))
    table["seeds"] = table["seeds"].fillna(0).astype(int)
    table["seed_values"] = table["seed_values"].astype(object).fillna("")
    order = [
        *_ROW,
        "mean",
        "sd",
        "spread_over",
        "seed_values",
        "seeds",
        "cases",
        "classes",
        *_COUNTS,
        "absent",
    ]
    return table.reset_index()[order]


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
