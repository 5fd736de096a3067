"""What each run came to: its score, how soon and how quietly it learnt, how it ended and what it cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from seglossbench.analysis.cubes import Cubes
from seglossbench.analysis.curves import RUN
from seglossbench.analysis.effects import of_loss
from seglossbench.analysis.measures import measure_of
from seglossbench.statistics.convergence import (
    SHARE_OF_BEST,
    area_under,
    late_oscillation,
    late_variation,
    until_level,
    until_share_of_best,
)
from seglossbench.statistics.scales import Array, floor_of
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
    "area_hours",
)
"""What is known of each run beside its score: see ``of_runs``."""


def of_runs(
    runs: pd.DataFrame, cubes: Cubes, histories: pd.DataFrame, curves: pd.DataFrame, decides: str
) -> pd.DataFrame:
    """One row per run (``dataset, network, loss, seed, state, reason``) with its numbers.

    ``level`` is what the validation's mean best reaches with the weakest loss of a dataset and network, by
    SHARE_OF_BEST, and ``hours_to_level`` how long the run takes to it, NaN where it never gets there.
    ``score`` is its mean of the metric ``decides``; ``late_swing`` the oscillation of its validation in the last
    quarter, ``gradient_cv`` the variation of its gradient's norm there; ``epochs_to_95`` and ``hours_to_95`` until 95 %
    of its best validation (of a distance, until its best is 95 % of it). ``area`` is the mean height of that curve by
    epoch, ``area_hours`` by hour, up to the hour that the quickest loss ends in, the same for all losses of a dataset
    and network. ``failed`` is one of ``diverged`` and ``collapsed``.
    """
    table = runs.copy()
    reason = table["reason"].astype(str)
    ended = table["state"] == "DIVERGED"
    table["collapsed"] = ended & reason.str.contains("one class is predicted everywhere", regex=False)
    table["diverged"] = ended & ~table["collapsed"]
    table["failed"] = ended
    validation = {
        key: run.sort_values("epoch")
        for key, run in curves[curves["curve"] == f"val_{decides}"].groupby(RUN, sort=False)
    }
    is_distance = measure_of(decides).better == "lower"
    columns = [*RUN, *NUMBERS[:5], "hours", "best"]
    numbers = pd.DataFrame(list(_numbers(curves, validation, is_distance)), columns=columns)
    numbers = _over_the_same(numbers, validation, is_distance)
    for column, value in _costs(histories).items():
        numbers[column] = value.reindex(pd.MultiIndex.from_frame(numbers[RUN])).to_numpy(float)
    table = table.merge(numbers, on=RUN, how="left")
    restarts = histories[(histories["split"] == TRAIN) & (histories["name"] == "restarted")]
    again = set(restarts[RUN].itertuples(index=False, name=None))
    table["restarted"] = [key in again for key in table[RUN].itertuples(index=False, name=None)]
    scores = pd.DataFrame(list(_scores(cubes, decides)), columns=[*RUN, "score"])
    return table.merge(scores, on=RUN, how="left")


def _numbers(
    curves: pd.DataFrame, validation: Mapping[Any, pd.DataFrame], lower: bool
) -> Iterator[dict[str, Any]]:
    """What the curves of each run say by themselves; ``lower`` is whether a lower validation is better."""
    for key, run in curves.groupby(RUN, sort=False):
        own, gradient = validation.get(key, run.iloc[:0]), run[run["curve"] == "gradient_norm"]
        epochs, values = own["epoch"].to_numpy(float), own["value"].to_numpy(float)
        good = _good(values, lower)
        yield dict(zip(RUN, key, strict=True)) | {
            "late_swing": late_oscillation(epochs, values),
            "gradient_cv": late_variation(gradient["epoch"], gradient["value"]),
            "epochs_to_95": until_share_of_best(epochs, good),
            "hours_to_95": until_share_of_best(own["hours"], good),
            "area": area_under(epochs, values),
            "hours": run["hours"].max(),
            "best": good.max() if len(good) and np.isfinite(good).all() else np.nan,
        }


def _over_the_same(
    numbers: pd.DataFrame, validation: Mapping[Any, pd.DataFrame], lower: bool
) -> pd.DataFrame:
    """The numbers of runs with what is asked of all of a dataset and network alike: a level, and an hour."""
    place = ["dataset", "network"]
    of_losses = numbers.groupby([*place, "loss"], sort=False)
    level = SHARE_OF_BEST * of_losses["best"].mean().groupby(level=place, sort=False).min()
    end = of_losses["hours"].max().groupby(level=place, sort=False).min()
    keys = pd.MultiIndex.from_frame(numbers[place])
    levels, ends = level.reindex(keys).to_numpy(float), end.reindex(keys).to_numpy(float)
    to_level, areas = [], []
    for key, wanted, until in zip(numbers[RUN].itertuples(index=False, name=None), levels, ends, strict=True):
        run = validation.get(key)
        if run is None:
            to_level.append(np.nan)
            areas.append(np.nan)
            continue
        hours, values = run["hours"].to_numpy(float), run["value"].to_numpy(float)
        reached = until_level(hours, _good(values, lower), wanted)
        to_level.append(reached if np.isfinite(reached) else np.nan)
        areas.append(area_under(hours[hours <= until], values[hours <= until]))
    levels = 1 / levels if lower else levels
    return numbers.drop(columns="best").assign(level=levels, hours_to_level=to_level, area_hours=areas)


def _good(values: Array, lower: bool) -> Array:
    """A curve of which more is better: of distances their inverse."""
    return 1 / np.maximum(values, floor_of(values)) if lower else values


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
