"""MLflow's view of an experiment, filled from the run folders."""

from collections.abc import Iterator
from pathlib import Path

from seglossbench.errors import JobError
from seglossbench.experiment import Experiment
from seglossbench.records import describe
from seglossbench.tracking.marks import write_mark
from seglossbench.tracking.secrets import without_password


def track(experiment: Experiment, *, rebuild: bool = False) -> Iterator[str]:
    """Make MLflow equal to the run folders of all parts; says what was done. Raises JobError for what MLflow lacks."""
    from seglossbench.tracking.store import Tracker

    problems = []
    for part in experiment.parts:
        try:
            tracker = Tracker(part.params.track.uri, part.name)
            written = tracker.fill(part.runs, from_scratch=rebuild)
            yield f"{written} runs of {part.name} written to MLflow"
        except Exception as error:
            problem = str(error) if isinstance(error, JobError) else f"{part.name}: {describe(error)}"
            problems.append(without_password(problem, part.params.track.uri))
    if problems:
        raise JobError(f"MLflow: {'; '.join(problems)}")


def track_and_mark(experiment: Experiment, mark: Path) -> Iterator[str]:
    """As ``track``, but what MLflow lacks is written into ``mark`` and is no failure: MLflow is a view."""
    problem = ""
    try:
        yield from track(experiment)
    except JobError as error:
        problem = str(error)
        yield problem
    write_mark(mark, problem)
