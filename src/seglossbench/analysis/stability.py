"""How steadily each loss trains: spread over seeds, restlessness at the end, failed runs, and what it costs.

``stability`` sums up by loss what ``run_numbers`` says of each run, and ``stability_pairs`` compares two losses over
their paired runs. The network ``*`` pools the networks run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from seglossbench.analysis.cubes import ALL
from seglossbench.analysis.run_numbers import NUMBERS
from seglossbench.statistics.multiplicity import holm
from seglossbench.statistics.proportions import boschloo, clopper_pearson
from seglossbench.statistics.scales import Array
from seglossbench.statistics.spread import UNKNOWN, Ratio, mean_ratio, sd_interval, sd_ratio, t_interval

COMPARED = (
    "sd",
    "late_swing",
    "gradient_cv",
    "epochs_to_95",
    "hours_to_95",
    "s_per_epoch",
    "failed",
    "restarted",
)
SHARES = ("failed", "restarted")
"""Those of which a run is one or none, so that shares of runs are compared."""
COLUMNS = [
    "dataset", "network", "loss", "runs", "failed", "failed_lo", "failed_hi", "diverged", "collapsed", "restarted",
    "restarted_lo", "restarted_hi", "seeds", "level", "reached", "sd", "sd_lo", "sd_hi",
    *(f"{name}{end}" for name in NUMBERS for end in ("", "_lo", "_hi")),
    "ratio_to_baseline",
]  # fmt: skip
PAIR_COLUMNS = [
    "dataset", "network", "quantity", "a", "b", "estimate", "lo", "hi", "p", "p_adjusted", "family_size", "seeds",
    "networks", "test", "steadier",
]  # fmt: skip
_MADE_OF_RATIOS = set(NUMBERS) - {"area", "area_hours"}
"""Numbers above 0 that differ by factors, so that their means are geometric."""


def stability(numbers: pd.DataFrame, baseline: str | None = None) -> pd.DataFrame:
    """The numbers of every loss with intervals over its runs; costs beside those of ``baseline``, or else the first."""
    rows = []
    for dataset, of_dataset in numbers.groupby("dataset", sort=False):
        for network, of_network in _networks(of_dataset):
            found = [
                _of_loss(group) | {"loss": loss} for loss, group in of_network.groupby("loss", sort=False)
            ]
            first = next((row for row in found if row["loss"] == baseline), found[0])
            for row in found:
                ratio = row["s_per_epoch"] / first["s_per_epoch"]
                rows.append(row | {"dataset": dataset, "network": network, "ratio_to_baseline": ratio})
    return pd.DataFrame(rows, columns=COLUMNS)


def stability_pairs(numbers: pd.DataFrame) -> pd.DataFrame:
    """Every pair of losses by each quantity: ratios a / b, of failed and restarted runs the difference of their shares.

    Holm's family is the pairs of one dataset, network and quantity. ``steadier`` is the loss that is told to have less
    of it.
    """
    rows = []
    for dataset, of_dataset in numbers.groupby("dataset", sort=False):
        for network, of_network in _networks(of_dataset):
            for quantity in COMPARED:
                values = values_of(of_network, quantity)
                for a, b in combinations(values, 2):
                    row = compare(values, quantity, a, b)
                    if row:
                        rows.append({"dataset": dataset, "network": network} | row)
    table = pd.DataFrame(rows, columns=PAIR_COLUMNS)
    families = table.groupby(["dataset", "network", "quantity"], sort=False)["p"]
    table["p_adjusted"] = families.transform(lambda p: pd.Series(holm(p), p.index)) if rows else np.nan
    table["family_size"] = families.transform("count") if rows else 0
    none = np.where(table["quantity"].isin(SHARES), 0.0, 1.0)
    less = np.where(table["estimate"] < none, table["a"], table["b"])
    table["steadier"] = np.where(table["p_adjusted"] < 0.05, less, "")
    return table


def values_of(numbers: pd.DataFrame, quantity: str) -> dict[str, Array]:
    """One number per run of each loss, [network, seed] with NaN where there is no run, of one dataset's ``numbers``."""
    if quantity in SHARES and (numbers["state"] == "").any():
        return {}
    if quantity == "restarted" and not numbers["restarted"].any():
        return {}  # nothing that could, most likely
    column = "score" if quantity == "sd" else quantity
    axes = ("loss", "network", "seed")
    codes, names = zip(*(pd.factorize(numbers[axis]) for axis in axes), strict=True)
    values = np.full([len(of_axis) for of_axis in names], np.nan)
    values[codes] = numbers[column].to_numpy(float)
    return {str(loss): values[place] for place, loss in enumerate(names[0])}


