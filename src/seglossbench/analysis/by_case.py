"""What each case says by itself: the mean of every loss over the seeds and the classes that the case has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from seglossbench.analysis.cubes import Cubes
from seglossbench.analysis.effects import of_loss
from seglossbench.statistics.influence import equal_weights

COLUMNS = ["dataset", "network", "metric", "case", "patient", "loss", "value"]


def by_case(
    cubes: Cubes, decides: str, patients: Mapping[tuple[str, str], str] | None = None
) -> pd.DataFrame:
    """A row per case and loss, by the metric that decides; of distances the geometric mean."""
    return pd.DataFrame(list(_rows(cubes, decides, patients or {})), columns=COLUMNS)


def _rows(cubes: Cubes, decides: str, patients: Mapping[tuple[str, str], str]) -> Iterator[dict[str, Any]]:
    for dataset in cubes.datasets:
        for cube in cubes.of(dataset, decides):
            for index, loss in enumerate(cube.losses):
                paired = of_loss(cube, index)
                if paired is None or not paired.counts.any():
                    continue
                values = cube.measure.natural(paired.cases(equal_weights(paired.counts)))
                names = np.array(cube.cases)[paired.counts.any(1)]
                for case, value in zip(names.tolist(), values, strict=True):
                    head = {"dataset": dataset, "network": cube.network, "metric": decides, "case": case}
                    patient = patients.get((dataset, case), case)
                    yield head | {"patient": patient, "loss": loss, "value": float(value)}
