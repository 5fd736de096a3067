import multiprocessing
import os
import sqlite3
from contextlib import closing, contextmanager, suppress

import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from seglossbench import stages
from seglossbench.errors import JobError
from seglossbench.experiment import Experiment
from seglossbench.records import HistoryRow, note_divergence, read_history, run_in_progress, write_history
from seglossbench.reporting import load_scores
from seglossbench.statistics.means import fold_status
from seglossbench.statistics.summaries import summarise
from seglossbench.tracking.live import LiveTracker
from seglossbench.tracking.marks import problem_of
from seglossbench.tracking.store import Tracker
from seglossbench.vocabulary.tables import MEAN

ROWS = [HistoryRow(epoch, 10 * epoch, "train", "loss", 1.0 / (epoch + 1)) for epoch in range(3)]
SCORES = (
    "dataset,network,loss,seed,case,class,metric,value\n"
    "d,n,l,0,a,ET,DSC,0.5\nd,n,l,0,b,ET,DSC,1\nd,n,l,0,a,ED,DSC,0.25\n"
    "d,n,l,0,b,ED,DSC,\nd,n,l,0,b,ED,status,both_empty\n"
)


@pytest.fixture
def runs(project):
    return Experiment.load(overrides={"experiment": "tiny"}).runs


@pytest.fixture
def uri(project):
    return f"sqlite:///{project}/mlflow.db"


def finish(run, rows=ROWS, scores=SCORES):
    with run_in_progress(run.folder, run.settings.model_dump(mode="json")) as folder:
        write_history(folder / "history.csv", rows)
    if scores:
        run.scores.parent.mkdir(parents=True)
        run.scores.write_text(scores)


def stored(uri, experiment="tiny"):
    client = MlflowClient(uri)
    return client, client.search_runs([client.get_experiment_by_name(experiment).experiment_id])


def curve(uri, key="train/loss"):
    client, (run,) = stored(uri)
    return [(metric.step, metric.value) for metric in client.get_metric_history(run.info.run_id, key)]


def curve_of(run, name="loss"):
    rows = read_history(run.folder / "history.csv")
    return [(row.epoch, row.value) for row in rows if (row.split, row.name) == ("train", name)]


def test_finished_runs_are_written_once_with_history_and_scores(runs, uri):
    finish(runs[0])
    tracker = Tracker(uri, "tiny")
    assert tracker.fill(runs) == 1
    assert tracker.fill(runs) == 0
    client, (run,) = stored(uri)
    assert run.info.status == "FINISHED"
    assert run.data.metrics["test/DSC/ET"] == 0.75
    assert run.data.metrics["test/DSC"] == 0.5  # of ET 0.75 and ED 0.25
    assert curve(uri) == curve_of(runs[0]) == [(0, 1.0), (1, 0.5), (2, 1 / 3)]
    assert run.data.params["loss"] == runs[0].loss
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == [runs[0].scores.name]


def test_the_mean_of_the_store_is_that_of_the_report_where_no_test_case_has_a_class(runs, uri):
    finish(runs[0])
    with runs[0].scores.open("a") as file:
        for case in "ab":  # only claimed
            file.write(f"d,n,l,0,{case},NC,DSC,0\nd,n,l,0,{case},NC,status,truth_empty\n")
    Tracker(uri, "tiny").fill(runs)
    (run,) = stored(uri)[1]
    summaries = summarise(fold_status(load_scores([runs[0].scores])))
    assert run.data.metrics["test/DSC"] == summaries.set_index("class").loc[MEAN, "mean"] == 0.5
    assert "test/DSC/NC" not in run.data.metrics


def test_rebuild_from_scratch_leaves_nothing_of_before(runs, uri, project):
    finish(runs[0])
    tracker = Tracker(uri, "tiny")
    tracker.fill(runs)
    before = stored(uri)[1][0].info.run_id
    assert tracker.fill(runs, from_scratch=True) == 1
    (run,) = stored(uri)[1]
    assert run.info.run_id != before
    assert run.data.metrics["test/DSC"] == 0.5
    with closing(sqlite3.connect(project / "mlflow.db")) as database:
        assert database.execute("SELECT COUNT(*) FROM runs").fetchone() == (1,)
    assert [folder.name for folder in (project / "mlartifacts" / "tiny").iterdir()] == [run.info.run_id]


