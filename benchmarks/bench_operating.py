"""What it costs to look after thousands of finished runs: MLflow filled, the status, a ``dvc repro`` of nothing.

The runs are fabricated. Seconds are those of the processor, which other work on the machine does not lengthen.
"""

import contextlib
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.bench_scale import EXPERIMENT, PROJECT, processor_seconds
from benchmarks.bench_scoring import row
from benchmarks.finished_runs import NAMES, finish
from seglossbench.experiment import Experiment
from seglossbench.jobs import analysis_mark, report_mark
from seglossbench.stages import analyse
from seglossbench.tracking.marks import mark_of, write_mark

AWAY = 'track: {uri: "http://127.0.0.1:9"}'  # of which a mark is believed
SEGLOSSBENCH = (sys.executable, "-m", "seglossbench")


@contextlib.contextmanager
def finished(runs: int, epochs: int, besides: str = "") -> Iterator[Path]:
    """A project whose experiment has so many finished and scored runs, as the working folder.

    ``besides`` is what the experiment changes of the params else.
    """
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        folder = Path(name)
        for part in ("workflow", "experiments", "profiles", ".dvc"):
            shutil.copytree(PROJECT / part, folder / part, ignore=shutil.ignore_patterns("cache", "tmp"))
        for file in ("Snakefile", "params.yaml", "dvc.yaml", ".gitignore", ".dvcignore"):
            shutil.copy(PROJECT / file, folder)
        text = EXPERIMENT.format(seeds=list(range(max(1, runs // 20)))) + besides
        (folder / "experiments" / "many.yaml").write_text(text)
        params = (folder / "params.yaml").read_text()
        (folder / "params.yaml").write_text(params.replace("experiment: phantoms", "experiment: many"))
        experiment = Experiment.load()
        assert len(experiment.runs) == runs
        finish(experiment, epochs)
        yield folder


def track_seconds(runs: int = 1000, epochs: int = 100) -> float:
    """Of a whole call that fills a new store of MLflow's with all of them."""
    with finished(runs, epochs) as folder:
        seconds, said = processor_seconds(folder, *SEGLOSSBENCH, "track")
        assert sum(int(line.split()[0]) for line in said.splitlines() if "written" in line) == runs
        return seconds


def status_seconds(runs: int = 10_000) -> float:
    """Of a whole call."""
    with finished(runs, 2) as folder:
        return processor_seconds(folder, *SEGLOSSBENCH, "status")[0]


def repro_seconds(runs: int = 10_000) -> tuple[float, float]:
    """Of the processor and of the clock, for a ``dvc repro`` after one that has kept all of them."""
    with finished(runs, 2, AWAY) as folder:
        _report(Experiment.load())
        for words in (("git", "init", "-q"), ("dvc", "repro", "-q")):
            processor_seconds(folder, *words)
        began = time.monotonic()
        seconds, _ = processor_seconds(folder, "dvc", "repro", "-q")
        return seconds, time.monotonic() - began


def _report(experiment: Experiment) -> None:
    """Let the experiment be analysed, reported and tracked, the last two in name only."""
    folder = experiment.report.parent
    analyse(experiment, folder / "analysis")
    shutil.copy(folder / "analysis" / "metrics.json", folder)
    for file in (experiment.report, analysis_mark(experiment), report_mark(experiment)):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("made")
    write_mark(mark_of(experiment), "")


def run() -> list[dict[str, object]]:
    """1,000 runs of 2,000 points each into MLflow, the status of 10,000, and a ``dvc repro`` of them."""
    return [
        row(
            f"seglossbench track of 1,000 runs with {100 * len(NAMES):,} points each",
            "CPU seconds",
            track_seconds(),
            "a limit",
            60.0,
            1,
        ),
        row(
            "seglossbench status of 10,000 finished runs", "CPU seconds", status_seconds(), "a limit", 3.0, 1
        ),
        row(
            "a dvc repro of nothing, 10,000 finished runs",
            "CPU seconds",
            repro_seconds()[0],
            "a limit",
            15.0,
            1,
        ),
    ]


if __name__ == "__main__":
    for figures in run():
        print(figures)
