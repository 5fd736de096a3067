"""The curves of trainings: what each run did by epoch and by hour, and the mean over its loss's runs with its range.

Of three runs or more the ends are a t interval of the mean at each point, of fewer the range of the runs. Distances
have geometric means here, too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from seglossbench.statistics.scales import Array, floor_of, natural, working
from seglossbench.statistics.spread import t_interval
from seglossbench.vocabulary.metrics import Mean, metric_of
from seglossbench.vocabulary.tables import COST, IDENTITY, TEST_BY_EPOCH, TRAIN, VALIDATION

RUN = list(IDENTITY)
LOSS = ["dataset", "network", "loss"]
COLUMNS = [*LOSS, "curve", "axis", "x", "mean", "lo", "hi", "sd", "kind", "runs"]
POINTS = 60
"""As many points of a curve as a figure can show."""
FEWEST_FOR_AN_INTERVAL = 3


def curves_of_runs(histories: pd.DataFrame, decides: str) -> pd.DataFrame:
    """One row per run, curve and epoch: ``dataset, network, loss, seed, curve, epoch, hours, value``.

    ``histories`` have the columns of HISTORIES. Curves are the loss, the gradient's norm, and the metric ``decides`` of
    the validation and of the test cases that were scored by epoch, called ``val_DSC`` and ``test_DSC``. ``hours``
    are those since the run's start, NaN where no cost was recorded; epochs count from 1, as what is finished then.
    """
    columns = [*RUN, "curve", "epoch", "hours", "value"]
    if histories.empty:
        return pd.DataFrame(columns=columns)
    wanted = {
        (TRAIN, "loss"): "train_loss",
        (TRAIN, "gradient_norm"): "gradient_norm",
        (VALIDATION, decides): f"val_{decides}",
        (TEST_BY_EPOCH, decides): f"test_{decides}",
    }
    keys = pd.MultiIndex.from_frame(histories[["split", "name"]])
    found = histories[keys.isin(list(wanted))]
    curve = [wanted[key] for key in found[["split", "name"]].itertuples(index=False, name=None)]
    table = found[[*RUN, "epoch", "value"]].assign(curve=curve)
    seconds = histories[(histories["split"] == COST) & (histories["name"] == "seconds")]
    seconds = seconds.sort_values("epoch", kind="stable")
    hours = seconds.groupby(RUN, sort=False)["value"].cumsum() / 3600
    table = table.merge(seconds[[*RUN, "epoch"]].assign(hours=hours), on=[*RUN, "epoch"], how="left")
    return table.assign(epoch=table["epoch"] + 1)[columns].reset_index(drop=True)


def curves(of_runs: pd.DataFrame) -> pd.DataFrame:
    """The mean curves of every loss, by epoch and by hour, thinned to what a figure can show."""
    rows: list[dict[str, Any]] = []
    for key, group in of_runs.groupby([*LOSS, "curve"], sort=False):
        head = dict(zip([*LOSS, "curve"], key, strict=True))
        mean = _mean_of(str(key[-1]))
        floor = floor_of(group["value"])
        runs = [
            run.assign(value=working(run["value"], mean, floor)).sort_values("epoch")
            for _, run in group.groupby("seed", sort=False)
        ]
        epochs = np.unique(group["epoch"].to_numpy(float))
        rows += [head | {"axis": "epoch"} | point for point in _points(runs, "epoch", _thinned(epochs), mean)]
        hours = group["hours"].to_numpy(float)
        if np.isfinite(hours).all():
            grid = np.linspace(hours.min(), hours.max(), min(POINTS, len(epochs)))
            rows += [head | {"axis": "hours"} | point for point in _points(runs, "hours", grid, mean)]
    return pd.DataFrame(rows, columns=COLUMNS)


def _mean_of(curve: str) -> Mean:
    """How a curve is averaged over runs: as the metric whose scores it has, such as ``val_HD95``."""
    kind, _, metric = curve.partition("_")
    return metric_of(metric).mean if kind in ("val", "test") else "arithmetic"


def _points(runs: list[pd.DataFrame], axis: str, grid: Array, how: Mean) -> list[dict[str, Any]]:
    """The mean at each place of the grid, over those runs that were there: none is drawn on beyond its end."""
    at = [
        np.interp(grid, run[axis].to_numpy(float), run["value"].to_numpy(float), left=np.nan, right=np.nan)
        for run in runs
    ]
    points = []
    for x, values in zip(grid, np.transpose(at), strict=True):
        there = values[np.isfinite(values)]
        if not len(there):
            continue
        mean, lo, hi = natural(t_interval(there), how)
        there = natural(there, how)
        enough = len(there) >= FEWEST_FOR_AN_INTERVAL
        points.append(
            {
                "x": x,
                "mean": mean,
                "lo": lo if enough else there.min(),
                "hi": hi if enough else there.max(),
                "sd": there.std(ddof=1) if len(there) > 1 else np.nan,
                "kind": "interval" if enough else "range",
                "runs": len(there),
            }
        )
    return points


def _thinned(epochs: Array) -> Array:
    if len(epochs) <= POINTS:
        return epochs
    thinned: Array = epochs[np.unique(np.linspace(0, len(epochs) - 1, POINTS).round().astype(int))]
    return thinned
