"""Orders of losses: how often each place is theirs if cases and seeds were redrawn, who stands together, and whether
two orders agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pandas as pd

from seglossbench.analysis.cubes import ALL, Cubes
from seglossbench.analysis.differences import FAMILY
from seglossbench.analysis.effects import of_loss
from seglossbench.analysis.measures import measure_of
from seglossbench.randomness import stream
from seglossbench.statistics.influence import equal_weights, influence_values
from seglossbench.statistics.ranks import groups_not_told_apart, kendall_tau, redrawn_ranks

PLACES = ["dataset", "network", "metric", "loss", "place", "frequency"]
GROUPS = [*FAMILY, "group", "loss"]
AGREEMENT = [
    "what", "dataset_a", "network_a", "metric_a", "dataset_b", "network_b", "metric_b", "losses", "tau"
]  # fmt: skip


def places(cubes: Cubes) -> pd.DataFrame:
    """How often each loss has each place if cases and seeds were redrawn: a description, and no probability.

    It is of the mean over the classes, over the seeds and cases that all losses of a dataset and network have.
    """
    rows = []
    for cube in cubes.cubes:
        parts = [of_loss(cube, loss) for loss in range(len(cube.losses))]
        found = [part for part in parts if part is not None]
        seeds = [seed for seed in cube.seeds if all(seed in part.seeds for part in found)]
        if not cube.measure.better or len(found) < 2 or not seeds:
            continue
        counts = np.logical_and.reduce([part.counts for part in found])
        if not counts.any():
            continue
        weights = equal_weights(counts)
        x = np.stack([influence_values(part.of_seeds(seeds), counts, weights, cube.units) for part in found])
        random = stream("places", cube.dataset, cube.network, cube.measure.name)
        frequencies = redrawn_ranks(x, random, higher_is_better=cube.measure.better == "higher")
        for loss, of_loss_ in zip(cube.losses, frequencies, strict=True):
            head = (cube.dataset, cube.network, cube.measure.name, loss)
            rows += [(*head, place, share) for place, share in enumerate(of_loss_, 1)]
    return pd.DataFrame(rows, columns=PLACES)


def groups(means: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """The bars of a critical-difference diagram: losses next to each other in rank of whom no two are told apart."""
    rows: list[tuple[object, ...]] = []
    by_family = dict(iter(pairs.groupby(FAMILY, sort=False)))
    for key, group in means[means["class"] == ALL].groupby(FAMILY, sort=False):
        measure = measure_of(str(key[2]))
        if not measure.better or key not in by_family:
            continue
        losses = list(group["loss"])
        better = np.zeros((len(losses), len(losses)), bool)
        for a, b, winner in by_family[key][["a", "b", "better"]].itertuples(index=False, name=None):
            if winner:
                better[losses.index(winner), losses.index(b if winner == a else a)] = True
        bars = groups_not_told_apart(group["mean"], better, higher_is_better=measure.better == "higher")
        rows += [(*key, number, losses[loss]) for number, bar in enumerate(bars, 1) for loss in bar]
    return pd.DataFrame(rows, columns=GROUPS)


def agreement(means: pd.DataFrame) -> pd.DataFrame:
    """Kendall's tau of the orders of losses between datasets and networks, and between metrics of the same runs."""
    ranked = means[(means["class"] == ALL) & (means["network"] != ALL) & means["rank"].notna()]
    orders = {
        (str(key[0]), str(key[1]), str(key[2])): dict(zip(group["loss"], group["rank"], strict=True))
        for key, group in ranked.groupby(["dataset", "network", "metric"], sort=False)
    }
    return pd.DataFrame(list(_agreements(orders)), columns=AGREEMENT)


def _agreements(orders: dict[tuple[str, str, str], dict[str, float]]) -> Iterator[tuple[object, ...]]:
    for one, other in combinations(orders, 2):
        same_runs, same_metric = one[:2] == other[:2], one[2] == other[2]
        if not (same_runs or same_metric):
            continue
        what = "metrics" if same_runs else "networks" if one[0] == other[0] else "datasets"
        both = [loss for loss in orders[one] if loss in orders[other]]
        tau = kendall_tau(*([orders[key][loss] for loss in both] for key in (one, other)))
        yield (what, *one, *other, len(both), tau)
