"""How long ``seglossbench analyse`` takes for a million scores, and how much memory.

The scores are drawn: no two losses differ, some masks are empty, and classes are absent from some cases.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.bench_scoring import row

PROJECT = Path(__file__).parents[1]
AXES = {"dataset": 2, "network": 2, "loss": 8, "seed": 5, "case": 100, "class": 20}
METRICS = ("DSC", "HD95", "NSD@1mm")
ABSENT, MISSED = 0.05, 0.01
"""The share of cases that lack a class, and of the others in which a run misses it."""


def scores(axes: dict[str, int] = AXES) -> pd.DataFrame:
    """Tidy scores of every combination of the names of ``axes``, with a status where a mask is empty."""
    random = np.random.default_rng(0)
    place = np.indices(tuple(axes.values())).reshape(len(axes), -1)
    names = {axis: np.array([f"{axis}{index}" for index in range(size)]) for axis, size in axes.items()}
    keys = pd.DataFrame({axis: names[axis][index] for axis, index in zip(axes, place, strict=True)})
    of_case = random.normal(1.7, 0.8, (axes["dataset"], axes["case"], axes["class"]))
    lacking = random.random(of_case.shape) < ABSENT
    where = tuple(place[[0, 4, 5]])
    z = of_case[where] + random.normal(0, 0.4, len(keys))
    absent, missed = lacking[where], ~lacking[where] & (random.random(len(keys)) < MISSED)
    values = {"DSC": 1 / (1 + np.exp(-z)), "HD95": 8 * np.exp(-z), "NSD@1mm": 1 / (1 + np.exp(-z - 0.5))}
    worst = {"DSC": 0.0, "HD95": 373.13, "NSD@1mm": 0.0}
    tables = []
    for metric in METRICS:
        text = np.char.mod("%.6g", np.where(missed, worst[metric], values[metric])).astype(object)
        text[absent] = ""
        tables.append(keys.assign(metric=metric, value=text))
    status = np.where(absent, "both_empty", np.where(missed, "prediction_empty", ""))
    of_status = keys.assign(metric="status", value=status)
    return pd.concat([*tables, of_status[of_status["value"] != ""]], ignore_index=True)


def analysed(folder: Path, axes: dict[str, int] = AXES) -> tuple[int, float, float]:
    """Rows of drawn scores, seconds and the largest memory in MB of the command that analyses them."""
    table = scores(axes)
    table.to_csv(folder / "scores.csv", index=False)
    command = [sys.executable, "-m", "seglossbench", "analyse", "--scores", "scores.csv", "--out", "analysis"]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "src")}
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"seglossbench analyse ended with {process.returncode}")
    return len(table), time.perf_counter() - began, used.ru_maxrss / 1024


def run() -> list[dict[str, object]]:
    """A million scores, from the file to the tables."""
    with tempfile.TemporaryDirectory() as name:
        rows, analyse_s, memory_mb = analysed(Path(name))
    work = f"{rows:,} rows: {' x '.join(f'{size} by {axis}' for axis, size in AXES.items())}"
    return [
        row("seglossbench analyse", work, analyse_s, "a limit of 60 s", 60.0, 1),
        row("its memory, MB", work, memory_mb, "a limit of 2 GB", 2000.0, 1),
    ]


if __name__ == "__main__":
    for figures in run():
        print(figures)
