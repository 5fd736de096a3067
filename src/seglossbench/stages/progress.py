"""How far an experiment is: the state of every run, when those that train are ready, and what failed, why and where."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
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
SIGNS = {
    State.DONE: "●",
    State.DIVERGED: "!",
    State.RUNNING: "▶",
    State.INTERRUPTED: "‖",
    State.FAILED: "✗",
    State.NOT_LAUNCHED: "·",
}
UNSCORED = "○"
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

    @property
    def sign(self) -> str:
        """What stands for it in the matrix."""
        return UNSCORED if self.state is State.DONE and not self.scored else SIGNS[self.state]


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


def describe(progress: Progress) -> Iterator[str]:
    """The screen of an experiment: counts, a matrix of signs by network, loss and seed, what runs, and what failed."""
    counts = Counter(run.state for run in progress.runs)
    yield from (f"  {name:<14}{counts[name]:>4}" for name in State if counts[name])
    yield f"  {'scored':<14}{sum(run.scored for run in progress.runs):>4}"
    yield from _matrix(progress.runs)
    if counts[State.RUNNING] or counts[State.INTERRUPTED]:
        yield ""
    for run in progress.runs:
        if run.state in (State.RUNNING, State.INTERRUPTED):
            told = [f"epoch {run.epoch} of {run.epochs}"]
            told += [f"loss {run.train_loss:.4g}"] if run.train_loss is not None else []
            told += [f"DSC {run.dsc:.4g}"] if run.dsc is not None else []
            told += [f"{in_words(run.seconds_left)} left"] if run.seconds_left is not None else []
            yield f"{run.state} {run.id}: {', '.join(told)}{f' ({run.device})' if run.device else ''}"
        elif run.state in (State.FAILED, State.DIVERGED):
            yield f"{run.state} {run.id}: {run.reason}"
            yield f"    log: {run.log}"
    for each in progress.failed:
        yield f"FAILED {each.what}: {each.reason}"
        yield f"    log: {each.log}"
    if progress.seconds_left:
        yield f"about {in_words(progress.seconds_left)} of training left, as many at a time as now"


def in_words(seconds: float) -> str:
    """A duration in the unit that suits it."""
    for size, unit in ((86400 * 2, "days"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:.0f} s"


def _matrix(runs: Sequence[RunProgress]) -> Iterator[str]:
    """A line per network and loss of each dataset, with a sign per seed, and what the signs mean."""
    lines: dict[str, dict[tuple[str, str], list[str]]] = {}
    for run in runs:
        lines.setdefault(run.dataset, {}).setdefault((run.network, run.loss), []).append(run.sign)
    widths = [max(len(getattr(run, name)) for run in runs) for name in ("network", "loss")]
    for dataset, rows in lines.items():
        yield ""
        yield dataset
        for (network, loss), signs in rows.items():
            yield f"  {network:<{widths[0]}}  {loss:<{widths[1]}}  {' '.join(signs)}"
    used = {run.sign for run in runs}
    meanings = {sign: name.value for name, sign in SIGNS.items()} | {UNSCORED: "DONE, not scored"}
    yield ""
    yield f"a sign per seed: {', '.join(f'{sign} {meaning}' for sign, meaning in meanings.items() if sign in used)}"


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
