"""What Snakemake runs of an experiment: its jobs, the marks and logs that they leave, and which of them failed.

Snakemake removes the outputs of a job that fails or is started again, and takes those of a killed one for half written.
No run and no page may be lost so: run folders alone say which runs are finished, those have no job at all, and
trainings and reports leave marks.
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from seglossbench.errors import InputError, JobError
from seglossbench.experiment import Experiment, Run, plans
from seglossbench.experiment.identity import report_version
from seglossbench.files import atomic_folder, digest, link_or_copy, write_json
from seglossbench.records import State, failed_by_itself, failure, state

_LOGS = Path("logs")
_SILENT = "ended without a word, as what is killed or short of memory does"
_PROGRAM = "seglossbench: "  # how the line of an error begins


@dataclass(frozen=True)
class TrainJob:
    """Runs of one part, dataset and network that one process trains, one after the other."""

    runs: tuple[Run, ...]

    @cached_property
    def id(self) -> str:
        """The first run's id; where there are more, with their number and a digest of all."""
        first, *others = (run.id for run in self.runs)
        return f"{first}+{len(others)}-{digest([first, *others])}" if others else first

    @property
    def mark(self) -> Path:
        """The file that the job leaves when its runs are trained and scored."""
        return _LOGS / "trained" / self.id


@dataclass(frozen=True)
class Failure:
    """What a job should have made and did not, why in one line, and the job's log."""

    what: str
    reason: str
    log: Path

    @property
    def is_told(self) -> bool:
        """Whether the job itself said why; one that runs, was killed or stopped has not."""
        return self.reason != _SILENT


def train_jobs(experiment: Experiment) -> list[TrainJob]:
    """The runs, ``train.runs_per_job`` of the same part, dataset and network to a job."""
    groups: dict[tuple[str, str, str], list[Run]] = {}
    for run in experiment.runs:
        groups.setdefault((run.part, run.dataset.name, run.network), []).append(run)
    jobs = []
    for group in groups.values():
        size = group[0].train.runs_per_job
        jobs += [TrainJob(tuple(group[start : start + size])) for start in range(0, len(group), size)]
    return jobs


def is_finished(run: Run) -> bool:
    """Whether a run came to its end, be it a good one or not, whoever trained it."""
    return state(run.folder).is_finished


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
    return _LOGS / stage / f"{experiment.name}-{digest(content)}"


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
    return _LOGS / stage / f"{product}.log"


def write_plans(job: TrainJob) -> None:
    """Write what the job's runs are, from which it learns it, whatever is edited while it waits."""
    for run in job.runs:
        plans.write(run)
    if len(job.runs) > 1:
        write_json(plans.place_of(job.id), [run.id for run in job.runs])


def planned(id: str) -> TrainJob:
    """The job of that id as it was planned; raises JobError for edited code, InputError for what was not planned."""
    try:
        ids = (
            json.loads(plans.place_of(id).read_text(encoding="utf-8"))
            if "+" in id.rpartition("/")[2]
            else [id]
        )
    except OSError:
        raise InputError(f"{id}: no such job was planned; start snakemake again") from None
    return TrainJob(tuple(plans.read(plans.place_of(one)) for one in ids))


def planned_to_score(id: str, scores: Path) -> Run:
    """The run of that id as it was planned; raises InputError if its scores would not be ``scores``."""
    run = plans.read(plans.place_of(id))
    if run.scores != scores:
        raise changed(scores)
    return run


def check_product(experiment: Experiment, product: Path) -> None:
    """Raise InputError if a job for ``product`` is no job of the experiment any more, so that it makes nothing else."""
    if product not in {one for _, one, _ in _products(experiment)}:
        raise changed(product)


def changed(product: Path) -> InputError:
    """What to say where a job makes something else than it was queued for."""
    return InputError(
        f"{product}: the experiment does not make this any more, because params or code have changed since the job for "
        "it was queued; start snakemake again when it has ended: it makes its jobs anew"
    )


