"""The mark by which Snakemake knows that MLflow has the runs: it names store, experiment and scores, and can be wrong.

Read whenever the workflow is read, so nothing of MLflow is imported here.
"""

import json
import sqlite3
from pathlib import Path

from seglossbench.experiment import Experiment
from seglossbench.files import digest, write_json
from seglossbench.params import TrackParams
from seglossbench.tracking.addresses import address_of, without_password
from seglossbench.tracking.keys import experiment_name
from seglossbench.tracking.local import LocalStore

RUN_TAG = "seglossbench.run"


def mark_of(experiment: Experiment) -> Path:
    """The mark that the present stores have the present runs and scores of the experiment and its parts."""
    content = [
        [_shown(part.params.track), part.name, [str(run.scores) for run in part.runs]]
        for part in experiment.parts
    ]
    return Path("logs/tracked") / f"{experiment.name}-{digest(content)}"


def write_mark(mark: Path, problem: str) -> None:
    """Write what keeps MLflow from having all runs; nothing where it has them."""
    write_json(mark, {"problem": problem})


def problem_of(mark: Path) -> str:
    """What kept MLflow from having all runs when it was filled last, or nothing."""
    try:
        return str(json.loads(mark.read_text(encoding="utf-8"))["problem"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def sync_mark(experiment: Experiment) -> None:
    """Remove the mark where MLflow was not filled, or its file has been removed or moved since.

    What a server has is not asked for, because it may be away.
    """
    mark = mark_of(experiment)
    if problem_of(mark) or not all(map(_has_all, experiment.parts)):
        mark.unlink(missing_ok=True)


def _shown(track: TrackParams) -> str:
    uri = address_of(track)
    return without_password(uri, uri)


def _has_all(part: Experiment) -> bool:
    store = LocalStore.at(address_of(part.params.track))
    if store is None:
        return True
    try:
        stored = store.runs_of(
            [experiment_name(part.name, dataset.name) for dataset in part.datasets], RUN_TAG
        )
    except sqlite3.Error:
        return False
    return all(run.id in stored for run in part.runs if run.scores.exists())
