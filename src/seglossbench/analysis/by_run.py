"""What each run says by itself: its mean of every metric, over its cases, by class and over the classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from seglossbench.analysis.cubes import Cubes
from seglossbench.analysis.effects import of_loss

COLUMNS = ["dataset", "network", "loss", "seed", "metric", "class", "mean"]


def by_run(cubes: Cubes) -> pd.DataFrame:
    """A row per run, metric and class (``*``: the mean over the classes); the mean over seeds of these is that of
    ``means``, of distances the geometric one.
    """
    return pd.DataFrame(list(_rows(cubes)), columns=COLUMNS)


def _rows(cubes: Cubes) -> Iterator[tuple[Any, ...]]:
    for cube in cubes.cubes:
        for index, loss in enumerate(cube.losses):
            paired = of_loss(cube, index)
            if paired is None:
                continue
            sums = np.where(paired.counts, paired.values, 0.0).sum(1)  # [seed, class]
            means = sums / np.maximum(paired.counts.sum(0), 1)
            for name, weights in paired.classes(cube.classes):
                for seed, mean in zip(paired.seeds, cube.measure.natural(means @ weights), strict=True):
                    yield cube.dataset, cube.network, loss, seed, cube.measure.name, name, float(mean)
