import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime

import pytest

from seglossbench import records
from seglossbench.errors import InputError, JobError
from seglossbench.files import write_json
from seglossbench.records import HistoryRow, State, run_in_progress, state


def test_a_run_goes_from_not_launched_to_done(tmp_path):
    folder = tmp_path / "seed0-1f"
    assert state(folder) is State.NOT_LAUNCHED
    with run_in_progress(folder, {"seed": 0}) as running:
        assert state(folder) is State.RUNNING
        assert not folder.exists()
        (running / "checkpoint.pt").write_text("weights")
    assert state(folder) is State.DONE
    assert (folder / "checkpoint.pt").read_text() == "weights"
    assert json.loads((folder / "settings.json").read_text()) == {"seed": 0}
    (call,) = json.loads((folder / "provenance.json").read_text())["calls"]
    assert call["libraries"]["torch"]
    assert call["started"] <= call["ended"]
    assert not records.working_folder(folder).exists()


def fail(folder, error):
    with run_in_progress(folder, {}) as running:
        (running / "resume.pt").write_text("epoch 3")
        raise error


def test_a_failed_run_keeps_its_work_and_says_why(tmp_path):
    folder = tmp_path / "seed0-1f"
    with pytest.raises(ValueError, match="broken"):
        fail(folder, ValueError("broken\nscan"))
    assert state(folder) is State.FAILED
    assert records.failure(folder) == "ValueError: broken scan"
    with run_in_progress(folder, {}) as running:
        assert (running / "resume.pt").read_text() == "epoch 3"
        assert records.failure(folder) == ""
    assert state(folder) is State.DONE


def test_every_call_of_a_run_is_recorded_and_counts_into_its_duration(tmp_path, monkeypatch):
    folder = tmp_path / "seed0-1f"
    monkeypatch.setattr(records, "LIBRARIES", ("torch", "numpy"))
    moments = iter(["2026-01-01T10:00:00+00:00"])
    monkeypatch.setattr(records, "now", lambda: next(moments))
    with pytest.raises(KeyboardInterrupt):
        fail(folder, KeyboardInterrupt())
    running = records.working_folder(folder)
    for file in running.iterdir():
        os.utime(file, (0, 0))
    left = datetime(2026, 1, 1, 10, 0, 20, tzinfo=UTC).timestamp()
    os.utime(running / "resume.pt", (left, left))

    moments = iter(["2026-01-02T10:00:00+00:00", "2026-01-02T10:00:05+00:00"])
    monkeypatch.setattr(records, "LIBRARIES", ("torch",))
    with run_in_progress(folder, {}, device="a GPU"):
        pass
    calls = json.loads((folder / "provenance.json").read_text())["calls"]
    assert [call["ended"] for call in calls] == ["2026-01-01T10:00:20+00:00", "2026-01-02T10:00:05+00:00"]
    assert [call["device"] for call in calls] == ["", "a GPU"]
    assert [list(call["libraries"]) for call in calls] == [["torch", "numpy"], ["torch"]]
    assert records.duration_seconds(folder) == 25


def test_versions_are_those_that_runs_recorded(tmp_path):
    for name, torch in (("a", ["2.8"]), ("b", ["2.9"]), ("c", ["2.8", "2.9"]), ("d", ["2.9", "2.9"])):
        calls = [
            {"libraries": {"torch": one, "numpy": "2.1"}, "python": "3.11", "commit": "1f", "device": "cpu"}
            for one in torch
        ]
        write_json(tmp_path / name / "provenance.json", {"calls": calls})
    versions = records.versions_of(tmp_path / name for name in "abcd")
    assert versions == {
        "torch": "2.9 (2 runs), 2.8 (1 run), 2.8 then 2.9 (1 run)",
        "numpy": "2.1",
        "Python": "3.11",
        "seglossbench": "1f",
        "device": "cpu",
    }
    assert records.versions_of([]) == {}


def test_the_version_is_that_of_the_repository_which_has_the_code(tmp_path, monkeypatch):
    def git(*words):
        names = ["-c", "user.name=a", "-c", "user.email=a@b"]
        answer = subprocess.run(
            ["git", *names, *words], cwd=tmp_path, check=True, capture_output=True, text=True
        )
        return answer.stdout.strip()

    def commit():
        return records.provenance()["commit"]

    monkeypatch.setattr(records, "__file__", str(tmp_path / "src" / "records.py"))
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "records.py").write_text("")
    assert commit() == "unknown"
    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "notes of somebody else's, in whose folder the code lies")
    assert commit() == "unknown"
    git("add", "src")
    git("commit", "-q", "-m", "the code")
    assert commit() == git("rev-parse", "--short=12", "HEAD")
    (tmp_path / "src" / "records.py").write_text("edited")
    assert commit().endswith("-dirty")


