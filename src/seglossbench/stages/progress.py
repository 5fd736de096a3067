"""How far an experiment is."""

from collections import Counter

from seglossbench.experiment import Experiment
from seglossbench.records import (
    State,
    duration_seconds,
    failure,
    read_history,
    state,
    working_folder,
)


def status(experiment: Experiment, tflops: float | None = None) -> str:
    """How many runs are in which state, what they all take, and those that run or failed, with epoch or reason."""
    from seglossbench import plan

    states = {run: state(run.folder) for run in experiment.runs}
    counts = Counter(states.values())
    title, *takes = plan.summary(experiment, tflops or plan.TFLOPS).splitlines()
    lines = [title]
    lines += [f"  {name:<14}{counts[name]:>4}" for name in State if counts[name]]
    lines.append(f"  {'scored':<14}{sum(run.scores.exists() for run in states):>4}")
    seconds = [duration_seconds(run.folder) for run, current in states.items() if current.is_finished]
    if seconds and len(seconds) < len(states):
        waiting = (len(states) - len(seconds)) / max(1, counts[State.RUNNING])
        lines.append(f"about {waiting * sum(seconds) / len(seconds) / 60:.0f} min of training left")
    if len(seconds) < len(states):
        lines += takes
    for run, current in states.items():
        if current in (State.RUNNING, State.INTERRUPTED):
            history = working_folder(run.folder) / "history.csv"
            done = read_history(history)[-1].epoch + 1 if history.exists() else 0
            lines.append(f"{current} {run.id}: epoch {done} of {run.train.epochs}")
        elif current in (State.FAILED, State.DIVERGED):
            lines.append(f"{current} {run.id}: {failure(run.folder)}")
    return "\n".join(lines)
