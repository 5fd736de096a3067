"""Means as papers print them: arithmetic ones, with the deviation of all seeds and cases together.

They stand beside published numbers alone, which can be compared with no others; all else has the mean of the analysis.
"""

import pandas as pd

from seglossbench.statistics.means import with_absent


def printed_seed_means(scores: pd.DataFrame) -> pd.DataFrame:
    """``metric, loss, seed, value``: the arithmetic mean of each seed over its classes, of one network's scores."""
    by = ["metric", "loss", "seed"]
    counted = _counted(scores)
    of_classes = counted.groupby([*by, "class"], sort=False)["value"].mean().reset_index()
    means = of_classes.groupby(by, sort=False)["value"].mean().reset_index()
    return means.dropna().reset_index(drop=True)


def over_cases_and_seeds(scores: pd.DataFrame) -> dict[tuple[str, str], tuple[float, float]]:
    """The arithmetic mean by metric and loss, with the sample deviation (n - 1) over all cases and seeds together.

    The deviation is that of the means over the classes of one case and seed; ``scores`` are folded ones of a dataset
    and network.
    """
    by = ["metric", "loss"]
    of_seeds = printed_seed_means(scores).groupby(by, sort=False)["value"]
    of_cases = _counted(scores).groupby([*by, "seed", "case"], sort=False)["value"].mean().groupby(level=by)
    moments = pd.DataFrame({"mean": of_seeds.mean(), "sd": of_cases.std(ddof=1)}).reset_index()
    return {
        (str(metric), str(loss)): (float(mean), float(sd))
        for metric, loss, mean, sd in moments.itertuples(index=False, name=None)
    }


def _counted(scores: pd.DataFrame) -> pd.DataFrame:
    """The scores that count in a mean."""
    whole = with_absent(scores)
    return whole[~whole["absent"] & ~whole["left_out"]]
