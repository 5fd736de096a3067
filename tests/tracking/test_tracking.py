import json
import multiprocessing
import os
import signal
import sqlite3
import threading
import time
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from seglossbench import stages
from seglossbench.analysis.files import read_table
from seglossbench.errors import InputError, JobError, Stopped
from seglossbench.experiment import Experiment
from seglossbench.files import digest
from seglossbench.names import word
from seglossbench.records import (
    HistoryRow,
    State,
    note_divergence,
    read_history,
    run_in_progress,
    state,
    write_history,
)
from seglossbench.stages.stopping import stoppable
from seglossbench.tracking import local
from seglossbench.tracking.filling import fill
from seglossbench.tracking.live import LiveTracker
from seglossbench.tracking.local import file_system_of
from seglossbench.tracking.marks import problem_of
from seglossbench.tracking.store import Tracker

NAME = "tiny/brats_phantom"
ROWS = [HistoryRow(epoch, 10 * epoch, "train", "loss", 1.0 / (epoch + 1)) for epoch in range(3)]
SCORES = (
    "dataset,network,loss,seed,case,class,metric,value\n"
    "d,n,l,0,a,ET,DSC,0.5\nd,n,l,0,b,ET,DSC,1\nd,n,l,0,a,ED,DSC,0.25\n"
    "d,n,l,0,b,ED,DSC,\nd,n,l,0,b,ED,status,both_empty\n"
)


@pytest.fixture
def runs(project):
    return Experiment.load(overrides={"experiment": "tiny"}).runs[:2]  # ce_dice and rrw_ce on one dataset


@pytest.fixture
def uri(project):
    return f"sqlite:///{project}/mlflow.db"


def finish(run, rows=ROWS, scores=SCORES):
    with run_in_progress(run.folder, run.settings.model_dump(mode="json")) as folder:
        write_history(folder / "history.csv", rows)
    if scores:
        run.scores.parent.mkdir(parents=True)
        run.scores.write_text(scores)


def stored(uri, kind="run"):
    client = MlflowClient(uri)
    return client, client.search_runs(
        [client.get_experiment_by_name(NAME).experiment_id], f"tags.kind = '{kind}'"
    )


def live(uri, run, **options):
    """The tracker of a training whose MLflow is at ``uri``."""
    return LiveTracker(replace(run, track=run.track.model_copy(update={"uri": uri})), **options)


def curve(uri, key="train/loss"):
    client, (run,) = stored(uri)
    return [(metric.step, metric.value) for metric in client.get_metric_history(run.info.run_id, key)]


def curve_of(run, name="loss"):
    rows = read_history(run.folder / "history.csv")
    return [(row.epoch, row.value) for row in rows if (row.split, row.name) == ("train", name)]


def test_finished_runs_are_written_once_with_history_and_scores(runs, uri):
    finish(runs[0])
    tracker = Tracker(uri, NAME)
    assert fill(tracker, runs) == 1
    assert fill(tracker, runs) == 0
    client, (run,) = stored(uri)
    assert run.info.status == "FINISHED"
    assert run.data.metrics["test/DSC/ET"] == 0.75
    assert run.data.metrics["test/DSC"] == 0.5  # of ET 0.75 and ED 0.25
    assert curve(uri) == curve_of(runs[0]) == [(0, 1.0), (1, 0.5), (2, 1 / 3)]
    assert run.data.params["loss"] == runs[0].loss
    assert {file.path for file in client.list_artifacts(run.info.run_id)} == {
        *("history.csv", "settings.json"),
        runs[0].scores.name,
    }


def test_the_mean_of_the_store_is_that_of_the_tables(runs, uri):
    """Of distances geometric, with what other runs say of a distance of 0; a class that no test case has is in none."""
    scores = [("0", "4", "0"), ("2", "2", "0.5")]
    for run, values in zip(runs, scores, strict=True):
        rows = [f"{case},ET,HD95,{value}" for case, value in zip("abc", values, strict=True)]
        rows += [f"{case},NC,{cell}" for case in "abc" for cell in ("HD95,50", "status,truth_empty")]
        finish(run, scores="\n".join(["case,class,metric,value", *rows, ""]))
    fill(Tracker(uri, NAME), runs)
    found = {run.data.params["loss"]: run.data.metrics for run in stored(uri)[1]}
    wanted = [(0.25 * 4 * 0.25) ** (1 / 3), (2 * 2 * 0.5) ** (1 / 3)]
    for run, mean in zip(runs, wanted, strict=True):
        assert found[run.loss]["test/HD95"] == found[run.loss]["test/HD95/ET"] == pytest.approx(mean)
        assert "test/HD95/NC" not in found[run.loss]
    row = {"dataset": "brats_phantom", "network": "unet", "loss": runs[0].loss, "seed": "0", "metric": "HD95"}
    table = pd.DataFrame([{**row, "class": "*", "mean": 1.5}, {**row, "class": "\\*", "mean": 2.5}])
    assert fill(Tracker(uri, NAME), runs[:1], by_run=table) == 1
    assert fill(Tracker(uri, NAME), runs[:1], by_run=table) == 0
    (metrics,) = [run.data.metrics for run in stored(uri)[1] if run.data.params["loss"] == runs[0].loss]
    assert metrics["test/HD95"] == 1.5
    assert 2.5 in metrics.values()  # of a class that is called *


