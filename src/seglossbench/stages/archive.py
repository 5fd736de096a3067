"""The copy of an experiment's finished runs and scores that DVC keeps, apart from the runs themselves.

What DVC tracks it may remove, and of a run there may be no other copy: so ``archive/`` is DVC's, ``runs/`` and
``scores/`` are not. The archive holds hard links, which take no disk of their own.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

from seglossbench.experiment import Experiment, Run
from seglossbench.files import atomic_file, atomic_folder, link_or_copy, write_text
from seglossbench.names import word
from seglossbench.records import State, state

ARCHIVE = Path("archive")
NUMBERS = ARCHIVE / "numbers"


def archive(experiment: Experiment) -> int:
    """Make ``archive/`` hold the experiment's finished runs and scores, and nothing else; returns how many runs.

    Beside them stand the numbers of its analysis, as DVC compares them (``_numbers``).
    """
    wanted = {ARCHIVE / file: file for file in _files(experiment)}
    numbers = _numbers(experiment)
    present = [path for path in ARCHIVE.rglob("*") if path.is_symlink() or path.is_file()]
    for path in present:
        if path not in wanted and path not in numbers:
            path.unlink()
    for path in sorted((path for path in ARCHIVE.rglob("*") if path.is_dir()), reverse=True):
        if not any(path.iterdir()):
            path.rmdir()
    ARCHIVE.mkdir(exist_ok=True)
    for path, file in wanted.items():
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            link_or_copy(file, path)
    for path, text in numbers.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            write_text(path, text)
    return len({file.parent for file in wanted.values() if file.parts[0] == "runs"})


def restore(experiment: Experiment) -> int:
    """Copy into ``runs/`` and ``scores/`` what only the archive has of the experiment; returns how many runs."""
    restored = 0
    for run in experiment.runs:
        kept = ARCHIVE / run.folder
        current = state(run.folder)
        if not current.is_finished and current is not State.RUNNING and _is_whole(kept, run):
            with atomic_folder(run.folder, keep_existing=True) as folder:
                for name in run.files:
                    shutil.copy2(kept / name, folder / name)
            restored += 1
        scores = ARCHIVE / run.scores
        if scores.exists() and not run.scores.exists():
            with atomic_file(run.scores) as temporary:
                shutil.copy2(scores, temporary)
    return restored


def _numbers(experiment: Experiment) -> dict[Path, str]:
    """The files of ``archive/numbers``: metrics.json, a table of means per metric, one of points per curve and loss.

    DVC draws a file for each, and lays those of several experiments over each other.
    """
    from seglossbench.analysis.files import read_table

    folder = experiment.report.parent
    try:
        means, curves = (read_table(folder / "analysis" / f"{name}.csv") for name in ("means", "curves"))
        numbers = {NUMBERS / "metrics.json": (folder / "metrics.json").read_text(encoding="utf-8")}
    except OSError:  # nothing is scored yet
        return {}
    overall = means[means["class"] == "*"]
    for metric, table in overall.groupby("metric", sort=False):
        of = table.assign(what=table["dataset"] + " " + table["network"] + " " + table["loss"])
        text = of[["what", "mean", "lo", "hi"]].to_csv(index=False, lineterminator="\n")
        numbers[NUMBERS / "means" / f"{word(str(metric))}.csv"] = text
    by_epoch = curves[curves["axis"] == "epoch"].rename(columns={"x": "epoch"})
    for names, table in by_epoch.groupby(["curve", "dataset", "network", "loss"], sort=False):
        text = table[["epoch", "mean"]].to_csv(index=False, lineterminator="\n")
        numbers[NUMBERS / "curves" / f"{' '.join(word(str(name)) for name in names)}.csv"] = text
    return numbers


def _files(experiment: Experiment) -> Iterator[Path]:
    for run in experiment.runs:
        if _is_whole(run.folder, run):
            yield from (run.folder / name for name in run.files)
        if run.scores.exists():
            yield run.scores


def _is_whole(folder: Path, run: Run) -> bool:
    """Whether a finished run has all its files there, as DVC may not have brought all of them."""
    return all((folder / name).is_file() for name in run.files)
