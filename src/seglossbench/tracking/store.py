"""MLflow's view of the runs, written from the run folders, which are the truth."""

import os
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag, ViewType
from mlflow.entities import Run as Stored
from mlflow.exceptions import MlflowException
from mlflow.utils.file_utils import local_file_uri_to_path
from mlflow.utils.uri import is_local_uri
from tqdm import tqdm

from seglossbench.errors import JobError
from seglossbench.evaluation.empty import policy_named
from seglossbench.experiment import Run
from seglossbench.files import digest
from seglossbench.records import (
    HistoryRow,
    State,
    describe,
    failure,
    history_text,
    period_seconds,
    read_history,
    state,
    working_folder,
)
from seglossbench.statistics.means import means_of_run
from seglossbench.tracking.keys import metric_key, param_key
from seglossbench.tracking.local import LocalStore
from seglossbench.tracking.marks import RUN_TAG
from seglossbench.vocabulary.tables import MEAN

HISTORY_TAG = "seglossbench.history"
SCORES_TAG = "seglossbench.scores"
STATE_TAG = "seglossbench.state"
REASON_TAG = "seglossbench.reason"
STATUS = {State.FAILED: "FAILED", State.INTERRUPTED: "KILLED"}
TAGS = (HISTORY_TAG, SCORES_TAG, STATE_TAG, REASON_TAG)
MOST_METRICS, MOST_PARAMS = 900, 90  # of a call: MLflow takes 1000 of everything together, and 100 params
HOPELESS = 3  # runs in a row that could not be written
# A server that is away is given up after seconds, not after MLflow's default of minutes.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "5")