def start_of_call() -> float:
    """Now, in seconds of the epoch, by the clock of the disk, which need not be this machine's."""
    _LOGS.mkdir(exist_ok=True)
    (_LOGS / ".started").touch()
    return (_LOGS / ".started").stat().st_mtime


def check_may_try(run: Run) -> None:
    """Raise JobError where the present call of Snakemake has tried the run, which failed by an error of its own.

    Snakemake's ``retries`` are for what a cluster ended. It cannot tell that from the rest, and sends all again.
    """
    try:
        since = (_LOGS / ".started").stat().st_mtime
    except FileNotFoundError:
        return
    if failed_by_itself(run.folder, since):
        raise JobError(
            f"{run.id}: not tried again in this call, as it failed by itself: {failure(run.folder)}"
        )


def failures(experiment: Experiment, since: float) -> list[Failure]:
    """What the jobs that wrote to their logs since then did not make, and why."""
    found = []
    for what, product, log in _products(experiment):
        if not product.exists() and _written_since(log, since):
            found.append(Failure(what, _last_word(log), log))
    for job in train_jobs(experiment):
        log = log_of("train", job.id)
        if not _written_since(log, since):
            continue
        for run in job.runs:
            current, word = state(run.folder), _last_word(log)
            if not current.is_finished:
                reason = failure(run.folder) if current is State.FAILED else word
                found.append(Failure(run.id, reason, log))
            elif not run.scores.exists() and word != _SILENT and (len(job.runs) == 1 or run.id in word):
                found.append(Failure(f"scores of {run.id}", word, log))
    return found


def describe_failures(experiment: Experiment, found: list[Failure]) -> str:
    """All failures in one block of text: what was not made, why, and where the log is."""
    lines = [f"experiment {experiment.name}: failed in this call, {len(found)} in all"]
    for failed in found:
        lines += [f"  {failed.what}: {failed.reason}", f"    log: {failed.log}"]
    return "\n".join([*lines, "The same command tries these again and keeps all that is finished."])


def left_unscored(experiment: Experiment, since: float) -> list[Run]:
    """The finished runs that have no scores and had no job for them: they shared a job with one that failed."""
    return [
        run
        for run in experiment.runs
        if is_finished(run)
        and not run.scores.exists()
        and not _written_since(log_of("evaluate", f"{run.id}/{run.scores.stem}"), since)
    ]


def _products(experiment: Experiment) -> Iterator[tuple[str, Path, Path]]:
    """What there is to be made beside runs: in words, its place, and the log of its job."""
    downloads = {dataset.raw: dataset.name for dataset in experiment.datasets if not dataset.is_local_folder}
    for raw, name in downloads.items():
        yield f"download of {name}", raw, log_of("download", raw.name)
    for dataset in experiment.datasets:
        yield f"preparation of {dataset.name}", dataset.prepared, log_of("preprocess", dataset.prepared.name)
        yield f"maps of {dataset.name}", dataset.maps, log_of("maps", dataset.maps.name)
    for run in experiment.runs:
        yield f"scores of {run.id}", run.scores, log_of("evaluate", f"{run.id}/{run.scores.stem}")
    yield "analysis", analysis_mark(experiment), log_of("analyse", experiment.name)
    yield "report", report_mark(experiment), log_of("report", experiment.name)


def _written_since(log: Path, since: float) -> bool:
    """Whether a job wrote to its log; one of a group that was not started leaves it empty."""
    try:
        found = log.stat()
    except FileNotFoundError:
        return False
    return found.st_size > 0 and found.st_mtime >= since


def _last_word(log: Path) -> str:
    """The last lines in which a command says why it ended, of which a killed one has none."""
    reasons: list[str] = []
    for line in reversed(log.read_text(encoding="utf-8", errors="replace").splitlines()):
        if not line.startswith(_PROGRAM):
            break
        reasons.insert(0, line.removeprefix(_PROGRAM))
    return "; ".join(reasons) or _SILENT