def test_a_live_run_is_completed_and_not_written_again(runs, uri):
    with run_in_progress(runs[0].folder, runs[0].settings.model_dump(mode="json")) as folder:
        live = LiveTracker(uri, "tiny", runs[0])
        for epoch in range(3):
            write_history(folder / "history.csv", ROWS[: epoch + 1])
            live([ROWS[epoch]])
        live.finish("FINISHED")
    runs[0].scores.parent.mkdir(parents=True)
    runs[0].scores.write_text(SCORES)
    assert Tracker(uri, "tiny").fill(runs) == 1
    run = stored(uri)[1][0]
    assert run.info.run_id == live.id
    assert curve(uri) == curve_of(runs[0])
    assert run.data.metrics["test/DSC"] == 0.5
    assert run.data.tags["seglossbench.state"] == "DONE"


def test_a_killed_and_resumed_run_has_neither_holes_nor_doubles(runs, uri):
    with (
        suppress(KeyboardInterrupt),
        run_in_progress(runs[0].folder, runs[0].settings.model_dump(mode="json")) as folder,
    ):
        live = LiveTracker(uri, "tiny", runs[0])
        live([ROWS[0]])
        live([ROWS[1]])
        live.finish("KILLED")
        write_history(folder / "history.csv", ROWS[:2])
        raise KeyboardInterrupt
    with run_in_progress(runs[0].folder, runs[0].settings.model_dump(mode="json")) as folder:
        resumed = LiveTracker(uri, "tiny", runs[0])
        other = HistoryRow(1, 10, "train", "loss", 0.625)  # the epoch again, with other digits
        write_history(folder / "history.csv", [ROWS[0], other])
        resumed([other])
        write_history(folder / "history.csv", [ROWS[0], other, ROWS[2]])
        resumed([ROWS[2]])
        resumed.finish("FINISHED")
    assert curve(uri) == curve_of(runs[0]) == [(0, 1.0), (1, 0.625), (2, 1 / 3)]
    assert len(stored(uri)[1]) == 1
    assert Tracker(uri, "tiny").fill(runs) == 1  # the state alone
    assert stored(uri)[1][0].info.run_id == resumed.id


def test_what_was_killed_before_its_tracker_could_say_so_is_made_equal(runs, uri):
    finish(runs[0])
    tracker = Tracker(uri, "tiny")
    id = tracker.start(runs[0])
    tracker.log_history(
        id, [(row, 0.0) for row in [ROWS[0], ROWS[2], HistoryRow(2, 20, "train", "loss", 7.0)]]
    )
    tracker.client.set_tag(id, "mlflow.note.content", "look at this one")
    assert tracker.fill(runs) == 1
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
    assert Tracker(uri, "tiny").fill(runs) == 1
    (run,) = stored(uri)[1]
    assert (run.info.status, run.data.tags["seglossbench.reason"]) == ("FAILED", "ValueError: broken")
    assert [step for step, _ in curve(uri)] == [0, 1]
    with run_in_progress(runs[0].folder, runs[0].settings.model_dump(mode="json")):
        assert Tracker(uri, "tiny").fill(runs) == 0  # what trains is left to its own tracker


def test_scores_of_other_conventions_never_stand_side_by_side(runs, uri):
    finish(runs[0])
    Tracker(uri, "tiny").fill(runs)
    runs[0].scores.write_text("case,class,metric,value\na,ET,HD95,3\n")
    assert Tracker(uri, "tiny").fill(runs) == 1
    metrics = stored(uri)[1][0].data.metrics
    assert {key: value for key, value in metrics.items() if key.startswith("test/")} == {
        "test/HD95": 3,
        "test/HD95/ET": 3,
    }


def test_an_outage_in_the_middle_leaves_no_hole(runs, uri, monkeypatch):
    live = LiveTracker(uri, "tiny", runs[0], patience_seconds=0)
    log_history, away = Tracker.log_history, iter([False, True, False, False])

    def sometimes_away(self, id, rows):
        log_history(self, id, rows)  # written, but the answer is lost
        if next(away):
            raise MlflowException("no answer")

    monkeypatch.setattr(Tracker, "log_history", sometimes_away)
    for row in ROWS:
        live([row])
    live.finish("FINISHED")
    assert curve(uri) == [(row.epoch, row.value) for row in ROWS]