def compare(values: Mapping[str, Array], quantity: str, a: str, b: str) -> dict[str, Any]:
    """One row of ``stability_pairs`` from what ``values_of`` gives; empty where nothing can be compared."""
    head = {"quantity": quantity, "a": a, "b": b}
    if a not in values or b not in values:
        return {}
    if quantity in SHARES:
        found = [values[loss][np.isfinite(values[loss])] for loss in (a, b)]
        trials, events = [len(runs) for runs in found], [int(runs.sum()) for runs in found]
        p = boschloo((events[0], events[1]), (trials[0], trials[1]))
        estimate = events[0] / trials[0] - events[1] / trials[1]
        return head | {
            "estimate": estimate, "lo": np.nan, "hi": np.nan, "p": p, "test": "Boschloo",
            "seeds": min(trials), "networks": len(values[a]),
        }  # fmt: skip
    both = np.isfinite(values[a]) & np.isfinite(values[b])
    networks = both.any(1)
    seeds = both[networks].all(0)
    if not networks.any() or not seeds.any():
        return {}
    one, other = (values[loss][networks][:, seeds] for loss in (a, b))
    ratio: Ratio = sd_ratio(one, other) if quantity == "sd" else mean_ratio(one, other)
    if ratio is UNKNOWN:
        return {}
    test = "jackknife of the log ratio" if quantity == "sd" else "paired t of the log ratio"
    return head | vars(ratio) | {"test": test, "seeds": one.shape[1], "networks": one.shape[0]}


def _networks(numbers: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    by_network = dict(iter(numbers.groupby("network", sort=False)))
    yield from ((str(network), of_network) for network, of_network in by_network.items())
    if len(by_network) > 1:
        yield ALL, numbers


def _of_loss(group: pd.DataFrame) -> dict[str, Any]:
    """What the runs of one loss, on one network or all, say together."""
    known = (group["state"] != "").all()
    row: dict[str, Any] = {"runs": len(group)}
    for name in ("failed", "diverged", "collapsed", "restarted"):
        row[name] = int(group[name].sum()) if known else np.nan
    for name in SHARES:
        share = clopper_pearson(row[name], len(group)) if known else (np.nan, np.nan)
        row |= dict(zip((f"{name}_lo", f"{name}_hi"), share, strict=True))
    scores = [of_network["score"].dropna() for _, of_network in group.groupby("network", sort=False)]
    several = [of_network for of_network in scores if len(of_network) > 1]
    df = sum(len(of_network) - 1 for of_network in several)
    row["seeds"] = max((len(of_network) for of_network in scores), default=0)
    squares = sum(float(((of_network - of_network.mean()) ** 2).sum()) for of_network in several)
    row["sd"] = float(np.sqrt(squares / df)) if df else np.nan
    row["sd_lo"], row["sd_hi"] = sd_interval(row["sd"], df + 1)
    levels = group["level"].dropna().unique()
    row["level"] = float(levels[0]) if len(levels) == 1 else np.nan
    row["reached"] = int(group["hours_to_level"].notna().sum()) if len(levels) else np.nan
    for name in NUMBERS:
        values = group[name].dropna().to_numpy(float)
        positive = name in _MADE_OF_RATIOS and len(values) and (values > 0).all()
        ends = np.exp(t_interval(np.log(values))) if positive else t_interval(values)
        row |= {f"{name}{end}": value for end, value in zip(("", "_lo", "_hi"), ends, strict=True)}
    return row
