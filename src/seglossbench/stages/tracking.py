"""MLflow's view of an experiment, filled from the run folders and the analysis."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from seglossbench.errors import InputError, JobError
from seglossbench.experiment import Experiment
from seglossbench.records import describe
from seglossbench.tracking.addresses import address_of, without_password
from seglossbench.tracking.keys import experiment_name
from seglossbench.tracking.marks import write_mark

if TYPE_CHECKING:
    import pandas as pd


def track(experiment: Experiment, *, rebuild: bool = False) -> Iterator[str]:
    """Make MLflow equal to the run folders of all parts; says what was done. Raises JobError for what MLflow lacks."""
    from seglossbench.tracking.filling import fill
    from seglossbench.tracking.reports import attach_report
    from seglossbench.tracking.store import Tracker
    from seglossbench.tracking.view import TAG, view_of

    tables = _tables(experiment)
    if not tables:
        yield "without means over seeds, as there is no analysis of the present scores: seglossbench report makes it"
    problems = []
    for part in experiment.parts:
        uri = address_of(part.params.track)
        for dataset in part.datasets:
            name = experiment_name(part.name, dataset.name)
            try:
                tracker = Tracker(uri, name)
                decides = part.params.analyse.decides or dataset.evaluate.metrics[0]
                tracker.client.set_experiment_tag(
                    tracker.experiment_id, TAG, view_of(dataset.evaluate, decides)
                )
                runs = [run for run in part.runs if run.dataset.name == dataset.name]
                written = fill(tracker, runs, **tables, from_scratch=rebuild)
                if tables:
                    attach_report(tracker, experiment.name, experiment.report.parent)
                yield f"{written} runs of {name} written to MLflow"
            except Exception as error:
                is_told = isinstance(error, JobError | InputError)
                problems.append(
                    without_password(str(error) if is_told else f"{name}: {describe(error)}", uri)
                )
    if problems:
        raise JobError(f"MLflow: {'; '.join(dict.fromkeys(problems))}")


def track_and_mark(experiment: Experiment, mark: Path) -> Iterator[str]:
    """As ``track``, but what MLflow lacks is written into ``mark`` and is no failure: MLflow is a view."""
    problem = ""
    try:
        yield from track(experiment)
    except JobError as error:
        problem = str(error)
        yield problem
    write_mark(mark, problem)


def _tables(experiment: Experiment) -> "dict[str, pd.DataFrame]":
    """The means of the experiment's analysis and those of its runs, if it is of the present scores; else nothing."""
    from seglossbench.analysis.files import read_table

    scored = [str(run.scores) for run in experiment.runs if run.scores.exists()]
    folder = experiment.report.parent / "analysis"
    try:
        provenance = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
        if not scored or provenance["scored"] != scored:
            return {}
        return {name: read_table(folder / f"{name}.csv") for name in ("means", "by_run")}
    except (OSError, ValueError, KeyError):
        return {}
