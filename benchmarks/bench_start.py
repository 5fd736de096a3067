"""From a job's process to its first training step: the command line on prepared phantoms, with the default networks.

Every start is a process of its own on prepared data; the time is that from its creation to the first batch's gradients.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.bench_scoring import row

PROJECT = Path(__file__).parents[1]
EXPERIMENT = """
grid: {datasets: [brats_phantom], networks: [unet, dynunet], losses: [rrw_ce], seeds: [0]}
datasets: {brats_phantom: {phantom: {training: 4, test: 2, shape: [48, 48, 48]}}}
train: {epochs: 1, steps_per_epoch: 1, patch_size: [32, 32, 32], threads: 1}
track: {live: true}
"""
# Runs the command and says, at the first step's end, how long ago the process began; then it is over.
PROGRAM = """
import os, sys, time
began = float(sys.argv.pop(1))
from seglossbench.cli import main
import seglossbench.training.device as device
step = device.Accelerator.step
def first_step(self, *arguments):
    norm = step(self, *arguments)
    print(time.time() - began, flush=True)
    os._exit(0)
device.Accelerator.step = first_step
main(sys.argv[1:])
"""
MONAI = "import time, sys; began = float(sys.argv[1]); import torch, monai; print(time.time() - began)"


def seconds(folder: Path, program: str, *words: str, repeats: int = 3) -> float:
    """The shortest of several starts; the first one, which compiles files that Python then keeps, is not counted."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(PROJECT / "src")}
    times = []
    for _ in range(repeats + 1):
        shutil.rmtree(folder / "runs", ignore_errors=True)
        answer = subprocess.run(
            [sys.executable, "-c", program, repr(time.time()), *words],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        if answer.returncode:
            raise RuntimeError(answer.stderr)
        times.append(float(answer.stdout.split()[-1]))
    return min(times[1:])


def run() -> list[dict[str, object]]:
    """The start with either default network against the target, with the import of MONAI beside it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("workflow", "experiments"):
            shutil.copytree(PROJECT / part, folder / part)
        shutil.copy(PROJECT / "params.yaml", folder)
        (folder / "experiments" / "start.yaml").write_text(EXPERIMENT)
        command = [sys.executable, "-m", "seglossbench", "--set", "experiment=start"]
        environment = {**os.environ, "PYTHONPATH": str(PROJECT / "src")}
        for stage in ("download", "preprocess", "maps"):
            subprocess.run(
                [*command, stage, "brats_phantom"],
                cwd=folder,
                env=environment,
                check=True,
                capture_output=True,
            )
        listing = subprocess.run(
            [*command, "list"], cwd=folder, env=environment, check=True, capture_output=True, text=True
        )
        monai_s = seconds(folder, MONAI)
        figures = []
        for run_id in (line for line in listing.stdout.split() if "seed0" in line):
            network = run_id.split("/")[1]
            start_s = seconds(folder, PROGRAM, "--set", "experiment=start", "train", run_id)
            rival = f"a limit of 3 s (importing MONAI: {monai_s:.1f} s)"
            figures.append(row(f"job start to first step, {network}", "seconds", start_s, rival, 3.0, 1))
        return figures


if __name__ == "__main__":
    for figures in run():
        print(figures)
