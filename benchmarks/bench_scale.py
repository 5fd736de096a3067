"""How long it takes to know thousands of runs: their identities, what Snakemake would do, how far they are.

Nothing is trained. Seconds are those of the processor, which other work on the machine does not lengthen.
"""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.bench_scoring import row

PROJECT = Path(__file__).parents[1]
EXPERIMENT = """
grid:
  datasets: [brats_phantom, amos_phantom]
  networks: [unet, dynunet]
  losses: [ce, ce_dice, cwcd, boundary_dice_gradual, rrw_ce]
  seeds: {seeds}
"""
IDENTITIES = """
import sys, time
from seglossbench.experiment import Experiment
began = time.process_time()
ids = [run.id for run in Experiment.load(overrides={"experiment": "papers"}).runs]
assert "torch" not in sys.modules
print(len(ids), time.process_time() - began)
"""


RUNS_IN_A_SECOND = 740
STILL_TO_BE_DONE = 4
"""The exit status of ``seglossbench status`` where nothing has been trained."""


def processor_seconds(folder: Path, *command: str, ends_with: int = 0) -> tuple[float, str]:
    """Of a command that ends with that exit status, in ``folder``, with what it printed."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(PROJECT / "src"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    answer = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if answer.returncode != ends_with:
        raise RuntimeError(answer.stderr)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, answer.stdout


def run(some: int = 1000, many: int = 10_000) -> list[dict[str, object]]:
    """Identities of the papers' runs, a dry run and the status of some runs, a dry run of many and a job of them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("workflow", "experiments", "profiles"):
            shutil.copytree(PROJECT / part, folder / part)
        for file in ("Snakefile", "params.yaml"):
            shutil.copy(PROJECT / file, folder)
        for runs in (some, many):
            text = EXPERIMENT.format(seeds=list(range(runs // 20)))
            (folder / "experiments" / f"runs{runs}.yaml").write_text(text)
        _, printed = processor_seconds(folder, sys.executable, "-c", IDENTITIES)
        count, identity_s = printed.split()
        dry = ["snakemake", "-n", "--quiet", "all", "--config"]
        dry_s, _ = processor_seconds(folder, *dry, f"experiment=runs{some}")
        command = [sys.executable, "-m", "seglossbench", "--set", f"experiment=runs{some}", "status"]
        status_s, _ = processor_seconds(folder, *command, ends_with=STILL_TO_BE_DONE)
        large_s, _ = processor_seconds(folder, *dry, f"experiment=runs{many}")
        # The largest child was this one.
        large_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        plan = next((folder / "logs" / "plans" / "brats_phantom" / "unet" / "ce").iterdir())
        job = f"train:job={plan.relative_to(folder / 'logs' / 'plans').with_suffix('')}"
        as_a_job = [
            "--target-jobs",
            job,
            "--allowed-rules",
            "train",
            "--mode",
            "remote",
            "--force",
            "--nolock",
        ]
        words = ["snakemake", "-n", "--cores", "1", *as_a_job, "--config", f"experiment=runs{many}"]
        job_s, _ = processor_seconds(folder, *words)
        return [
            row(
                f"identities of {count} runs, without torch",
                "CPU seconds",
                float(identity_s),
                f"a limit of 1 s for {RUNS_IN_A_SECOND}",
                int(count) / RUNS_IN_A_SECOND,
                1,
            ),
            row(f"snakemake -n of {some:,} runs", "CPU seconds", dry_s, "a limit", 10.0, 1),
            row(f"seglossbench status of {some:,} runs", "CPU seconds", status_s, "a limit", 2.0, 1),
            row(f"snakemake -n of {many:,} runs", "CPU seconds", large_s, "a limit", 60.0, 1),
            row("its memory", "MB", large_mb, "a limit", 700.0, 1),
            row("what a job of a cluster reads of it", "CPU seconds", job_s, "a limit", 5.0, 1),
        ]


if __name__ == "__main__":
    for figures in run():
        print(figures)
