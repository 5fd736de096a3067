"""The marks that jobs leave of what is no output of Snakemake's, and their logs."""

import shutil
from pathlib import Path

from seglossbench.experiment import Experiment
from seglossbench.experiment.identity import report_version
from seglossbench.files import atomic_folder, digest, link_or_copy

LOGS = Path("logs")


def analysis_mark(experiment: Experiment) -> Path:
    """The mark that the tables are those of the present runs and scores by the present params and code."""
    return _mark("analysed", experiment)


def report_mark(experiment: Experiment) -> Path:
    """The mark that the page shows the present runs and scores by the present params and code."""
    return _mark("reported", experiment)


def _mark(stage: str, experiment: Experiment) -> Path:
    content = [
        [str(run.scores) for run in experiment.runs],
        [part.params.model_dump(mode="json", exclude={"track", "notify"}) for part in experiment.parts],
        report_version(),
    ]
    return LOGS / stage / f"{experiment.name}-{digest(content)}"


def mark_report(experiment: Experiment, mark: Path) -> None:
    """Leave the mark that the report is made: a copy of its folder, of links, which ``snakemake --report`` takes up.

    Former marks of the experiment are removed.
    """
    for former in mark.parent.glob("*"):
        if former.name.rpartition("-")[0] == experiment.name and former != mark:
            remove_mark(former)
    with atomic_folder(mark) as folder:
        source = experiment.report.parent
        shutil.copytree(
            source, folder, dirs_exist_ok=True, copy_function=lambda *files: link_or_copy(*map(Path, files))
        )


def remove_mark(mark: Path) -> None:
    """Forget that a report was made."""
    if mark.is_dir():
        shutil.rmtree(mark)
    else:  # of former versions
        mark.unlink(missing_ok=True)


def log_of(stage: str, product: str) -> Path:
    """Where the job of a stage that makes ``product`` writes what it says."""
    return LOGS / stage / f"{product}.log"
