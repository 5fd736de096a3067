"""What an experiment of short runs takes around its steps: the whole demo, from nothing to its report in MLflow.

All is told in seconds of processor time, which other work beside it makes little longer: of every process of the call,
by what it was for, and of the bare steps of all runs, each with its batch.
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

import torch

from benchmarks.bench_scoring import row
from seglossbench import losses
from seglossbench.data.prepared import PreparedDataset
from seglossbench.experiment import Experiment, Run
from seglossbench.maps.store import read_index
from seglossbench.stages import split_of
from seglossbench.training.device import Accelerator
from seglossbench.training.optimiser import build_optimiser
from seglossbench.training.run import training_of

PROJECT = Path(__file__).parents[1]
ALLOWED = 1.25
"""Of the bare steps."""
STEPS = 12
"""Of each run, of which as many are timed as are to be had; the first two are not."""
# Python runs a module of this name when it starts: each process of the call tells at its end what it was and took.
HOOK = """
import atexit, json, os, resource, sys

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


def bare_seconds(run: Run) -> float:
    """Processor seconds of all steps of a run: the batch, forward and backward pass, and the optimiser."""
    prepared = PreparedDataset(run.dataset.prepared)
    training = training_of(
        run.settings,
        prepared,
        split_of(run.dataset, prepared),
        read_index(run.dataset.maps),
        torch.device("cpu"),
    )
    accelerator = Accelerator(training.device, training.settings)
    network = accelerator.prepare(training.network).train()
    optimiser = build_optimiser(network.parameters(), training.settings.optimiser)
    of_epoch = training.settings.steps_per_epoch
    for step in range(min(STEPS, of_epoch)):
        if step == min(2, of_epoch - 1):
            start = time.process_time()
        batch = accelerator.load(training.batches.batch(0, step))
        optimiser.zero_grad(set_to_none=True)
        terms = losses.supervised_terms(training.loss, network(batch.image), batch.truth, 0)
        accelerator.backward(torch.stack(list(terms.values())).sum())
        optimiser.step()
    timed = min(STEPS, of_epoch) - min(2, of_epoch - 1)
    return (time.process_time() - start) / timed * training.settings.epochs * of_epoch


def measure(overrides: Mapping[str, Any]) -> dict[str, object]:
    """The row of an experiment: all that its call takes against its bare steps."""
    threads = torch.get_num_threads()
    with tempfile.TemporaryDirectory() as name, chdir(name):
        by_stage, clock = spent(Path(name), overrides)
        torch.set_num_threads(1)
        runs = Experiment.load(overrides=dict(overrides)).runs
        bare = sum(map(bare_seconds, runs))
    torch.set_num_threads(threads)
    total = sum(by_stage.values())
    for stage, seconds in sorted(by_stage.items(), key=lambda item: -item[1]):
        print(f"  {stage:<12}{seconds:8.1f} s", file=sys.stderr)
    print(f"  bare steps  {bare:8.1f} s; {clock:.0f} s by the clock", file=sys.stderr)
    work = f"{len(runs)} runs of {sum(run.train.epochs * run.train.steps_per_epoch for run in runs)} steps in all"
    return row("a whole experiment", work, total, f"{ALLOWED} x the bare steps", ALLOWED * bare, 1)


def run() -> list[dict[str, object]]:
    """The demo's forty runs."""
    return [measure({})]
