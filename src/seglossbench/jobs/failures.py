"""Which jobs of a call failed, why and where that is told, and what may be tried again."""

from dataclasses import dataclass
from pathlib import Path

from seglossbench.errors import JobError
from seglossbench.experiment import Experiment, Run
from seglossbench.jobs.marks import LOGS, log_of
from seglossbench.jobs.products import products
from seglossbench.jobs.trainings import is_finished, train_jobs
from seglossbench.records import State, failed_by_itself, failure, state

_SILENT = "ended without a word, as what is killed or short of memory does"
_PROGRAM = "seglossbench: "  # how the line of an error begins


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


def start_of_call() -> float:
    """Now, in seconds of the epoch, by the clock of the disk, which need not be this machine's."""
    LOGS.mkdir(exist_ok=True)
    (LOGS / ".started").touch()
    return (LOGS / ".started").stat().st_mtime


def check_may_try(run: Run) -> None:
    """Raise JobError where the present call of Snakemake has tried the run, which failed by an error of its own.

    Snakemake's ``retries`` are for what a cluster ended. It cannot tell that from the rest, and sends all again.
    """
    try:
        since = (LOGS / ".started").stat().st_mtime
    except FileNotFoundError:
        return
    if failed_by_itself(run.folder, since):
        raise JobError(
            f"{run.id}: not tried again in this call, as it failed by itself: {failure(run.folder)}"
        )


def failures(experiment: Experiment, since: float) -> list[Failure]:
    """What the jobs that wrote to their logs since then did not make, and why."""
    found = []
    for what, product, log in products(experiment):
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
