import json
import multiprocessing
import sqlite3
from contextlib import closing, contextmanager

import pytest
from mlflow import MlflowClient

from seglossbench import stages
from seglossbench.errors import InputError
from seglossbench.experiment import Experiment
from seglossbench.records import (
    State,
)
from seglossbench.tracking import local
from seglossbench.tracking.filling import fill
from seglossbench.tracking.local import file_system_of
from seglossbench.tracking.store import Tracker
from tests.tracking.tracked import NAME, ROWS, finish, live, stored


def _write(uri, seed):
    overrides = {"experiment": "tiny", "grid": {"seeds": [0, 1, 2, 3]}}
    following = live(uri, Experiment.load(overrides=overrides).runs[seed])
    following(ROWS)
    following.finish(State.DONE)
    return following.problem


def test_four_trainings_that_need_a_new_store_at_once_make_one(project, uri):
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        assert pool.starmap(_write, [(uri, seed) for seed in range(4)]) == [""] * 4
    client, found = stored(uri)
    assert len(found) == 4
    assert all(len(client.get_metric_history(run.info.run_id, "train/loss")) == 3 for run in found)


def test_a_deleted_experiment_is_there_again(runs, uri):
    finish(runs[0])
    tracker = Tracker(uri, NAME)
    fill(tracker, runs)
    tracker.client.delete_experiment(tracker.experiment_id)
    fill(Tracker(uri, NAME), runs)
    assert len(stored(uri)[1]) == 1


def test_a_store_that_is_moved_has_its_artifacts_with_it(runs, uri, project, tmp_path_factory, monkeypatch):
    finish(runs[0])
    fill(Tracker(uri, NAME), runs)
    moved = tmp_path_factory.mktemp("moved") / "a place"
    project.rename(moved)
    monkeypatch.chdir(moved)
    list(stages.links(Experiment.load(overrides={"experiment": "tiny"}), "http://127.0.0.1:5000"))
    client, (run,) = stored("sqlite:///mlflow.db")
    assert {file.path for file in client.list_artifacts(run.info.run_id)} == {
        *("history.csv", "settings.json"),
        runs[0].scores.name,
    }
    assert fill(Tracker("sqlite:///mlflow.db", NAME), runs) == 0
    assert not project.exists()
    with closing(sqlite3.connect("mlflow.db")) as database:
        assert str(project) not in "\n".join(database.iterdump())


@contextmanager
def server_with_files_of_its_own(monkeypatch):
    """The store as a server's would be whose artifacts lie in a folder on the server, out of reach from here."""
    monkeypatch.setattr(local.LocalStore, "at", lambda uri: None)
    yield


def test_a_server_gets_no_path_of_this_machine(runs, uri, project, monkeypatch):
    MlflowClient(uri).create_experiment("other")
    finish(runs[0])
    with server_with_files_of_its_own(monkeypatch):
        tracker = Tracker(uri, NAME)
        created = []
        create = tracker.client.create_experiment
        monkeypatch.setattr(
            tracker.client, "create_experiment", lambda *args, **named: created.append(named) or create(*args)
        )
        fill(tracker, runs)
    assert created == [{"artifact_location": None}]
    assert not (project / "mlartifacts").exists()
    assert not (project / "mlruns").exists()
    assert stored(uri)[1][0].data.metrics["test/DSC"] == 0.5


def test_a_sqlite_file_on_nfs_is_refused_with_the_remedy(runs, tmp_path, monkeypatch):
    mounts = tmp_path / "mounts"
    place = str(tmp_path).replace(" ", "\\040")
    mounts.write_text(
        f"/dev/a / ext4 rw 0 0\nserver:/x {place}/home nfs4 rw 0 0\ntmp {place}/home/tmp tmpfs rw 0 0\n"
    )
    kinds = {
        name: file_system_of(tmp_path / name, mounts) for name in ("home/me/project", "home/tmp/a", "other")
    }
    assert kinds == {"home/me/project": "nfs4", "home/tmp/a": "tmpfs", "other": "ext4"}
    monkeypatch.setattr(local, "MOUNTS", mounts)
    following = live(f"sqlite:///{tmp_path}/home/mlflow.db", runs[0])
    following(ROWS)
    with pytest.warns(UserWarning, match=r"lies on nfs4, .* start a server with workflow/serve_mlflow\.sh"):
        following.finish(State.DONE)
    assert not (tmp_path / "home").exists()


def test_the_pages_of_a_project_are_linked(runs, uri, project, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)  # which MLflow keeps open by its text
    experiment = Experiment.load(overrides={"experiment": "tiny"})
    with pytest.raises(InputError, match=r"mlflow\.db: not there yet; run snakemake"):
        list(stages.links(experiment, "http://127.0.0.1:5000"))
    finish(runs[0])
    assert [*stages.track(experiment)][-2:] == [
        "1 runs of tiny/brats_phantom written to MLflow",
        "0 runs of tiny/amos_phantom written to MLflow",
    ]
    lines = list(stages.links(experiment, "http://127.0.0.1:5000"))
    known = MlflowClient(uri).get_experiment_by_name(NAME)
    assert lines[0] == (
        f"{NAME}: http://127.0.0.1:5000/#/experiments/{known.experiment_id}/runs?viewStateShareKey=seglossbench"
    )
    view = json.loads(known.tags["mlflow.sharedViewState.seglossbench"])
    assert (view["orderByKey"], view["orderByAsc"]) == ("metrics.`test/DSC`", False)
    assert view["selectedColumns"][:4] == [
        *("params.`loss`", "params.`network`", "params.`seed`"),
        "metrics.`test/DSC`",
    ]