def test_one_number_stands_in_the_tables_in_dvc_and_in_mlflow(runs, uri):
    """The geometric mean of a loss over its seeds, and that of each of its runs."""
    experiment = Experiment.load(overrides={"experiment": "tiny", "track": {"uri": uri}})
    for number, run in enumerate(runs):
        head = ",".join(str(run.identity[name]) for name in ("dataset", "network", "loss", "seed"))
        rows = [
            f"{head},{case},ET,HD95,{value}" for case, value in zip("abc", (0, 2 + number, 4), strict=True)
        ]
        finish(run, scores="\n".join(["dataset,network,loss,seed,case,class,metric,value", *rows, ""]))
    folder = stages.analyse(experiment, experiment.report.parent / "analysis")
    list(stages.track(experiment))
    means, by_run = (read_table(folder / f"{name}.csv") for name in ("means", "by_run"))
    of_dvc = json.loads((folder / "metrics.json").read_text())
    children, parents = stored(uri)[1], stored(uri, "all seeds")[1]
    for number, run in enumerate(runs):
        wanted = (1 * (2 + number) * 4) ** (1 / 3)
        for table in (means, by_run):
            own = table[(table["loss"] == run.loss) & (table["metric"] == "HD95") & (table["class"] == "*")]
            assert own["mean"].item() == pytest.approx(wanted, rel=1e-5)
        assert of_dvc[run.dataset.name][run.network][run.loss]["HD95"]["mean"] == own["mean"].item()
        for tracked in (children, parents):
            (metrics,) = [each.data.metrics for each in tracked if each.data.params["loss"] == run.loss]
            assert metrics["test/HD95"] == own["mean"].item()


def test_rebuild_from_scratch_leaves_nothing_of_before(runs, uri, project):
    finish(runs[0])
    tracker = Tracker(uri, NAME)
    fill(tracker, runs)
    before = stored(uri)[1][0].info.run_id
    assert fill(tracker, runs, from_scratch=True) == 1
    (run,) = stored(uri)[1]
    assert run.info.run_id != before
    assert run.data.metrics["test/DSC"] == 0.5
    (parent,) = stored(uri, "all seeds")[1]
    with closing(sqlite3.connect(project / "mlflow.db")) as database:
        assert database.execute("SELECT COUNT(*) FROM runs").fetchone() == (2,)
    artifacts = project / "mlartifacts" / word(NAME)
    assert [folder.name for folder in artifacts.iterdir()] == [run.info.run_id]
    assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id


def test_a_live_run_is_completed_and_not_written_again(runs, uri):
    with run_in_progress(runs[0].folder, runs[0].settings.model_dump(mode="json")) as folder:
        following = live(uri, runs[0])
        for epoch in range(3):
            write_history(folder / "history.csv", ROWS[: epoch + 1])
            following([ROWS[epoch]])
        following.finish(State.DONE)
    runs[0].scores.parent.mkdir(parents=True)
    runs[0].scores.write_text(SCORES)
    assert fill(Tracker(uri, NAME), runs) == 1
    run = stored(uri)[1][0]
    assert run.info.run_id == following.id
    assert curve(uri) == curve_of(runs[0])
    assert run.data.metrics["test/DSC"] == 0.5
    assert run.data.tags["state"] == "DONE"


