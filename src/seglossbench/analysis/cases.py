"""Which cases are worth a look: the worst failures, and of each class where a loss gains least, as usual and most.

A row is a chosen case with one loss: the score of the seed to be shown, and the mean over the seeds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from seglossbench.analysis.cubes import ALL, Bools, Cube, Cubes
from seglossbench.analysis.effects import of_pair
from seglossbench.statistics.scales import Array

COLUMNS = [
    "dataset", "network", "class", "metric", "role", "place", "case", "patient", "a", "b", "scale", "gain", "loss",
    "seed", "value", "mean",
]  # fmt: skip
FAILURE, WORST, MEDIAN, BEST = ROLES = ("failure", "worst", "median", "best")
FAILURES = 4
"""How many failures a dataset shows, each of another case."""


def cases(
    cubes: Cubes,
    means: pd.DataFrame,
    numbers: pd.DataFrame,
    decides: str,
    baseline: str | None = None,
    patients: Mapping[tuple[str, str], str] | None = None,
) -> pd.DataFrame:
    """The table of chosen cases by the metric that decides; ``means`` give each network's best loss.

    A *failure* is one of the lowest scores of any run that did not fail as a whole (``numbers``), and among equal ones
    that on which the other losses do best. *Worst*, *median* and *best* are by the paired gain, over the seeds, of the
    best loss ``a`` over the baseline ``b``, or of the best two where the baseline leads. The seed shown is the first
    that all losses have.
    """
    rows: list[dict[str, Any]] = []
    for dataset in cubes.datasets:
        scored = [cube for cube in cubes.of(dataset, decides) if cube.measure.sign]
        rows += _failures(scored, numbers)
        for cube in scored:
            pair = _pair(cube, means, baseline)
            if pair is not None:
                rows += _by_gain(cube, *pair)
    table = pd.DataFrame(rows).reindex(columns=COLUMNS)
    of = patients or {}
    places = table[["dataset", "case"]].itertuples(index=False, name=None)
    return table.assign(patient=[of.get(place, place[1]) for place in places])


def _pair(cube: Cube, means: pd.DataFrame, baseline: str | None) -> tuple[int, int] | None:
    """The best loss and what it is compared with; None of fewer than two losses."""
    own = means[
        (means["dataset"] == cube.dataset) & (means["network"] == cube.network)
        & (means["metric"] == cube.measure.name) & (means["class"] == ALL)
    ]  # fmt: skip
    ranked = [loss for loss in own.sort_values("rank", kind="stable")["loss"] if loss in cube.losses]
    if len(ranked) < 2:
        return None
    base = baseline if baseline in ranked else cube.losses[0]
    other = ranked[1] if ranked[0] == base else base
    return cube.losses.index(ranked[0]), cube.losses.index(other)


def _by_gain(cube: Cube, a: int, b: int) -> Iterator[dict[str, Any]]:
    paired = of_pair(cube, a, b)
    if paired is None:
        return
    gains = paired.of_seeds(paired.seeds).mean(0)
    for place, name in enumerate(cube.classes):
        found = np.flatnonzero(paired.counts[:, place])
        order = found[np.argsort(cube.measure.sign * gains[found, place], kind="stable")]
        for role, index in _roles(len(order)):
            case = int(order[index])
            gain = float(cube.measure.natural(gains[case, place]))
            head = {"role": role, "place": 1, "class": name, "gain": gain}
            pair = {"a": cube.losses[a], "b": cube.losses[b]}
            yield from _rows(cube, case, place, head | pair, paired.seeds)


def _roles(count: int) -> list[tuple[str, int]]:
    """Which of so many cases in order play which part; two have no median, and one is nothing else."""
    ends = [(WORST, 0), (BEST, count - 1)]
    if count < 3:
        return ends if count == 2 else [(MEDIAN, 0)] * count
    return [ends[0], (MEDIAN, count // 2), ends[1]]


def _failures(cubes: list[Cube], numbers: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The lowest scores of a dataset over all its networks, of a case each."""
    found: list[tuple[float, float, Cube, tuple[int, int, int, int]]] = []
    for cube in cubes:
        good = cube.working * cube.measure.sign
        good = np.where(cube.counts & _sound(cube, numbers)[:, :, None, None], good, np.nan)
        others = _of_others(good)
        flat = np.lexsort((-others.ravel(), good.ravel()))[: 20 * FAILURES]
        for index in flat:
            loss, seed, case, name = (int(at) for at in np.unravel_index(index, good.shape))
            value = good[loss, seed, case, name]
            if np.isfinite(value):
                found.append((value, -others[loss, seed, case, name], cube, (loss, seed, case, name)))
    seen: list[str] = []
    for _, _, cube, (loss, seed, case, name) in sorted(found, key=lambda one: one[:2]):
        if cube.cases[case] in seen or len(seen) == FAILURES:
            continue
        seen.append(cube.cases[case])
        head = {"role": FAILURE, "place": len(seen), "class": cube.classes[name], "a": cube.losses[loss]}
        yield from _rows(cube, case, name, head | {"b": "", "gain": np.nan}, (cube.seeds[seed],))


def _of_others(good: Array) -> Array:
    """What the mean of all other losses is in every cell [loss, seed, case, class]; of one loss as low as can be."""
    there = np.isfinite(good)
    values = np.where(there, good, 0.0)
    count = there.sum(0) - there
    mean: Array = np.where(count > 0, (values.sum(0) - values) / np.maximum(count, 1), -np.inf)
    return mean


def _sound(cube: Cube, numbers: pd.DataFrame) -> Bools:
    """Which runs [loss, seed] did not fail as a whole: those that did are told of elsewhere."""
    own = numbers[
        (numbers["dataset"] == cube.dataset) & (numbers["network"] == cube.network) & numbers["failed"]
    ]
    failed = set(own[["loss", "seed"]].itertuples(index=False, name=None))
    return np.array([[(loss, seed) not in failed for seed in cube.seeds] for loss in cube.losses])


def _rows(
    cube: Cube, case: int, name: int, head: dict[str, Any], seeds: tuple[str, ...]
) -> Iterator[dict[str, Any]]:
    """A row per loss that has the first of the seeds that most losses have."""
    indices = [cube.seeds.index(seed) for seed in seeds]
    seed = max(indices, key=lambda index: (int(cube.runs[:, index].sum()), -index))
    for loss, name_of_loss in enumerate(cube.losses):
        values = cube.working[loss, :, case, name]
        if not cube.runs[loss, seed]:
            continue
        known = values[cube.runs[loss] & np.isfinite(values)]
        yield head | {
            "dataset": cube.dataset,
            "network": cube.network,
            "metric": cube.measure.name,
            "case": cube.cases[case],
            "scale": cube.measure.scale_of_differences,
            "loss": name_of_loss,
            "seed": cube.seeds[seed],
            "value": float(cube.scores[loss, seed, case, name]),
            "mean": float(cube.measure.natural(known.mean())) if len(known) else np.nan,
        }
