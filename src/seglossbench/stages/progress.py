"""How far an experiment is: the state of every run, when those that train are ready, and what failed, why and where."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from seglossbench.errors import InputError
from seglossbench.experiment import Experiment, Run
from seglossbench.jobs import Failure, failures, log_of, train_jobs
from seglossbench.records import (
    HistoryRow,
    State,
    devices_of,
    duration_seconds,
    failure,
    read_history,
    state,
    working_folder,
)
from seglossbench.vocabulary.tables import COST, TEST_BY_EPOCH, TRAIN, VALIDATION

FINISHED, FAILED, UNFINISHED = 0, 3, 4
"""Exit statuses: all is finished and scored; something failed; something is still to be done."""
LATEST = 20  # epochs from which the time that is left is told


@dataclass(frozen=True)
class RunProgress:
    """One run: ``epoch`` counts those that are done, ``seconds`` is what a finished one took.

    Of one that trains or was interrupted also its last values and what is left of it in seconds, by its last epochs.
    """

    id: str
    dataset: str
    network: str
    loss: str
    seed: int
    state: State
    scored: bool
    epochs: int
    epoch: int | None = None
    train_loss: float | None = None
    dsc: float | None = None
    seconds: float | None = None
    seconds_left: float | None = None
    device: str = ""
    reason: str = ""
    log: str = ""


@dataclass(frozen=True)
class Progress:
    """All runs of an experiment, and what other jobs failed to make."""

    experiment: str
    runs: Sequence[RunProgress]
    failed: Sequence[Failure]

    @property
    def exit_status(self) -> int:
        """0 where all is finished and scored, 3 where something failed, else 4."""
        if self.failed or any(run.state is State.FAILED for run in self.runs):
            return FAILED
        return FINISHED if all(run.state.is_finished and run.scored for run in self.runs) else UNFINISHED

    @property
    def seconds_left(self) -> float | None:
        """Of all trainings, if as many run at a time as now, by what finished ones of their data and network took."""
        took: dict[tuple[str, str], list[float]] = {}
        for run in self.runs:
            if run.seconds is not None:
                took.setdefault((run.dataset, run.network), []).append(run.seconds)
        waiting = [run for run in self.runs if not run.state.is_finished]
        left = []
        for run in waiting:
            known = took.get((run.dataset, run.network))
            if run.seconds_left is not None:
                left.append(run.seconds_left)
            elif known:
                left.append(sum(known) / len(known))
        if len(left) < len(waiting):
            return None
        return sum(left) / max(1, sum(run.state is State.RUNNING for run in self.runs))

    def as_json(self) -> dict[str, Any]:
        """The same as JSON has it."""
        return {
            "experiment": self.experiment,
            "states": dict(Counter(run.state.value for run in self.runs)),
            "scored": sum(run.scored for run in self.runs),
            "seconds_left": self.seconds_left,
            "runs": [asdict(run) for run in self.runs],
            "failed": [
                {"what": each.what, "reason": each.reason, "log": str(each.log)} for each in self.failed
            ],
        }


def progress_of(experiment: Experiment) -> Progress:
    """How far every run is by now."""
    jobs = {run.id: job.id for job in train_jobs(experiment) for run in job.runs}
    runs = [_run(run, jobs[run.id]) for run in experiment.runs]
    names = {run.id for run in runs}
    # A log without a last word is of a job that runs or was stopped.
    failed = [each for each in failures(experiment, 0.0) if each.what not in names and each.is_told]
    return Progress(experiment.name, runs, failed)


def _run(run: Run, job: str) -> RunProgress:
    current = state(run.folder)
    known: dict[str, Any] = {}
    if current.is_finished:
        known["seconds"] = duration_seconds(run.folder)
    if current in (State.FAILED, State.DIVERGED):
        known |= {"reason": failure(run.folder)}
    if current in (State.RUNNING, State.INTERRUPTED):
        known |= _under_way(run) | {"device": devices_of(working_folder(run.folder))}
    if current not in (State.DONE, State.NOT_LAUNCHED):
        known["log"] = str(log_of("train", job))
    return RunProgress(
        id=run.id,
        dataset=run.dataset.name,
        network=run.network,
        loss=run.loss,
        seed=run.seed,
        state=current,
        scored=run.scores.exists(),
        epochs=run.train.epochs,
        **known,
    )


def _under_way(run: Run) -> dict[str, Any]:
    """The epochs that are done, the last values, and the time that is left."""
    try:
        history = read_history(working_folder(run.folder) / "history.csv")
    except (OSError, InputError):  # not there yet, or being written
        history = []
    if not history:
        return {"epoch": 0}
    epoch = history[-1].epoch + 1
    seconds = [row.value for row in history if (row.split, row.name) == (COST, "seconds")][-LATEST:]
    dsc = _last(history, VALIDATION, "DSC")
    return {
        "epoch": epoch,
        "train_loss": _last(history, TRAIN, "loss"),
        "dsc": dsc if dsc is not None else _last(history, TEST_BY_EPOCH, "DSC"),
        "seconds_left": sum(seconds) / len(seconds) * (run.train.epochs - epoch) if seconds else None,
    }


def _last(history: Sequence[HistoryRow], split: str, name: str) -> float | None:
    """The last value of that name, if it is a number."""
    value = next((row.value for row in reversed(history) if (row.split, row.name) == (split, name)), math.nan)
    return value if math.isfinite(value) else None
