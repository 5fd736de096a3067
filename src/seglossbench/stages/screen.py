"""How far an experiment is, as the screen that one leaves open."""

from collections import Counter
from collections.abc import Iterator, Sequence

from seglossbench.records import State
from seglossbench.stages.progress import Progress, RunProgress

SIGNS = {
    State.DONE: "●",
    State.DIVERGED: "!",
    State.RUNNING: "▶",
    State.INTERRUPTED: "‖",
    State.FAILED: "✗",
    State.NOT_LAUNCHED: "·",
}
UNSCORED = "○"


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
            told += [f"{_in_words(run.seconds_left)} left"] if run.seconds_left is not None else []
            yield f"{run.state} {run.id}: {', '.join(told)}{f' ({run.device})' if run.device else ''}"
        elif run.state in (State.FAILED, State.DIVERGED):
            yield f"{run.state} {run.id}: {run.reason}"
            yield f"    log: {run.log}"
    for each in progress.failed:
        yield f"FAILED {each.what}: {each.reason}"
        yield f"    log: {each.log}"
    if progress.seconds_left:
        yield f"about {_in_words(progress.seconds_left)} of training left, as many at a time as now"


def _in_words(seconds: float) -> str:
    """A duration in the unit that suits it."""
    for size, unit in ((86400 * 2, "days"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:.0f} s"


def _matrix(runs: Sequence[RunProgress]) -> Iterator[str]:
    """A line per network and loss of each dataset, with a sign per seed, and what the signs mean."""
    lines: dict[str, dict[tuple[str, str], list[str]]] = {}
    for run in runs:
        lines.setdefault(run.dataset, {}).setdefault((run.network, run.loss), []).append(_sign(run))
    widths = [max(len(getattr(run, name)) for run in runs) for name in ("network", "loss")]
    for dataset, rows in lines.items():
        yield ""
        yield dataset
        for (network, loss), signs in rows.items():
            yield f"  {network:<{widths[0]}}  {loss:<{widths[1]}}  {' '.join(signs)}"
    used = {_sign(run) for run in runs}
    meanings = {sign: name.value for name, sign in SIGNS.items()} | {UNSCORED: "DONE, not scored"}
    yield ""
    yield f"a sign per seed: {', '.join(f'{sign} {meaning}' for sign, meaning in meanings.items() if sign in used)}"


def _sign(run: RunProgress) -> str:
    """What stands for a run in the matrix."""
    return UNSCORED if run.state is State.DONE and not run.scored else SIGNS[run.state]