def test_a_killed_and_resumed_run_has_neither_holes_nor_doubles(runs, uri):
    with (
        suppress(KeyboardInterrupt),
        run_in_progress(runs[0].folder, runs[0].settings.model_dump(mode="json")) as folder,
    ):
        following = live(uri, runs[0])
        following([ROWS[0]])
        following([ROWS[1]])
        following.finish(State.INTERRUPTED)
        write_history(folder / "history.csv", ROWS[:2])
        raise KeyboardInterrupt
    with run_in_progress(runs[0].folder, runs[0].settings.model_dump(mode="json")) as folder:
        resumed = live(uri, runs[0])
        other = HistoryRow(1, 10, "train", "loss", 0.625)  # the epoch again, with other digits
        write_history(folder / "history.csv", [ROWS[0], other])
        resumed([other])
        write_history(folder / "history.csv", [ROWS[0], other, ROWS[2]])
        resumed([ROWS[2]])
        resumed.finish(State.DONE)
    assert curve(uri) == curve_of(runs[0]) == [(0, 1.0), (1, 0.625), (2, 1 / 3)]
    assert len(stored(uri)[1]) == 1
    assert fill(Tracker(uri, NAME), runs) == 1  # the state alone
    assert stored(uri)[1][0].info.run_id == resumed.id


def test_what_was_killed_before_its_tracker_could_say_so_is_made_equal(runs, uri):
    finish(runs[0])
    tracker = Tracker(uri, NAME)
    id = tracker.start(runs[0], 0.0)
    tracker.log_history(
        id, runs[0], [(row, 0.0) for row in [ROWS[0], ROWS[2], HistoryRow(2, 20, "train", "loss", 7.0)]]
    )
    tracker.client.set_tag(id, "mlflow.note.content", "look at this one")
    assert fill(tracker, runs) == 1
    assert curve(uri) == curve_of(runs[0])
    (run,) = stored(uri)[1]
    assert (run.info.status, run.data.tags["mlflow.note.content"]) == ("FINISHED", "look at this one")


def test_unfinished_runs_are_made_equal_too(runs, uri):
    with (
        suppress(ValueError),
        run_in_progress(runs[0].folder, runs[0].settings.model_dump(mode="json")) as folder,
    ):
        write_history(folder / "history.csv", ROWS[:2])
        raise ValueError("broken")
    assert fill(Tracker(uri, NAME), runs) == 1
    (run,) = stored(uri)[1]
    assert (run.info.status, run.data.tags["seglossbench.reason"]) == ("FAILED", "ValueError: broken")
    assert [step for step, _ in curve(uri)] == [0, 1]
    with run_in_progress(runs[0].folder, runs[0].settings.model_dump(mode="json")):
        assert fill(Tracker(uri, NAME), runs) == 0  # what trains is left to its own tracker


def test_scores_of_other_conventions_never_stand_side_by_side(runs, uri):
    finish(runs[0])
    fill(Tracker(uri, NAME), runs)
    runs[0].scores.write_text("case,class,metric,value\na,ET,HD95,3\n")
    assert fill(Tracker(uri, NAME), runs) == 1
    metrics = stored(uri)[1][0].data.metrics
    assert {key: value for key, value in metrics.items() if key.startswith("test/")} == pytest.approx(
        {"test/HD95": 3, "test/HD95/ET": 3}
    )


def test_an_outage_in_the_middle_leaves_no_hole(runs, uri, monkeypatch):
    following = live(uri, runs[0], patience_seconds=0)
    log_history, away = Tracker.log_history, iter([False, True, False, False])

    def sometimes_away(self, id, run, rows):
        log_history(self, id, run, rows)  # written, but the answer is lost
        if next(away):
            raise MlflowException("no answer")

    monkeypatch.setattr(Tracker, "log_history", sometimes_away)
    for row in ROWS:
        following([row])
    following.finish(State.DONE)
    assert curve(uri) == [(row.epoch, row.value) for row in ROWS]


