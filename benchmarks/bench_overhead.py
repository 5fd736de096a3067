"""What an experiment of short runs takes around its steps: the whole demo, from nothing to its report in MLflow.

All is told in seconds of processor time, which other work beside it makes little longer: of every process of the call,
by what it was for, and of the steps of all runs, each with its batch.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import chdir
from pathlib import Path
from typing import Any

from benchmarks.bench_scoring import row
from seglossbench.experiment import Experiment
from seglossbench.records import read_history
from seglossbench.vocabulary.tables import COST

PROJECT = Path(__file__).parents[1]
ALLOWED = 1.25
"""Of the steps."""
STEP = ("data", "forward", "backward", "optimiser")
"""The parts of a step in a history; an epoch of the loop takes 1.00 to 1.02 of the bare ones (bench_training)."""
# Python runs a module of this name when it starts: each process of the call tells at its end what it was and took, and
# a training tells its history in processor time, that of the distance transform's own thread, too.
HOOK = """
import atexit, json, os, resource, sys, time

if "train" in sys.orig_argv:
    time.perf_counter = time.process_time

def tell():
    used = resource.getrusage(resource.RUSAGE_SELF)
    with open(os.environ["SEGLOSSBENCH_SPENT"], "a") as file:
        file.write(json.dumps([sys.argv, used.ru_utime + used.ru_stime]) + chr(10))

atexit.register(tell)
"""


def spent(folder: Path, overrides: Mapping[str, Any]) -> tuple[dict[str, float], float]:
    """Processor seconds of ``snakemake --cores all`` in a copy of the project, by stage, and those of the clock."""
    for part in ("workflow", "experiments", "profiles"):
        shutil.copytree(PROJECT / part, folder / part)
    for file in ("Snakefile", "params.yaml", "dvc.yaml"):
        shutil.copy(PROJECT / file, folder)
    (folder / "hook").mkdir()
    (folder / "hook" / "sitecustomize.py").write_text(HOOK)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(folder / "hook"), str(PROJECT / "src")]),
        "SEGLOSSBENCH_SPENT": str(folder / "spent"),
        "OMP_NUM_THREADS": "1",
    }
    config = [f"{key}={json.dumps(value)}" for key, value in overrides.items()]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    answer = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "all", *(["--config", *config] if config else [])],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    clock = time.perf_counter() - start
    if answer.returncode:
        raise RuntimeError(answer.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = sum(getattr(after, part) - getattr(before, part) for part in ("ru_utime", "ru_stime"))
    by_stage: Counter[str] = Counter()
    for line in (folder / "spent").read_text().splitlines():
        words, seconds = json.loads(line)
        by_stage[stage_of(words)] += seconds
    by_stage["else"] += total - sum(by_stage.values())
    return dict(by_stage), clock


def stage_of(words: list[str]) -> str:
    """The stage of a process by its command line, of which the options before the command have a value each."""
    if "snakemake" in words[0]:
        return "snakemake"
    rest = iter(words[1:])
    for word in rest:
        if not word.startswith("--"):
            return word
        next(rest, None)
    return "else"


def step_seconds(folder: Path) -> float:
    """Processor seconds of all steps of all runs: the batch, forward and backward pass, and the optimiser."""
    total = 0.0
    for file in folder.glob("runs/*/*/*/*/history.csv"):
        named = {f"seconds/{part}" for part in STEP}
        total += sum(row.value for row in read_history(file) if row.split == COST and row.name in named)
    return total


def measure(overrides: Mapping[str, Any]) -> dict[str, object]:
    """The row of an experiment: all that its call takes against its steps."""
    with tempfile.TemporaryDirectory() as name:
        by_stage, clock = spent(Path(name), overrides)
        with chdir(name):
            runs = Experiment.load(overrides=dict(overrides)).runs
        bare = step_seconds(Path(name))
    total = sum(by_stage.values())
    for stage, seconds in sorted(by_stage.items(), key=lambda item: -item[1]):
        print(f"  {stage:<12}{seconds:8.1f} s", file=sys.stderr)
    print(f"  the steps   {bare:8.1f} s; {clock:.0f} s by the clock", file=sys.stderr)
    work = f"{len(runs)} runs of {sum(run.train.epochs * run.train.steps_per_epoch for run in runs)} steps in all"
    return row("a whole experiment", work, total, f"{ALLOWED} x the steps", ALLOWED * bare, 1)


def run() -> list[dict[str, object]]:
    """The demo's forty runs."""
    return [measure({})]
