"""MLflow's view of the runs, written from the run folders, which are the truth."""

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag, ViewType
from tqdm import tqdm

from seglossbench.experiment import Run
from seglossbench.records import HistoryRow, failure, read_history, state
from seglossbench.statistics.means import means_of_run
from seglossbench.vocabulary.tables import MEAN

RUN_TAG = "seglossbench.run"
SCORES_TAG = "seglossbench.scores"
STATE_TAG = "seglossbench.state"
REASON_TAG = "seglossbench.reason"
BATCH = 900  # MLflow takes at most 1000 metrics at a time
# A server that is away is given up after seconds, not after MLflow's default of minutes.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "5")


class Tracker:
    """Writes runs of one experiment to the MLflow store at ``uri``."""

    def __init__(self, uri: str, experiment: str) -> None:
        self.client = MlflowClient(tracking_uri=uri)
        self.experiment = experiment

    def create_store(self) -> str:
        """Create the store and the experiment if they are not there, and return the experiment's MLflow id.

        To be called by one job before parallel ones: processes that open a new SQLite store at once break it.
        """
        known = self.client.get_experiment_by_name(self.experiment)
        if known is not None:
            return str(known.experiment_id)
        artifacts = (Path("mlartifacts") / self.experiment).resolve().as_uri()
        return str(self.client.create_experiment(self.experiment, artifact_location=artifacts))

    def start(self, run: Run) -> str:
        """The MLflow id of ``run``: of the one that it has, emptied of nothing, or of a new one."""
        experiment_id = self.create_store()
        found = self.client.search_runs(
            [experiment_id], f"tags.`{RUN_TAG}` = '{run.id}'", ViewType.ACTIVE_ONLY, max_results=1
        )
        if found:
            return str(found[0].info.run_id)
        started = self.client.create_run(
            experiment_id,
            run_name=f"{run.loss} · {run.network} · seed {run.seed} · {run.dataset.name}",
            tags={RUN_TAG: run.id, **{k: str(v) for k, v in run.identity.items()}},
        )
        id = str(started.info.run_id)
        parameters = [Param(key, str(value)[:6000]) for key, value in flatten(run.settings).items()]
        self.client.log_batch(id, params=parameters)
        return id

    def log_history(self, id: str, rows: Sequence[HistoryRow]) -> None:
        """Write history rows as metrics such as ``validation/DSC/liver`` over epochs."""
        now = int(time.time() * 1000)
        metrics = [Metric(metric_name(row.split, row.name), row.value, now, row.epoch) for row in rows]
        for start in range(0, len(metrics), BATCH):
            self.client.log_batch(id, metrics=metrics[start : start + BATCH])

    def finish(self, id: str, status: str = "FINISHED") -> None:
        """Mark the run as FINISHED or FAILED."""
        self.client.set_terminated(id, status)

    def log_scores(self, id: str, scores: Path) -> None:
        """Write the means over test cases as metrics ``test/METRIC/CLASS``, and the file itself as an artifact."""
        now = int(time.time() * 1000)
        table = pd.read_csv(scores, dtype=str, keep_default_na=False)
        metrics = [
            Metric(metric_name("test", f"{metric}/{name}" if name != MEAN else metric), value, now, 0)
            for (metric, name), value in means_of_run(table).items()
        ]
        self.client.log_batch(id, metrics=metrics, tags=[RunTag(SCORES_TAG, scores.name)])
        self.client.log_artifact(id, str(scores))

    def rebuild(self, runs: Sequence[Run], from_scratch: bool = False) -> int:
        """Bring MLflow up to the run folders and return how many runs were written; finished ones are left alone."""
        experiment_id = self.create_store()
        if from_scratch:
            for stored in self.client.search_runs([experiment_id], max_results=50_000):
                self.client.delete_run(stored.info.run_id)
        known = {
            stored.data.tags.get(RUN_TAG): stored
            for stored in self.client.search_runs([experiment_id], max_results=50_000)
        }
        written = 0
        for run in tqdm(runs, desc="track", unit="run"):
            stored = known.get(run.id)
            ended = state(run.folder)
            if not ended.is_finished:
                continue
            is_complete = stored is not None and stored.info.status == "FINISHED"
            has_state = stored is not None and stored.data.tags.get(STATE_TAG) == ended
            has_scores = stored is not None and stored.data.tags.get(SCORES_TAG) == run.scores.name
            if is_complete and has_state and (has_scores or not run.scores.exists()):
                continue
            id = self.start(run)
            if not is_complete:
                self.log_history(id, read_history(run.folder / "history.csv"))
            if run.scores.exists() and not has_scores:
                self.log_scores(id, run.scores)
            tags = [RunTag(STATE_TAG, ended), RunTag(REASON_TAG, failure(run.folder))]
            self.client.log_batch(id, tags=tags)
            self.finish(id)
            written += 1
        return written


def metric_name(split: str, name: str) -> str:
    """A name that MLflow takes: letters, digits and ``_-./ `` alone."""
    return "".join(
        letter if letter.isalnum() or letter in "_-./ " else "_"
        for letter in f"{split}/{name}".replace("@", " at ")
    )


def flatten(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings as one level of dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
