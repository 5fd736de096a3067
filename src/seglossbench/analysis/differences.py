"""Every pair of losses: their difference (of distances, their ratio) with interval, test and what it rests on.

A row is a dataset, network (``*``: the mean over those run), metric, class (``*``: the mean over the classes) and pair
a, b. The family of Holm's correction is the pairs of one dataset, network, metric and class; that of the decisive
metric's mean over the classes is ``primary``, all others are ``secondary``.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from seglossbench.analysis.cubes import ALL, Cube, Cubes
from seglossbench.analysis.effects import Paired, of_pair, over_networks
from seglossbench.analysis.measures import Measure
from seglossbench.statistics.comparison import over_new_networks
from seglossbench.statistics.crossed import MeanSquares, crossed, mean_squares
from seglossbench.statistics.multiplicity import holm
from seglossbench.statistics.scales import Array

FAMILY = ["dataset", "network", "metric", "class"]
COLUMNS = [
    *FAMILY, "a", "b", "scale", "estimate", "lo", "hi", "p", "p_adjusted", "family", "family_size", "better",
    "case_share", "seed_share", "case_wins", "cases", "patients", "seed_wins", "seeds", "networks", "new_networks_lo",
    "new_networks_hi", "new_networks_p", "dropped", "ms_seed", "ms_case", "ms_residual", "case_quantiles",
]  # fmt: skip
SIGNIFICANT = 0.05
QUANTILES = 25


def differences(cubes: Cubes, decides: str, *, each_class: bool = True) -> pd.DataFrame:
    """The table of all pairs; ``decides`` is the metric whose mean over the classes makes the primary families."""
    rows: list[dict[str, Any]] = []
    squares: list[MeanSquares] = []
    for dataset in cubes.datasets:
        for metric in cubes.metrics(dataset):
            for row, of_row in _of_metric(cubes.of(dataset, metric), each_class):
                rows.append(row)
                squares.append(of_row)
    if not rows:
        return pd.DataFrame(columns=COLUMNS)
    return finish(rows, squares, decides)


def finish(rows: list[dict[str, Any]], squares: list[MeanSquares], decides: str) -> pd.DataFrame:
    """The rows with their intervals, p-values adjusted within families, and the better loss where one is."""
    together = MeanSquares.stack(squares)
    interval = crossed(together)
    table = pd.DataFrame(rows)
    log = (table["scale"] == "ratio").to_numpy()
    for name in ("estimate", "lo", "hi"):
        ends = getattr(interval, name)
        with np.errstate(over="ignore"):
            table[name] = np.where(log, np.exp(ends), ends)
    table["p"] = interval.p
    table["case_share"], table["seed_share"] = interval.case_share, interval.seed_share
    table["ms_seed"], table["ms_case"] = together.seed, together.case
    table["ms_residual"] = together.residual
    families = table.groupby(FAMILY, sort=False)
    table["p_adjusted"] = families["p"].transform(holm)
    table["family_size"] = families["p"].transform("count")
    primary = (table["metric"] == decides) & (table["class"] == ALL)
    table["family"] = np.where(primary, "primary", "secondary")
    direction = table.pop("sign") * np.where(interval.estimate > 0, 1, -1)
    told_apart = (table["p_adjusted"] < SIGNIFICANT) & (table["seeds"] > 1) & (direction != 0)
    table["better"] = np.where(told_apart, np.where(direction > 0, table["a"], table["b"]), "")
    return table.reindex(columns=COLUMNS)


def _of_metric(cubes: list[Cube], each_class: bool) -> Iterator[tuple[dict[str, Any], MeanSquares]]:
    losses = list(dict.fromkeys(loss for cube in cubes for loss in cube.losses))
    for a, b in combinations(losses, 2):
        parts: list[Paired] = []
        for cube in cubes:
            if a in cube.losses and b in cube.losses:
                part = of_pair(cube, cube.losses.index(a), cube.losses.index(b))
                if part is not None:
                    parts.append(part)
                    yield from _rows(cube, cube.network, part, a, b, [part], each_class)
        if len(parts) > 1 and (whole := over_networks(parts)) is not None:
            yield from _rows(cubes[0], ALL, whole, a, b, parts, each_class)


def _rows(
    cube: Cube, network: str, paired: Paired, a: str, b: str, parts: list[Paired], each_class: bool
) -> Iterator[tuple[dict[str, Any], MeanSquares]]:
    for name, weights, described, squares in _described(paired, cube, each_class):
        row: dict[str, Any] = {
            "dataset": cube.dataset,
            "network": network,
            "metric": cube.measure.name,
            "class": name,
        }
        row |= {"a": a, "b": b, "networks": len(parts)}
        if len(parts) > 1:
            ends = over_new_networks([part.mean(weights) for part in parts])
            names = ("new_networks_lo", "new_networks_hi", "new_networks_p")
            natural = [*cube.measure.natural(np.array(ends[:2])), ends[2]]
            row |= dict(zip(names, natural, strict=True))
        yield row | described, squares


def _described(
    paired: Paired, cube: Cube, each_class: bool
) -> Iterator[tuple[str, Array, dict[str, Any], MeanSquares]]:
    """The mean over the classes and, if wanted, each class: its name and weights, with what ``describe`` says of it.

    Where all classes are in the same cases, these are described at once, as tables of classes are long.
    """
    at_once = each_class and paired.is_whole
    for name, weights in paired.classes(cube.classes, each=each_class and not at_once):
        yield name, weights, *describe(paired, weights, cube.measure)
    if not at_once:
        return
    x = paired.of_classes()
    squares, of_cases, dropped = mean_squares(x), x.mean(1), paired.dropped.sum(0)
    for place, index in enumerate(np.flatnonzero(paired.counts.any(0))):
        row = _counted(x[place], of_cases[place], dropped[index], cube.measure)
        yield cube.classes[index], np.eye(len(cube.classes))[index], row, squares[place]


def describe(paired: Paired, weights: Array, measure: Measure) -> tuple[dict[str, Any], MeanSquares]:
    """What a difference rests on: cases, patients, seeds, in how many of them a is better, and its mean squares."""
    x, used = paired.influence(weights), weights != 0
    row = _counted(x, paired.cases(weights), paired.dropped[:, used].any(-1).sum(), measure)
    return row, mean_squares(x)


def _counted(x: Array, of_cases: Array, dropped: np.integer[Any], measure: Measure) -> dict[str, Any]:
    """Of influence values [seed, patient] and differences of cases: how many there are, and in how many a is better."""
    sign = measure.sign or 1
    return {
        "scale": measure.scale_of_differences,
        "sign": measure.sign,
        "case_wins": int((sign * of_cases > 0).sum()),
        "cases": len(of_cases),
        "patients": x.shape[1],
        "seed_wins": int((sign * x.mean(1) > 0).sum()),
        "seeds": x.shape[0],
        "dropped": int(dropped),
        "case_quantiles": _quantiles(measure.natural(of_cases)),
    }


def _quantiles(values: Array) -> str:
    """All values up to 25, else 25 of their quantiles, in order."""
    ordered = np.sort(values)
    if len(ordered) > QUANTILES:
        ordered = np.interp(np.linspace(0, len(ordered) - 1, QUANTILES), np.arange(len(ordered)), ordered)
    return " ".join(f"{value:.4g}" for value in ordered)
