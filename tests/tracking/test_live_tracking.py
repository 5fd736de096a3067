import os
import signal
import threading
import time
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from mlflow.exceptions import MlflowException

from seglossbench import stages
from seglossbench.errors import InputError, Stopped
from seglossbench.experiment import Experiment
from seglossbench.records import (
    HistoryRow,
    State,
    run_in_progress,
    state,
    write_history,
)
from seglossbench.stages.stopping import stoppable
from seglossbench.tracking.filling import fill
from seglossbench.tracking.live import LiveTracker
from seglossbench.tracking.marks import problem_of
from seglossbench.tracking.store import Tracker
from tests.tracking.tracked import NAME, ROWS, SCORES, curve, curve_of, live, stored


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


def names(uri):
    try:
        return [key for run in stored(uri)[1] for key in run.data.metrics]
    except (AttributeError, MlflowException):  # not there yet
        return []


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
