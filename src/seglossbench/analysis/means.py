"""The mean of every loss with its interval, its rank with what is known of it, and how empty masks entered it.

A row is a dataset, network (``*``: the mean over those run), loss, metric and class (``*``: the mean over the classes).
This is the one mean of every table, figure and metric. Distances have geometric means; ``arithmetic_mean`` is beside.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from seglossbench.analysis.cubes import ALL, Cube, Cubes
from seglossbench.analysis.differences import FAMILY
from seglossbench.analysis.effects import Paired, of_loss, over_networks
from seglossbench.analysis.measures import FALSE_ALARMS, MISSED, measure_of
from seglossbench.statistics.crossed import MeanSquares, crossed, mean_squares, on_logit_scale
from seglossbench.statistics.influence import class_means
from seglossbench.statistics.proportions import none_seen
from seglossbench.statistics.ranks import rank_intervals, ranks, tied_with_best
from seglossbench.statistics.scales import Array

COLUMNS = [
    "dataset", "network", "loss", "metric", "class", "scale", "mean", "lo", "hi", "case_share", "seed_share",
    "sd_seeds", "seed_values", "sd_cases", "arithmetic_mean", "missed", "false_alarms", "undefined", "dropped", "seeds",
    "cases", "patients", "networks", "rank", "rank_lo", "rank_hi", "tied_with_best",
]  # fmt: skip


def means(cubes: Cubes, pairs: pd.DataFrame, *, each_class: bool = True) -> pd.DataFrame:
    """The table of all means; ``pairs`` is that of ``differences``, from which ranks have their intervals."""
    rows: list[dict[str, Any]] = []
    squares: list[MeanSquares] = []
    for dataset in cubes.datasets:
        for metric in cubes.metrics(dataset):
            for row, of_row in _of_metric(cubes.of(dataset, metric), each_class):
                rows.append(row)
                squares.append(of_row)
    if not rows:
        return pd.DataFrame(columns=COLUMNS)
    table = pd.DataFrame(rows)
    _add_intervals(table, MeanSquares.stack(squares))
    return _with_ranks(table, pairs).reindex(columns=COLUMNS)


def seed_gaps(table: pd.DataFrame, pairs: pd.DataFrame) -> pd.Series:
    """How far two seeds of *one* loss lie apart, beside the difference of each pair: the yardstick of a difference.

    It is the root mean square over both losses, on the pair's scale; NaN of a loss with one seed.
    """
    keys = [*FAMILY, "loss"]
    spread = table.set_index(keys)[["sd_seeds", "mean"]]
    sides = []
    for side in ("a", "b"):
        wanted = pd.MultiIndex.from_frame(pairs[[*FAMILY, side]].set_axis(keys, axis=1))
        of_side = spread.reindex(wanted)
        relative = np.where(
            pairs["scale"] == "ratio", of_side["sd_seeds"] / of_side["mean"], of_side["sd_seeds"]
        )
        sides.append(relative)
    gap = np.sqrt(sides[0] ** 2 + sides[1] ** 2)
    return pd.Series(np.where(pairs["scale"] == "ratio", np.exp(gap), gap), index=pairs.index)


def _of_metric(cubes: list[Cube], each_class: bool) -> Iterator[tuple[dict[str, Any], MeanSquares]]:
    for loss in dict.fromkeys(loss for cube in cubes for loss in cube.losses):
        parts: list[Paired] = []
        holders = [cube for cube in cubes if loss in cube.losses]
        for cube in holders:
            part = of_loss(cube, cube.losses.index(loss))
            if part is not None:
                parts.append(part)
                yield from _rows([cube], cube.network, part, loss, each_class)
        if len(parts) > 1 and (whole := over_networks(parts)) is not None:
            yield from _rows(holders, ALL, whole, loss, each_class)


def _rows(
    cubes: list[Cube], network: str, paired: Paired, loss: str, each_class: bool
) -> Iterator[tuple[dict[str, Any], MeanSquares]]:
    cube = cubes[0]
    measure = cube.measure
    raw = np.mean([_raw(each, loss, paired) for each in cubes], axis=0)
    counts = _counts(cubes, loss)
    for name, weights in paired.classes(cube.classes, each=each_class):
        used = weights != 0
        x = paired.influence(weights)
        of_seeds = measure.natural(x.mean(1))
        row = {
            "dataset": cube.dataset,
            "network": network,
            "loss": loss,
            "metric": measure.name,
            "class": name,
            "scale": measure.scale_of_means,
            "sd_seeds": _sd(of_seeds),
            "seed_values": " ".join(f"{value:.5g}" for value in of_seeds),
            "sd_cases": _sd(measure.natural(paired.cases(weights))),
            "arithmetic_mean": float(class_means(raw[..., used], paired.counts[:, used]) @ weights[used]),
            **{what: int(count[used].sum()) for what, count in counts.items()},
            "dropped": int(paired.dropped[:, used].any(-1).sum()),
            "seeds": len(of_seeds),
            "cases": int(paired.counts[:, used].any(-1).sum()),
            "patients": x.shape[1],
            "networks": len(cubes),
        }
        yield row, mean_squares(x)


def _counts(cubes: list[Cube], loss: str) -> dict[str, NDArray[np.int64]]:
    """How many cells of each class a loss misses, finds where nothing is, and has no score of."""
    found = {what: np.zeros(len(cubes[0].classes), int) for what in ("missed", "false_alarms", "undefined")}
    for cube in cubes:
        index = cube.losses.index(loss)
        runs = cube.runs[index][:, None, None]
        there = cube.counts & runs
        found["missed"] += (cube.missed[index] & there).sum((0, 1))
        found["false_alarms"] += (cube.false_alarms[index] & runs).sum((0, 1))
        found["undefined"] += (np.isnan(cube.working[index]) & there).sum((0, 1))
    return found


def _sd(values: Array) -> float:
    """The sample standard deviation (n - 1); NaN of fewer than two."""
    return float(values.std(ddof=1)) if len(values) > 1 else np.nan


def _raw(cube: Cube, loss: str, paired: Paired) -> Array:
    """The values of a loss in their own unit, of the seeds that are averaged."""
    seeds = [cube.seeds.index(seed) for seed in paired.seeds]
    raw: Array = cube.scores[cube.losses.index(loss), seeds]
    return raw


def _add_intervals(table: pd.DataFrame, squares: MeanSquares) -> None:
    """Means and intervals on each metric's scale; a rate of which nothing was seen has an upper end by the cases."""
    interval = crossed(squares)
    within = on_logit_scale(interval)
    scale = table["scale"].to_numpy()
    for name in ("estimate", "lo", "hi"):
        ends = getattr(interval, name)
        with np.errstate(over="ignore"):
            natural = np.select(
                [scale == "logit", scale == "log"], [getattr(within, name), np.exp(ends)], ends
            )
        table["mean" if name == "estimate" else name] = natural
    never = table["metric"].isin([MISSED, FALSE_ALARMS]) & (table["mean"] == 0)
    table.loc[never, "hi"] = [none_seen(int(units)) for units in table.loc[never, "patients"]]
    table.loc[never, "lo"] = 0.0
    table["case_share"], table["seed_share"] = interval.case_share, interval.seed_share


