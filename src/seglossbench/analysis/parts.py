"""The means of parts of the cases: what each loss scores where a column of the cases has one value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from seglossbench.analysis.cubes import Cube, Cubes
from seglossbench.analysis.effects import of_loss

COLUMNS = [
    "dataset", "network", "loss", "metric", "column", "part", "mean", "arithmetic_mean", "sd", "cases", "seeds",
]  # fmt: skip


def part_means(cubes: Cubes, columns: Mapping[str, Mapping[tuple[str, str], str]]) -> pd.DataFrame:
    """A row per loss, metric and part, over the seeds and classes; ``columns`` are values by (dataset, case).

    ``mean`` is that of all tables; ``arithmetic_mean`` and ``sd`` (n - 1) are over the scores of all seeds and cases,
    each averaged over the classes that the case has, as papers print them.
    """
    rows = [
        {"column": column, "part": part} | row
        for column, values in columns.items()
        for part in dict.fromkeys(values.values())
        for cube in cubes.cubes
        if cube.measure.better
        for row in _of_part(cube, [values.get((cube.dataset, case)) == part for case in cube.cases])
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _of_part(cube: Cube, kept: list[bool]) -> Iterator[dict[str, Any]]:
    for index, loss in enumerate(cube.losses):
        whole = of_loss(cube, index)
        if whole is None:
            continue
        part = whole.with_cases(np.array(kept))
        overall = next(part.classes(cube.classes, each=False), None)
        if overall is None:
            continue
        seeds = [cube.seeds.index(seed) for seed in part.seeds]
        raw = cube.scores[index, seeds][:, kept]  # (seeds, cases, classes)
        there = part.counts.any(1)
        scores = np.where(part.counts, raw, 0.0).sum(2)[:, there] / part.counts.sum(1)[there]
        yield {
            "dataset": cube.dataset,
            "network": cube.network,
            "loss": loss,
            "metric": cube.measure.name,
            "mean": float(cube.measure.natural(part.influence(overall[1]).mean())),
            "arithmetic_mean": float(scores.mean()),
            "sd": float(scores.std(ddof=1)) if scores.size > 1 else np.nan,
            "cases": scores.shape[1],
            "seeds": len(seeds),
        }
