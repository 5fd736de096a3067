"""How steadily each loss trains: spread over seeds, restlessness at the end, failed runs, and what it costs.

``of_runs`` has a number of each kind per run; ``stability`` sums them up by loss, and ``stability_pairs`` compares two
losses over their paired runs. The network ``*`` pools the networks run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from seglossbench.analysis.cubes import ALL, Cubes
from seglossbench.analysis.curves import RUN
from seglossbench.analysis.effects import of_loss
from seglossbench.statistics.convergence import (
    SHARE_OF_BEST,
    area_under,
    late_oscillation,
    late_variation,
    until_level,
    until_share_of_best,
)
from seglossbench.statistics.multiplicity import holm
from seglossbench.statistics.proportions import boschloo, clopper_pearson
from seglossbench.statistics.scales import Array
from seglossbench.statistics.spread import UNKNOWN, Ratio, mean_ratio, sd_interval, sd_ratio, t_interval
from seglossbench.vocabulary.tables import COST, TRAIN

NUMBERS = (
    "late_swing",
    "gradient_cv",
    "epochs_to_95",
    "hours_to_95",
    "area",
    "s_per_epoch",
    "peak_mb",
    "hours",
    "hours_to_level",
)
"""What is known of each run beside its score: see ``of_runs``."""
COMPARED = ("sd", "late_swing", "gradient_cv", "epochs_to_95", "hours_to_95", "s_per_epoch", "failed")
COLUMNS = [
    "dataset", "network", "loss", "runs", "failed", "failed_lo", "failed_hi", "diverged", "collapsed", "restarted",
    "seeds", "level", "reached", "sd", "sd_lo", "sd_hi",
    *(f"{name}{end}" for name in NUMBERS for end in ("", "_lo", "_hi")),
    "ratio_to_baseline",
]  # fmt: skip
PAIR_COLUMNS = [
    "dataset", "network", "quantity", "a", "b", "estimate", "lo", "hi", "p", "p_adjusted", "family_size", "seeds",
    "networks", "test", "steadier",
]  # fmt: skip
_MADE_OF_RATIOS = set(NUMBERS) - {"area"}
"""Numbers above 0 that differ by factors, so that their means are geometric."""


def of_runs(
    runs: pd.DataFrame, cubes: Cubes, histories: pd.DataFrame, curves: pd.DataFrame, decides: str
) -> pd.DataFrame:
    """One row per run (``dataset, network, loss, seed, state, reason``) with its numbers.

    ``level`` is what the validation's mean best reaches with the weakest loss of a dataset and network, by
    SHARE_OF_BEST, and ``hours_to_level`` how long the run takes to it, NaN where it never gets there.
    ``score`` is its mean of the metric ``decides``; ``late_swing`` the oscillation of its validation in the last
    quarter, ``gradient_cv`` the variation of its gradient's norm there; ``epochs_to_95`` and ``hours_to_95`` until 95 %
    of its best validation, ``area`` the mean height of that curve; ``failed`` is one of ``diverged`` and ``collapsed``.
    """
    table = runs.copy()
    reason = table["reason"].astype(str)
    ended = table["state"] == "DIVERGED"
    table["collapsed"] = ended & reason.str.contains("one class is predicted everywhere", regex=False)
    table["diverged"] = ended & ~table["collapsed"]
    table["failed"] = ended
    columns = [*RUN, *NUMBERS[:5], "hours", "best"]
    numbers = pd.DataFrame(list(_numbers(curves, decides)), columns=columns)
    numbers = _to_level(numbers, curves, decides)
    for column, value in _costs(histories).items():
        numbers[column] = value.reindex(pd.MultiIndex.from_frame(numbers[RUN])).to_numpy(float)
    table = table.merge(numbers, on=RUN, how="left")
    restarts = histories[(histories["split"] == TRAIN) & (histories["name"] == "restarted")]
    again = set(restarts[RUN].itertuples(index=False, name=None))
    table["restarted"] = [key in again for key in table[RUN].itertuples(index=False, name=None)]
    scores = pd.DataFrame(list(_scores(cubes, decides)), columns=[*RUN, "score"])
    return table.merge(scores, on=RUN, how="left")


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
    """Every pair of losses by each quantity: ratios a / b, of failed runs the difference of their shares.

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
    none = np.where(table["quantity"] == "failed", 0.0, 1.0)
    less = np.where(table["estimate"] < none, table["a"], table["b"])
    table["steadier"] = np.where(table["p_adjusted"] < 0.05, less, "")
    return table