def test_a_server_that_is_away_costs_a_warning_and_no_training(runs, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    live = LiveTracker("http://127.0.0.1:9", "tiny", runs[0])
    live(ROWS)
    with pytest.warns(
        UserWarning, match="MLflow lacks this run, which trained without it; run seglossbench track"
    ):
        live.finish("FINISHED")


def test_a_password_is_in_no_message(project, runs, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    uri = "http://me:s%40cret@127.0.0.1:9"
    live = LiveTracker(uri, "tiny", runs[0])
    live(ROWS)
    with pytest.warns(UserWarning, match="127") as told:
        live.finish("FINISHED")
    experiment = Experiment.load(overrides={"experiment": "tiny", "track": {"uri": uri}})
    said = "".join(stages.track_and_mark(experiment, project / "mark"))
    assert "127.0.0.1" in said
    assert problem_of(project / "mark") == said
    for text in (said, str(told[0].message)):
        assert "s%40cret" not in text
        assert "s@cret" not in text


def test_whatever_goes_wrong_with_mlflow_is_told(runs, uri, monkeypatch):
    monkeypatch.setattr(Tracker, "start", lambda *_: {}["no such key"])
    live = LiveTracker(uri, "tiny", runs[0])
    live(ROWS)
    with pytest.warns(UserWarning, match="KeyError: 'no such key'"):
        live.finish("FINISHED")


def test_a_run_that_cannot_be_written_keeps_no_other_from_it(runs, uri):
    finish(runs[0])
    finish(runs[1])
    (runs[0].folder / "history.csv").write_text("epoch,step\n1,2\n")
    with pytest.raises(
        JobError, match=f"tiny: not all runs could be written: {runs[0].id}: .*damaged history"
    ):
        Tracker(uri, "tiny").fill(runs)
    assert len(stored(uri)[1]) == 1


def test_a_diverged_run_is_shown_as_such(runs, uri):
    with run_in_progress(runs[0].folder, runs[0].settings.model_dump(mode="json")) as folder:
        write_history(folder / "history.csv", [*ROWS, HistoryRow(3, 30, "train", "loss", float("nan"))])
        note_divergence(folder, 3, "loss is nan in epoch 3, step 30")
    assert [Tracker(uri, "tiny").fill(runs) for _ in range(2)] == [1, 0]
    (run,) = stored(uri)[1]
    assert run.info.status == "FINISHED"
    assert run.data.tags["seglossbench.state"] == "DIVERGED"
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
    Tracker(uri, "tiny").fill(runs)
    (run,) = stored(uri)[1]
    assert [pd.Timestamp(ms, unit="ms").year for ms in (run.info.start_time, run.info.end_time)] == [
        2001,
        2002,
    ]


def _write(uri, id):
    runs = Experiment.load(overrides={"experiment": "tiny"}).runs
    live = LiveTracker(uri, "tiny", runs[id])
    live(ROWS)
    live.finish("FINISHED")
    return live.problem


def test_four_trainings_that_need_a_new_store_at_once_make_one(project, uri):
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        assert pool.starmap(_write, [(uri, id) for id in range(4)]) == [""] * 4
    client, found = stored(uri)
    assert len(found) == 4
    assert all(len(client.get_metric_history(run.info.run_id, "train/loss")) == 3 for run in found)


def test_a_deleted_experiment_is_there_again(runs, uri):
    finish(runs[0])
    tracker = Tracker(uri, "tiny")
    tracker.fill(runs)
    tracker.client.delete_experiment(tracker.create_store())
    Tracker(uri, "tiny").fill(runs)
    assert len(stored(uri)[1]) == 1


def test_a_store_that_is_moved_has_its_artifacts_with_it(runs, uri, project, tmp_path_factory, monkeypatch):
    finish(runs[0])
    Tracker(uri, "tiny").fill(runs)
    moved = tmp_path_factory.mktemp("moved") / "a place"
    project.rename(moved)
    monkeypatch.chdir(moved)
    tracker = Tracker("sqlite:///mlflow.db", "tiny")
    client, (run,) = stored("sqlite:///mlflow.db")
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == [runs[0].scores.name]
    assert tracker.fill(runs) == 0
    assert not project.exists()
    with closing(sqlite3.connect("mlflow.db")) as database:
        assert str(project) not in "\n".join(database.iterdump())


@contextmanager
def server_with_files_of_its_own(monkeypatch):
    """The store as a server's would be whose artifacts lie in a folder on the server, out of reach from here."""
    from seglossbench.tracking import local

    monkeypatch.setattr(local.LocalStore, "at", lambda uri: None)
    yield


def test_a_server_gets_no_path_of_this_machine(runs, uri, project, monkeypatch):
    MlflowClient(uri).create_experiment("other")
    finish(runs[0])
    with server_with_files_of_its_own(monkeypatch):
        tracker = Tracker(uri, "tiny")
        created = []
        create = tracker.client.create_experiment
        monkeypatch.setattr(
            tracker.client, "create_experiment", lambda *args, **named: created.append(named) or create(*args)
        )
        tracker.fill(runs)
    assert created == [{"artifact_location": None}]
    assert not (project / "mlartifacts").exists()
    assert not (project / "mlruns").exists()
    assert stored(uri)[1][0].data.metrics["test/DSC"] == 0.5