def _with_ranks(table: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """The means with the rank of each within its family, the interval of it, and who is not told from the best."""
    found = {name: np.full(len(table), np.nan) for name in ("rank", "rank_lo", "rank_hi")}
    tied, of_means = np.zeros(len(table), bool), table["mean"].to_numpy(float)
    told: dict[Any, list[Any]] = {}
    won = pairs.loc[pairs["better"] != "", [*FAMILY, "a", "b", "better"]]
    families = won[FAMILY].itertuples(index=False, name=None)
    for key, pair in zip(families, won[["a", "b", "better"]].itertuples(index=False, name=None), strict=True):
        told.setdefault(key, []).append(pair)
    tested = set(pairs.loc[pairs["seeds"] > 1, FAMILY].itertuples(index=False, name=None))
    losses = table["loss"].to_numpy(object)
    of_family: Any = table.groupby(FAMILY, sort=False).indices
    for key, rows in of_family.items():
        measure = measure_of(str(key[2]))
        if not measure.better:
            continue
        higher = measure.better == "higher"
        places = {loss: place for place, loss in enumerate(losses[rows])}
        better = np.zeros((len(rows), len(rows)), bool)
        for a, b, winner in told.get(key, ()):
            better[places[winner], places[b if winner == a else a]] = True
        found["rank"][rows] = ranks(of_means[rows], higher_is_better=higher)
        if key in tested or len(rows) == 1:
            found["rank_lo"][rows], found["rank_hi"][rows] = rank_intervals(better)
        tied[rows] = tied_with_best(of_means[rows], better, higher_is_better=higher)
    return table.assign(**found, tied_with_best=tied)
