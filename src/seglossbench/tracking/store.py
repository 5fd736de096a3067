"""MLflow's view of the runs, written from the run folders, which are the truth."""

import dataclasses
import os
import shutil
import uuid
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.entities import Run as Stored
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from mlflow.utils.file_utils import local_file_uri_to_path
from mlflow.utils.uri import append_to_uri_path, is_local_uri

from seglossbench.experiment import Run
from seglossbench.files import digest
from seglossbench.records import (
    HistoryRow,
    State,
    history_text,
    period_seconds,
    working_folder,
)
from seglossbench.tracking.content import (
    DATA_TAG,
    GROUP_TAG,
    KIND_TAG,
    MLFLOW_STATUS,
    OURS,
    PARENT,
    SEEDS,
    Content,
    Point,
    content_of,
    group_of,
    milliseconds,
    points_of,
)
from seglossbench.tracking.database import write_runs
from seglossbench.tracking.groups import parent_of
from seglossbench.tracking.local import LocalStore
from seglossbench.tracking.marks import RUN_TAG

HISTORY_TAG = "seglossbench.history"
STATE_TAG = "state"
MOST_METRICS, MOST_PARAMS = 900, 90  # of a call: MLflow takes 1000 of everything together, and 100 params
# A server that is away is given up after seconds, not after MLflow's default of minutes.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "5")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")