def test_a_diverged_run_is_finished_and_says_when_and_why(tmp_path):
    folder = tmp_path / "seed0-1f"
    with run_in_progress(folder, {}) as running:
        records.note_divergence(running, 3, "loss is nan in epoch 3, step 12")
    assert state(folder) is State.DIVERGED
    assert state(folder).is_finished
    assert records.failure(folder) == "loss is nan in epoch 3, step 12"
    outcome = json.loads((folder / "outcome.json").read_text())
    assert (outcome["state"], outcome["epoch"]) == ("DIVERGED", 3)
    assert outcome["started"] <= outcome["finished"]


def test_what_a_killed_call_left_half_written_is_removed(tmp_path):
    folder = tmp_path / "seed0-1f"
    running = records.working_folder(folder)
    running.mkdir()
    (running / ".tmp-x1-resume.pt").write_text("half")
    records.note_divergence(running, 3, "of the call that was killed")
    with run_in_progress(folder, {}):
        pass
    assert not list(folder.glob(".tmp-*"))
    assert state(folder) is State.DONE


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGINT"])  # out of memory, preempted, Ctrl-C
def test_a_killed_run_is_interrupted(tmp_path, name):
    folder = tmp_path / "seed0-1f"
    program = (
        "import os, signal, sys; from pathlib import Path; from seglossbench.records import run_in_progress\n"
        # Tests that a shell runs in the background inherit that Ctrl-C is ignored.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"with run_in_progress(Path(sys.argv[1]), {{}}): os.kill(os.getpid(), signal.{name})"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(folder)], stderr=subprocess.DEVNULL)
    assert killed.returncode == -getattr(signal, name)
    assert state(folder) is State.INTERRUPTED
    assert records.failure(folder) == ""


def test_one_who_looks_keeps_nobody_from_starting(tmp_path):
    folder = tmp_path / "seed0-1f"
    with pytest.raises(ValueError, match="first"):
        fail(folder, ValueError("first"))
    with (records.working_folder(folder) / "lock").open() as looks:
        fcntl.flock(looks, fcntl.LOCK_SH)
        assert state(folder) is State.FAILED, "another one who looks is no training"
        timer = threading.Timer(0.15, fcntl.flock, (looks, fcntl.LOCK_UN))
        timer.start()
        with run_in_progress(folder, {}):
            assert state(folder) is State.RUNNING
        timer.join()


def test_a_run_is_not_trained_twice_at_once(tmp_path):
    folder = tmp_path / "seed0-1f"
    with run_in_progress(folder, {}), pytest.raises(JobError, match="another process"):
        fail(folder, AssertionError)


def test_a_run_that_another_process_has_just_finished_is_left_alone(tmp_path):
    folder = tmp_path / "seed0-1f"
    with run_in_progress(folder, {}) as running:
        (running / "checkpoint.pt").write_text("first")
    with pytest.raises(JobError, match="another process has just finished this run"):
        fail(folder, AssertionError())
    assert (folder / "checkpoint.pt").read_text() == "first"
    assert not records.working_folder(folder).exists()


def test_a_folder_that_is_no_finished_run_is_replaced(tmp_path):
    folder = tmp_path / "seed0-1f"
    folder.mkdir()
    (folder / "scrap").touch()
    with run_in_progress(folder, {}):
        pass
    assert state(folder) is State.DONE
    assert not (folder / "scrap").exists()


def test_history_survives_the_disk(tmp_path):
    rows = [
        HistoryRow(0, 10, "train", "loss", 0.1 + 0.2),
        HistoryRow(1, 20, "validation", "DSC/ET", float("nan")),
    ]
    records.write_history(tmp_path / "history.csv", rows)
    read = records.read_history(tmp_path / "history.csv")
    assert read[0] == rows[0]
    assert str(read[1]) == str(rows[1])
    assert (tmp_path / "history.csv").read_text().splitlines()[0] == "epoch,step,split,name,value"


def test_damaged_history_is_named(tmp_path):
    (tmp_path / "history.csv").write_text("epoch,step,split,name,value\n1,x,train,loss,1\n")
    with pytest.raises(InputError, match=r"history\.csv: damaged"):
        records.read_history(tmp_path / "history.csv")
