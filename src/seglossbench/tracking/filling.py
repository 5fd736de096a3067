"""MLflow's experiment made equal to the run folders: what differs is written, and what is equal is left alone."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from mlflow.entities import Run as Stored
from mlflow.entities import ViewType
from tqdm import tqdm

from seglossbench.errors import JobError
from seglossbench.experiment import Run
from seglossbench.files import digest
from seglossbench.records import (
    State,
    failure,
    history_text,
    period_seconds,
    read_history,
    state,
    working_folder,
)
from seglossbench.tracking.content import (
    EVALUATION_TAG,
    GROUP_TAG,
    MLFLOW_STATUS,
    PARENT,
    Content,
    Point,
    content_of,
    group_of,
    milliseconds,
    points_of,
)
from seglossbench.tracking.groups import CONTENT_TAG, parent_of
from seglossbench.tracking.marks import RUN_TAG
from seglossbench.tracking.scores import MeansOfRuns
from seglossbench.tracking.store import HISTORY_TAG, STATE_TAG, Tracker
from seglossbench.tracking.writing import Writing

SCORES_TAG = "seglossbench.scores"
REASON_TAG = "seglossbench.reason"


def fill(
    tracker: Tracker,
    runs: Sequence[Run],
    means: pd.DataFrame | None = None,
    by_run: pd.DataFrame | None = None,
    *,
    from_scratch: bool = False,
) -> int:
    """Make the experiment equal to the run folders and return how many runs were written.

    Runs have their own means, ``by_run``, of the analysis, or without it those of their scores as they are now; above
    them stand parents with its ``means``. What trains at the moment is left to its own tracker. With ``from_scratch``
    all that MLflow has of the experiment goes first. One run that cannot be written keeps no other from it; raises
    JobError at the end.
    """
    stored = tracker.stored(ViewType.ALL if from_scratch else ViewType.ACTIVE_ONLY)
    if from_scratch:
        for each in stored:
            tracker.remove(each)
        stored = []
    known: dict[str, list[Stored]] = {}
    for each in stored:
        known.setdefault(each.data.tags.get(RUN_TAG, ""), []).append(each)
    parents = _make_parents_equal(tracker, runs, means, known.get("", []))
    writing = Writing(tracker)
    scores = MeansOfRuns(runs, by_run)
    for run in tqdm(runs, desc="track", unit="run"):
        parent, former = parents.get(group_of(run), ""), known.get(run.id, [])
        try:
            made = _make_equal(tracker, run, former, parent, scores)
        except Exception as error:
            writing.failed(run, error)
        else:
            writing.take(run, made, former)
        if writing.is_hopeless:
            break
    writing.flush()
    if problems := writing.problems:
        others = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise JobError(f"{tracker.experiment}: not all runs could be written: {problems[0]}{others}")
    return writing.written


def _make_parents_equal(
    tracker: Tracker, runs: Sequence[Run], means: pd.DataFrame | None, stored: Sequence[Stored]
) -> dict[str, str]:
    """The MLflow ids of the parents by their group, written anew where what they say has changed."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(group_of(run), []).append(run)
    ids = {}
    for group, members in groups.items():
        if all(state(run.folder) is State.NOT_LAUNCHED for run in members):
            continue
        former = [each for each in stored if each.data.tags.get(GROUP_TAG) == group]
        wanted = parent_of(members, means)
        same = [each for each in former if each.data.tags.get(CONTENT_TAG) == wanted.claims[CONTENT_TAG]]
        for other in former if same else ():
            if other is not same[0]:
                tracker.remove(other)
        ids[group] = str(same[0].info.run_id) if same else tracker.replace(wanted, former)
    return ids


def _make_equal(
    tracker: Tracker, run: Run, stored: Sequence[Stored], parent: str, means: MeansOfRuns
) -> Content | bool:
    """Make what is stored of one run equal to its folder, and return whether anything had to be done.

    Where a new run must take the place of what is stored, it is returned instead.
    """
    present = state(run.folder)
    for each in stored:
        if parent and each.data.tags.get(PARENT) != parent:
            tracker.client.set_tag(each.info.run_id, PARENT, parent)
    if present in (State.NOT_LAUNCHED, State.RUNNING):
        return False
    folder = run.folder if present.is_finished else working_folder(run.folder)
    claims = _claims_of(run, present, folder, means)
    status = MLFLOW_STATUS[present]
    tags = stored[0].data.tags if len(stored) == 1 else {}
    looked_at = {*claims, SCORES_TAG}
    if all(tags.get(key) == claims.get(key) for key in looked_at) and stored[0].info.status == status:
        return False
    started, ended = period_seconds(folder)
    points = means.of(run) if SCORES_TAG in claims else []
    files = {name: folder / name for name in ("history.csv", "settings.json") if (folder / name).exists()}
    files |= {run.scores.name: run.scores} if SCORES_TAG in claims else {}
    has_history = all(tags.get(key) == claims[key] for key in (HISTORY_TAG, EVALUATION_TAG))
    if has_history and tags.get(SCORES_TAG) in (None, claims.get(SCORES_TAG)):
        id = str(stored[0].info.run_id)
        tracker.keep(id, str(stored[0].info.artifact_uri), files)
        tracker.write(id, points, tags=claims)
        tracker.client.set_terminated(id, status, milliseconds(ended))
        return True
    content = content_of(run, present)
    content.points = [*_history_points(run, folder, started, ended), *points]
    content.tags |= {STATE_TAG: present.value} | ({PARENT: parent} if parent else {})
    content.claims = {key: value for key, value in claims.items() if key not in content.tags}
    content.files, content.status, content.started, content.ended = files, status, started, ended
    return content


def _claims_of(run: Run, present: State, folder: Path, means: MeansOfRuns) -> dict[str, str]:
    """The tags by which MLflow says what it has of a run in that state, whose files lie in ``folder``."""
    file = folder / "history.csv"
    claims = {
        STATE_TAG: present.value,
        REASON_TAG: failure(run.folder)[:5000],
        EVALUATION_TAG: run.scores.stem,
        HISTORY_TAG: digest(file.read_text(encoding="utf-8") if file.exists() else history_text([])),
    }
    if present.is_finished and run.scores.exists():
        claims[SCORES_TAG] = means.digest_of(run)
    return claims


def _history_points(run: Run, folder: Path, started: float, ended: float) -> list[Point]:
    """The history of a run whose files lie in ``folder``, with its epochs at equal times from its start to its end."""
    file = folder / "history.csv"
    history = read_history(file) if file.exists() else []
    seconds = (ended - started) / (history[-1].epoch + 1 if history else 1)
    return points_of(run, ((row, started + (row.epoch + 1) * seconds) for row in history))