class Tracker:
    """Writes runs of one experiment to the MLflow store at ``uri``, which is made if it is not there."""

    def __init__(self, uri: str, experiment: str) -> None:
        self.local = LocalStore.at(uri)
        if self.local is not None:
            self.local.create()
        self.client = MlflowClient(tracking_uri=uri)
        self.experiment = experiment

    def create_store(self) -> str:
        """The experiment's MLflow id, of one that is made if it is not there."""
        known = self.client.get_experiment_by_name(self.experiment)
        if known is None:
            # Where the artifacts of a server lie is its own affair.
            place = self.local.artifacts_of(self.experiment) if self.local else None
            try:
                return str(self.client.create_experiment(self.experiment, artifact_location=place))
            except MlflowException:  # another process was faster
                known = self.client.get_experiment_by_name(self.experiment)
                if known is None:
                    raise
        if known.lifecycle_stage != "active":
            self.client.restore_experiment(known.experiment_id)
        return str(known.experiment_id)

    def start(self, run: Run, started: float | None = None) -> str:
        """The MLflow id of ``run``, begun anew and at ``started`` (seconds since 1970): what was stored of it goes.

        Tags of others than this program, such as notes of the user's, are kept.
        """
        experiment_id = self.create_store()
        former = self.client.search_runs([experiment_id], f"tags.`{RUN_TAG}` = '{run.id}'")
        kept = {
            key: value
            for stored in former
            for key, value in stored.data.tags.items()
            if not key.startswith(("seglossbench.", "mlflow.")) or key == "mlflow.note.content"
        }
        begun = self.client.create_run(
            experiment_id,
            start_time=_milliseconds(time.time() if started is None else started),
            run_name=f"{run.loss} · {run.network} · seed {run.seed} · {run.dataset.name}"[:250],
            tags={**kept, RUN_TAG: run.id, **{key: str(value) for key, value in run.identity.items()}},
        )
        id = str(begun.info.run_id)
        settings = flatten(run.settings.decisive).items()
        self._write(id, params=[Param(param_key(key), str(value)[:6000]) for key, value in settings])
        for stored in former:
            self._remove(stored)
        return id

    def log_history(self, id: str, rows: Iterable[tuple[HistoryRow, float]]) -> None:
        """Write history rows as metrics such as ``validation/DSC/liver`` over epochs.

        With each comes its time (seconds since 1970); the same rows with the same times may be written again.
        """
        self._write(id, _curves(rows))

    def finish(self, id: str, status: str = "FINISHED", history: Sequence[HistoryRow] | None = None) -> None:
        """Mark the run as FINISHED, FAILED or KILLED now, and ``history`` as all that it has, if it has all of it."""
        if history is not None:
            self.client.set_tag(id, HISTORY_TAG, digest(history_text(history)))
        self.client.set_terminated(id, status)

    def fill(self, runs: Sequence[Run], from_scratch: bool = False) -> int:
        """Make MLflow equal to the run folders and return how many runs were written; equal ones are left alone.

        What trains at the moment is left to its own tracker. With ``from_scratch`` all that MLflow has of the
        experiment goes first. One run that cannot be written keeps no other from it; raises JobError at the end.
        """
        experiment_id = self.create_store()
        stored = self._stored(experiment_id)
        if from_scratch:
            for several in stored.values():
                for each in several:
                    self._remove(each)
            stored = {}
        written, problems, in_a_row = 0, [], 0
        for run in tqdm(runs, desc="track", unit="run"):
            try:
                written += self._make_equal(run, stored.get(run.id, []))
                in_a_row = 0
            except Exception as error:
                problems.append(f"{run.id}: {describe(error)}")
                in_a_row += 1
                if in_a_row == HOPELESS:
                    break
        if problems:
            others = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            raise JobError(f"{self.experiment}: not all runs could be written: {problems[0]}{others}")
        return written

    def _make_equal(self, run: Run, stored: Sequence[Stored]) -> bool:
        """Make what is stored of one run equal to its folder, and return whether anything had to be done."""
        present = state(run.folder)
        if present in (State.NOT_LAUNCHED, State.RUNNING):
            return False
        folder = run.folder if present.is_finished else working_folder(run.folder)
        file = folder / "history.csv"
        wanted = {
            STATE_TAG: present,
            REASON_TAG: failure(run.folder)[:5000],
            HISTORY_TAG: digest(file.read_text(encoding="utf-8") if file.exists() else history_text([])),
        }
        if present.is_finished and run.scores.exists():
            wanted[SCORES_TAG] = digest([run.scores.name, run.scores.read_text(encoding="utf-8")])
        status = STATUS.get(present, "FINISHED")
        tags = stored[0].data.tags if len(stored) == 1 else {}
        if {key: tags.get(key) for key in TAGS} == {key: wanted.get(key) for key in TAGS} and (
            stored[0].info.status == status
        ):
            return False
        started, ended = period_seconds(folder)
        metrics: list[Metric] = []
        if tags.get(HISTORY_TAG) == wanted[HISTORY_TAG] and tags.get(SCORES_TAG) in (
            None,
            wanted.get(SCORES_TAG),
        ):
            id = str(stored[0].info.run_id)
        else:
            history = read_history(file) if file.exists() else []
            id = self.start(run, started)
            seconds = (ended - started) / (history[-1].epoch + 1 if history else 1)
            metrics += _curves((row, started + (row.epoch + 1) * seconds) for row in history)
        if SCORES_TAG in wanted:
            metrics += _means(run.scores, run.evaluate.empty)
            self._log_artifact(id, run.scores)
        self._write(id, metrics, tags=[RunTag(key, value) for key, value in wanted.items()])
        self.client.set_terminated(id, status, _milliseconds(ended))
        return True

    def _write(
        self,
        id: str,
        metrics: Sequence[Metric] = (),
        params: Sequence[Param] = (),
        tags: Sequence[RunTag] = (),
    ) -> None:
        """Write everything in as few calls as MLflow allows, the tags last, so that they may tell of the others."""
        calls = max(1, -(-len(metrics) // MOST_METRICS), -(-len(params) // MOST_PARAMS))
        for call in range(calls):
            self.client.log_batch(
                id,
                metrics=metrics[call * MOST_METRICS : (call + 1) * MOST_METRICS],
                params=params[call * MOST_PARAMS : (call + 1) * MOST_PARAMS],
                tags=tags if call == calls - 1 else (),
            )

    def _log_artifact(self, id: str, file: Path) -> None:
        """Store a file beside a run, unless a server keeps it in a folder, which is one of its own machine."""
        if self.local is not None or not is_local_uri(self.client.get_run(id).info.artifact_uri):
            self.client.log_artifact(id, str(file))

    def _stored(self, experiment_id: str) -> dict[str, list[Stored]]:
        """What MLflow has of each run, by the run's id."""
        found: dict[str, list[Stored]] = {}
        token = None
        while True:
            page = self.client.search_runs([experiment_id], "", ViewType.ACTIVE_ONLY, 10_000, None, token)
            for stored in page:
                found.setdefault(stored.data.tags.get(RUN_TAG, ""), []).append(stored)
            token = page.token
            if not token:
                return found

    def _remove(self, stored: Stored) -> None:
        """Delete a stored run; on a server it lies in the trash until that is emptied by ``mlflow gc``."""
        id = stored.info.run_id
        self.client.delete_run(id)
        if self.local is not None:
            self.client._tracking_client.store._hard_delete_run(id)
            with suppress(MlflowException):
                place = Path(local_file_uri_to_path(stored.info.artifact_uri))
                if self.local.artifacts in place.parents:
                    shutil.rmtree(place.parent, ignore_errors=True)


def _curves(rows: Iterable[tuple[HistoryRow, float]]) -> list[Metric]:
    return [
        Metric(metric_key(row.split, row.name), row.value, _milliseconds(at), row.epoch) for row, at in rows
    ]


def _means(scores: Path, empty: str) -> list[Metric]:
    """The means of a run's scores, made by the policy ``empty`` for empty masks."""
    now = _milliseconds(time.time())
    table = pd.read_csv(scores, dtype=str, keep_default_na=False)
    return [
        Metric(metric_key("test", f"{metric}/{name}" if name != MEAN else metric), value, now, 0)
        for (metric, name), value in means_of_run(table, policy_named(empty).scores_absent_classes).items()
    ]


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


def flatten(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings as one level of dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