class Tracker:
    """Writes runs to one experiment of the MLflow store at ``uri``, both of which are made if they are not there."""

    def __init__(self, uri: str, experiment: str) -> None:
        self.local = LocalStore.at(uri)
        if self.local is not None:
            self.local.create()
        self.client = MlflowClient(tracking_uri=uri)
        store = self.client._tracking_client.store
        self.database: SqlAlchemyStore | None = store if isinstance(store, SqlAlchemyStore) else None
        self.experiment = experiment

    @cached_property
    def _known(self) -> Any:
        """The experiment as MLflow has it, active, made where it is not there."""
        known = self.client.get_experiment_by_name(self.experiment)
        if known is None:
            # Where the artifacts of a server lie is its own affair.
            place = self.local.artifacts_of(self.experiment) if self.local else None
            try:
                self.client.create_experiment(self.experiment, artifact_location=place)
            except MlflowException:  # another process was faster
                if self.client.get_experiment_by_name(self.experiment) is None:
                    raise
            known = self.client.get_experiment_by_name(self.experiment)
        if known.lifecycle_stage != "active":
            self.client.restore_experiment(known.experiment_id)
        return known

    @property
    def experiment_id(self) -> str:
        """The experiment's MLflow id."""
        return str(self._known.experiment_id)

    def start(self, run: Run, began: float, history: Sequence[HistoryRow] = ()) -> str:
        """The MLflow id of ``run``, which trains since ``began``; ``history`` is what former calls left of it.

        What is stored of the run goes on if it has just that history, or else makes way for a new one. Tags of others
        than this program, such as notes of the user's, are kept.
        """
        former = self.search(RUN_TAG, run.id)
        if (
            history
            and len(former) == 1
            and former[0].data.tags.get(HISTORY_TAG) == digest(history_text(history))
        ):
            id = str(former[0].info.run_id)
            self.client.update_run(id, "RUNNING")
            self.client.set_tag(id, HISTORY_TAG, "")  # it has more from now on
            self.client.set_tag(id, STATE_TAG, State.RUNNING.value)
            return id
        content = content_of(run, State.RUNNING)
        content.points = points_of(run, ((row, began) for row in history))
        content.started = period_seconds(working_folder(run.folder))[0] if history else began
        content.tags[PARENT] = self._parent(run, began)
        return self.replace(content, former)

    def log_history(self, id: str, run: Run, rows: Iterable[tuple[HistoryRow, float]]) -> None:
        """Write history rows as metrics such as ``validation/DSC/liver`` over epochs.

        With each comes its time (seconds since 1970); the same rows with the same times may be written again.
        """
        self.write(id, points_of(run, rows))

    def finish(self, id: str, state: State, history: Sequence[HistoryRow] | None = None) -> None:
        """Mark the run as being in that state now, and ``history`` as all that it has, if it has all of it."""
        self.client.set_tag(id, STATE_TAG, state.value)
        if history is not None:
            self.client.set_tag(id, HISTORY_TAG, digest(history_text(history)))
        self.client.set_terminated(id, MLFLOW_STATUS[state])

    def _parent(self, run: Run, began: float) -> str:
        """The MLflow id of the parent of a run that trains; two that are made at once, ``fill`` makes one."""
        with self.local.locked() if self.local else nullcontext():
            for each in self.search(GROUP_TAG, group_of(run)):
                if each.data.tags.get(KIND_TAG) == SEEDS:
                    return str(each.info.run_id)
            parent = parent_of([run])
            parent.status, parent.started = "RUNNING", began
            return self.replace(parent)

    def replace(self, content: Content, former: Sequence[Stored] = ()) -> str:
        """The MLflow id of a new run in place of former ones, from which it takes the tags of others."""
        (id,) = self.replace_all([(content, former)])
        return id

    def replace_all(self, several: Sequence[tuple[Content, Sequence[Stored]]]) -> list[str]:
        """``replace`` for several runs: a database gets all of them or none, in one transaction."""
        contents = []
        for content, former in several:
            kept = {
                key: value
                for stored in former
                for key, value in stored.data.tags.items()
                if (not key.startswith(("seglossbench.", "mlflow.")) and key not in OURS)
                or key == "mlflow.note.content"
            }
            contents.append(dataclasses.replace(content, tags={**kept, **content.tags}))
        if self.database is None:
            ids = [self._create(content) for content in contents]
        else:
            ids = self._create_in(self.database, contents)
        for _, former in several:
            for stored in former:
                self.remove(stored)
        return ids

    def _create(self, content: Content) -> str:
        begun = self.client.create_run(
            self.experiment_id, milliseconds(content.started), content.tags, content.name
        )
        id = str(begun.info.run_id)
        if content.data:
            inputs = [DatasetInput(Dataset(**data), [InputTag(*DATA_TAG)]) for data in content.data]
            self.client.log_inputs(id, inputs)
        self.keep(id, str(begun.info.artifact_uri), content.files)
        self.write(id, content.points, content.params, content.claims)
        if content.ended is not None:
            self.client.set_terminated(id, content.status, milliseconds(content.ended))
        elif content.status != "RUNNING":
            self.client.update_run(id, content.status)
        return id

    def _create_in(self, database: SqlAlchemyStore, contents: Sequence[Content]) -> list[str]:
        runs = []
        for content in contents:
            id = uuid.uuid4().hex
            above, below = self._known.artifact_location, SqlAlchemyStore.ARTIFACTS_FOLDER_NAME
            runs.append((id, append_to_uri_path(above, id, below), content))
        if self.local is not None:  # before the runs themselves, which say that they have them
            for id, place, content in runs:
                self.keep(id, place, content.files)
        write_runs(database, self.experiment_id, runs)
        if self.local is None:
            for id, place, content in runs:
                self.keep(id, place, content.files)
        return [id for id, _, _ in runs]

    def write(
        self,
        id: str,
        points: Sequence[Point] = (),
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Write everything in as few calls as MLflow allows, the tags last, so that they may tell of the others."""
        metrics = [Metric(*point) for point in points]
        of_params = [Param(key, value) for key, value in (params or {}).items()]
        calls = max(1, -(-len(metrics) // MOST_METRICS), -(-len(of_params) // MOST_PARAMS))
        for call in range(calls):
            self.client.log_batch(
                id,
                metrics=metrics[call * MOST_METRICS : (call + 1) * MOST_METRICS],
                params=of_params[call * MOST_PARAMS : (call + 1) * MOST_PARAMS],
                tags=[RunTag(*tag) for tag in (tags or {}).items()] if call == calls - 1 else (),
            )

    def keep(self, id: str, place: str, files: Mapping[str, Path]) -> None:
        """Store files beside a run, unless a server keeps them in a folder, which is one of its own machine."""
        folder = self._folder(place)
        if folder is None and is_local_uri(place):
            return
        for name, file in files.items():
            if folder is None:
                above = str(Path(name).parent)
                self.client.log_artifact(id, str(file), None if above == "." else above)
            else:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, folder / name)

    def _folder(self, place: str) -> Path | None:
        """The folder of a run's artifacts in a store of this machine."""
        if self.local is None:
            return None
        with suppress(MlflowException):
            folder = Path(local_file_uri_to_path(place))
            if self.local.artifacts in folder.parents:
                return folder
        return None

    def search(self, tag: str, value: str) -> list[Stored]:
        """What is stored with that value of a tag."""
        return list(self.client.search_runs([self.experiment_id], f"tags.`{tag}` = '{value}'"))

    def stored(self, which: int) -> list[Stored]:
        """All that MLflow has of the experiment and that this program has written."""
        found: list[Stored] = []
        token = None
        while True:
            page = self.client.search_runs([self.experiment_id], "", which, 10_000, None, token)
            found += [stored for stored in page if KIND_TAG in stored.data.tags]
            token = page.token
            if not token:
                return found

    def remove(self, stored: Stored) -> None:
        """Delete a stored run; on a server it lies in the trash until that is emptied by ``mlflow gc``."""
        id = stored.info.run_id
        if self.database is None:
            if stored.info.lifecycle_stage == "active":
                self.client.delete_run(id)
            return
        self.database._hard_delete_run(id)
        if (folder := self._folder(stored.info.artifact_uri)) is not None:
            shutil.rmtree(folder.parent, ignore_errors=True)
