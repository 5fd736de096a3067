"""Scores of made-up losses whose true means are known, as the tidy text table that users have."""

import numpy as np
import pandas as pd

from seglossbench.analysis.arrays import cubes_of
from seglossbench.analysis.differences import differences
from seglossbench.analysis.means import means
from seglossbench.analysis.summaries import summarise
from seglossbench.vocabulary.metrics import split_name

COLUMNS = ["dataset", "network", "loss", "seed", "case", "class", "metric", "value"]


def rows(*given, dataset="d", network="n", metric="DSC"):
    """Scores from rows ``loss, seed, case, class, value`` or, of a status, ``loss, seed, case, class, status``."""
    table = []
    for loss, seed, case, name, value in given:
        kind = "status" if str(value).endswith("_empty") else metric
        table.append((dataset, network, loss, str(seed), case, name, kind, str(value)))
    return pd.DataFrame(table, columns=COLUMNS, dtype=str)


def drawn(
    shifts, *, seeds=3, cases=12, classes=2, networks=("n",), dataset="d", random=0, seed_sd=0.1, metric="DSC"
):
    """Scores of losses that differ on the logit scale by ``shifts``; distances are the exponential of minus that."""
    random = np.random.default_rng(random)
    table = []
    for network in networks:
        of_case = random.normal(1.5, 0.6, (cases, 1)) + random.normal(0, 0.3, classes)
        for loss, shift in shifts.items():
            own = random.normal(0, 0.1, (cases, 1))
            for seed in range(seeds):
                z = (
                    shift
                    + of_case
                    + own
                    + random.normal(0, seed_sd)
                    + random.normal(0, 0.15, (cases, classes))
                )
                values = 1 / (1 + np.exp(-z)) if metric == "DSC" else 10 * np.exp(-z)
                for case in range(cases):
                    for k in range(classes):
                        key = (dataset, network, loss, str(seed), f"case{case}", f"class{k}", metric)
                        table.append((*key, f"{values[case, k]:.6f}"))
    return pd.DataFrame(table, columns=COLUMNS, dtype=str)


def summaries(folded):
    """The summaries of folded scores, by an analysis of their own."""
    key = COLUMNS[:6]
    besides = folded["metric"].map(lambda name: split_name(name)[1])
    statuses = folded.assign(metric="status" + besides, value=folded["status"])
    statuses = statuses[statuses["value"] != ""].drop_duplicates([*key, "metric"])
    values = folded.assign(value=["" if np.isnan(value) else repr(value) for value in folded["value"]])
    cubes = cubes_of(pd.concat([values[COLUMNS], statuses[COLUMNS]], ignore_index=True))
    return summarise(folded, means(cubes, differences(cubes, "DSC")))