def values_of(numbers: pd.DataFrame, quantity: str) -> dict[str, Array]:
    """One number per run of each loss, [network, seed] with NaN where there is no run, of one dataset's ``numbers``."""
    if quantity == "failed" and (numbers["state"] == "").any():
        return {}
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
    if quantity == "failed":
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
    failed = int(group["failed"].sum())
    lo, hi = clopper_pearson(failed, len(group)) if known else (np.nan, np.nan)
    row: dict[str, Any] = {
        "runs": len(group),
        "failed": failed if known else np.nan,
        "failed_lo": lo,
        "failed_hi": hi,
        **{
            name: int(group[name].sum()) if known else np.nan
            for name in ("diverged", "collapsed", "restarted")
        },
    }
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


def _numbers(curves: pd.DataFrame, decides: str) -> Iterator[dict[str, Any]]:
    for key, run in curves.groupby(RUN, sort=False):
        of_curve = dict(iter(run.groupby("curve", sort=False)))
        empty = run.iloc[:0]
        validation, gradient = of_curve.get(f"val_{decides}", empty), of_curve.get("gradient_norm", empty)
        epochs, values = validation["epoch"].to_numpy(float), validation["value"].to_numpy(float)
        yield dict(zip(RUN, key, strict=True)) | {
            "late_swing": late_oscillation(epochs, values),
            "gradient_cv": late_variation(gradient["epoch"], gradient["value"]),
            "epochs_to_95": until_share_of_best(epochs, values),
            "hours_to_95": until_share_of_best(validation["hours"], values),
            "area": area_under(epochs, values),
            "hours": run["hours"].max(),
            "best": values.max() if len(values) and np.isfinite(values).all() else np.nan,
        }


def _to_level(numbers: pd.DataFrame, curves: pd.DataFrame, decides: str) -> pd.DataFrame:
    """The numbers of runs with the level of their dataset and network, and the hours until each reaches it."""
    best = numbers.groupby(["dataset", "network", "loss"], sort=False)["best"].mean()
    level = SHARE_OF_BEST * best.groupby(level=["dataset", "network"], sort=False).min()
    keys = pd.MultiIndex.from_frame(numbers[["dataset", "network"]])
    levels = level.reindex(keys).to_numpy(float)
    validation = dict(iter(curves[curves["curve"] == f"val_{decides}"].groupby(RUN, sort=False)))
    hours = []
    for key, wanted in zip(numbers[RUN].itertuples(index=False, name=None), levels, strict=True):
        run = validation.get(key)
        found = until_level(run["hours"], run["value"], wanted) if run is not None else np.nan
        hours.append(found if np.isfinite(found) else np.nan)
    return numbers.drop(columns="best").assign(level=levels, hours_to_level=hours)


def _costs(histories: pd.DataFrame) -> dict[str, pd.Series[float]]:
    """Seconds per epoch (median) and peak memory (largest) by run."""
    if histories.empty:
        empty = pd.Series(dtype=float, index=pd.MultiIndex.from_arrays([[]] * len(RUN), names=RUN))
        return {"s_per_epoch": empty, "peak_mb": empty}
    cost = histories[histories["split"] == COST]
    by_name = {str(name): of_name.groupby(RUN)["value"] for name, of_name in cost.groupby("name")}
    none = cost.iloc[:0].groupby(RUN)["value"]
    return {
        "s_per_epoch": by_name.get("seconds", none).median(),
        "peak_mb": by_name.get("peak_memory_mb", none).max(),
    }


def _scores(cubes: Cubes, decides: str) -> Iterator[dict[str, Any]]:
    """The mean of each run, on the scale on which its metric is averaged."""
    for dataset in cubes.datasets:
        for cube in cubes.of(dataset, decides):
            for index, loss in enumerate(cube.losses):
                paired = of_loss(cube, index)
                overall = next(paired.classes(cube.classes), None) if paired else None
                if paired is None or overall is None:
                    continue
                means = paired.influence(overall[1]).mean(1)
                for seed, mean in zip(paired.seeds, cube.measure.natural(means), strict=True):
                    head = {"dataset": dataset, "network": cube.network, "loss": loss, "seed": seed}
                    yield head | {"score": float(mean)}