def test_a_server_that_is_away_costs_a_warning_and_no_training(runs, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    following = live("http://127.0.0.1:9", runs[0])
    following(ROWS)
    with pytest.warns(
        UserWarning, match="MLflow lacks this run, which trained without it; run seglossbench track"
    ):
        following.finish(State.DONE)


def test_a_password_is_in_no_message(project, runs, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    uri = "http://me:s%40cret@127.0.0.1:9"
    with pytest.raises(InputError, match=r"track\.uri: has a password.*MLFLOW_TRACKING_PASSWORD") as refused:
        Experiment.load(overrides={"experiment": "tiny", "track": {"uri": uri}})
    assert "cret" not in str(refused.value)
    following = live(uri, runs[0])
    following(ROWS)
    with pytest.warns(UserWarning, match="127") as told:
        following.finish(State.DONE)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    experiment = Experiment.load(overrides={"experiment": "tiny"})
    *_, said = stages.track_and_mark(experiment, project / "mark")
    assert "127.0.0.1" in said
    assert problem_of(project / "mark") == said
    for text in (said, str(told[0].message)):
        assert "s%40cret" not in text
        assert "s@cret" not in text


def test_whatever_goes_wrong_with_mlflow_is_told(runs, uri, monkeypatch):
    monkeypatch.setattr(Tracker, "start", lambda *_: {}["no such key"])
    following = live(uri, runs[0])
    following(ROWS)
    with pytest.warns(UserWarning, match="KeyError: 'no such key'"):
        following.finish(State.DONE)


def test_a_run_that_cannot_be_written_keeps_no_other_from_it(runs, uri):
    finish(runs[0])
    finish(runs[1])
    (runs[0].folder / "history.csv").write_text("epoch,step\n1,2\n")
    with pytest.raises(
        JobError, match=f"{NAME}: not all runs could be written: {runs[0].id}: .*damaged history"
    ):
        fill(Tracker(uri, NAME), runs)
    assert len(stored(uri)[1]) == 1


def test_a_diverged_run_is_shown_as_such(runs, uri):
    with run_in_progress(runs[0].folder, runs[0].settings.model_dump(mode="json")) as folder:
        write_history(folder / "history.csv", [*ROWS, HistoryRow(3, 30, "train", "loss", float("nan"))])
        note_divergence(folder, 3, "loss is nan in epoch 3, step 30")
    assert [fill(Tracker(uri, NAME), runs) for _ in range(2)] == [1, 0]
    (run,) = stored(uri)[1]
    assert run.info.status == "FINISHED"
    assert run.data.tags["state"] == "DIVERGED"
    assert run.data.tags["seglossbench.reason"] == "loss is nan in epoch 3, step 30"


def test_start_and_end_are_those_of_the_training(runs, uri):
    finish(runs[0])
    os.utime(runs[0].folder)
    provenance = runs[0].folder / "provenance.json"
    text = provenance.read_text()
    for call in ("started", "ended"):
        year = "2001" if call == "started" else "2002"
        text = pd.Series([text]).str.replace(rf'"{call}": "\d+', f'"{call}": "{year}', regex=True)[0]
    provenance.write_text(text)
    fill(Tracker(uri, NAME), runs)
    (run,) = stored(uri)[1]
    assert [pd.Timestamp(ms, unit="ms").year for ms in (run.info.start_time, run.info.end_time)] == [
        2001,
        2002,
    ]


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


def test_a_parent_has_the_means_of_the_analysis_above_its_seeds(runs, uri):
    finish(runs[0])
    row = {"dataset": "brats_phantom", "network": "unet", "loss": "ce_dice", "metric": "DSC"}
    means = pd.DataFrame(
        [
            {**row, "class": "*", "mean": 0.5, "lo": 0.4, "hi": 0.625},
            {**row, "class": "ET", "mean": 0.75, "lo": float("nan"), "hi": float("nan")},
            {**row, "class": "*", "mean": 9, "lo": 9, "hi": 9, "loss": "rrw_ce"},
        ]
    )
    assert fill(Tracker(uri, NAME), runs, means) == 1
    (parent,) = stored(uri, "all seeds")[1]
    (run,) = stored(uri)[1]
    assert parent.data.metrics == {
        "test/DSC": 0.5,
        "test/DSC low": 0.4,
        "test/DSC high": 0.625,
        "test/DSC/ET": 0.75,
    }
    assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert run.info.run_name.startswith("ce_dice · unet · seed 0 · ")
    assert (parent.data.params["loss"], parent.data.tags["state"]) == ("ce_dice", "1 DONE")
    fill(Tracker(uri, NAME), runs, means.assign(mean=0.25))
    (other,) = stored(uri, "all seeds")[1]
    (run,) = stored(uri)[1]
    assert other.data.metrics["test/DSC"] == 0.25
    assert run.data.tags["mlflow.parentRunId"] == other.info.run_id


def test_a_run_says_what_it_is_by_which_conventions_and_on_which_data(runs, uri):
    finish(runs[0])
    fill(Tracker(uri, NAME), runs)
    (run,) = stored(uri)[1]
    told = {key: run.data.params[f"evaluate.{key}"] for key in ("hd95", "empty", "classes")}
    assert told == {"hd95": "pooled", "empty": "diagonal", "classes": "labels"}
    tags = run.data.tags
    assert (tags["dataset"], tags["network"], tags["loss"], tags["seed"]) == (
        "brats_phantom",
        "unet",
        "ce_dice",
        "0",
    )
    assert (tags["experiment"], tags["digest"]) == ("tiny", runs[0].settings.id)
    assert tags["commit"] == tags["mlflow.source.git.commit"] != ""
    assert tags["mlflow.user"] == runs[0].folder.owner()
    (data,) = run.inputs.dataset_inputs
    assert (data.dataset.name, data.dataset.source_type) == ("brats_phantom", "phantom")
    assert data.dataset.digest == digest(runs[0].dataset.data["version"])


def test_a_database_gets_what_a_server_gets(runs, uri, tmp_path_factory):
    rows = [HistoryRow(0, 0, "train", name, float(name)) for name in ("nan", "inf", "-inf", "1.5")]
    finish(
        runs[0],
        [*rows, *rows[:1], HistoryRow(1, 1, "train", "1.5", 0.25), HistoryRow(1, 1, "cost", "seconds", 2)],
    )
    fill(Tracker(uri, NAME), runs)
    other = f"sqlite:///{tmp_path_factory.mktemp('server')}/mlflow.db"
    as_server = Tracker(other, NAME)
    as_server.database = None  # so that all goes by MLflow's calls
    fill(as_server, runs)
    told = []
    for place in (uri, other):
        for kind in ("run", "all seeds"):
            client, (run,) = stored(place, kind)
            curves = {
                key: [
                    (m.timestamp, m.step, repr(m.value))
                    for m in client.get_metric_history(run.info.run_id, key)
                ]
                for key in run.data.metrics
                if not key.startswith("test")  # whose time is when they were written
            }
            tags = {key: value for key, value in run.data.tags.items() if key != "mlflow.parentRunId"}
            about = (run.info.status, run.info.start_time, run.info.end_time, run.info.run_name)
            told.append((curves, tags, run.data.params, repr(sorted(run.data.metrics.items())), about))
            told[-1] += ([data.to_dictionary() for data in run.inputs.dataset_inputs],)
    assert told[:2] == told[2:]
    assert [(step, value) for _, step, value in told[0][0]["train/1.5"]] == [(0, "1.5"), (1, "0.25")]


def test_a_terminated_training_is_killed_and_then_goes_on_in_the_same_run(runs, uri):
    settings = runs[0].settings.model_dump(mode="json")

    def train_until_terminated():
        with stoppable(), run_in_progress(runs[0].folder, settings) as folder:
            following = live(uri, runs[0])
            following([ROWS[0]])
            write_history(folder / "history.csv", ROWS[:1])
            try:
                os.kill(os.getpid(), signal.SIGTERM)
            finally:
                following.finish(State.INTERRUPTED)

    with pytest.raises(Stopped, match="SIGTERM"):
        train_until_terminated()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert state(runs[0].folder) is State.INTERRUPTED
    killed = stored(uri)[1][0].info
    assert killed.status == "KILLED"
    with run_in_progress(runs[0].folder, settings) as folder:
        resumed = live(uri, runs[0])
        resumed._thread.submit(lambda: None).result()  # when it has told MLflow
        assert stored(uri)[1][0].info.status == "RUNNING"
        resumed([ROWS[1]])
        write_history(folder / "history.csv", ROWS[:2])
        resumed.finish(State.DONE)
    (run,) = stored(uri)[1]
    assert (run.info.run_id, run.info.status) == (killed.run_id, "FINISHED")
    assert curve(uri) == curve_of(runs[0]) == [(0, 1.0), (1, 0.5)]


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


def test_mlflows_own_variables_are_respected(runs, monkeypatch):
    asked = []

    class Server(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.headers["Authorization"])
            self.send_error(500)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "a-token")
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        following = LiveTracker(runs[0])
        following(ROWS)
        with pytest.warns(UserWarning, match="MLflow lacks this run") as told:
            following.finish(State.DONE)
        server.shutdown()
    assert set(asked) == {"Bearer a-token"}
    assert "a-token" not in str(told[0].message)


def test_system_metrics_are_mlflows_own(runs, uri, monkeypatch):
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.05")
    Tracker(uri, NAME)  # so that no two threads make the store
    track = runs[0].track.model_copy(update={"uri": uri, "system_metrics": True})
    following = LiveTracker(replace(runs[0], track=track))
    following([ROWS[0]])
    deadline = time.monotonic() + 60
    while not any(key.startswith("system/cpu") for key in names(uri)) and time.monotonic() < deadline:
        time.sleep(0.1)
    following.finish(State.DONE)
    assert "system/cpu_utilization_percentage" in names(uri)


def names(uri):
    try:
        return [key for run in stored(uri)[1] for key in run.data.metrics]
    except (AttributeError, MlflowException):  # not there yet
        return []


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
