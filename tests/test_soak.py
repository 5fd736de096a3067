"""The comparison that the soak ends in, and one round of it."""

import subprocess
import sys

import pytest

from benchmarks import results, soak
from tests.conftest import PROJECT


@pytest.fixture
def compared(tmp_path, monkeypatch):
    """A function that changes a file of a project and gives what then differs."""
    monkeypatch.setattr(results, "_stored", lambda uri: {})
    files = {
        "runs/d/n/l/seed0-1/history.csv": "epoch,step,split,name,value\n0,1,train,loss,0.5\n0,1,cost,seconds,1.5\n",
        "runs/d/n/l/seed0-1/checkpoint.pt": "weights",
        "scores/d/1.csv": "case,value\na,0.5\n",
        "reports/tiny/tables/runs.csv": "run,seconds\nl,1.5\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    expected = results.results(tmp_path, "")

    def change(name, former, now):
        (tmp_path / name).write_text(files[name].replace(former, now))
        return results.differing(expected, results.results(tmp_path, ""))

    return change


@pytest.mark.parametrize(
    ("name", "former", "now"),
    [
        ("runs/d/n/l/seed0-1/history.csv", "0.5", "0.50000001"),
        ("runs/d/n/l/seed0-1/checkpoint.pt", "weights", "weight"),
        ("scores/d/1.csv", "0.5", "0.6"),
        ("reports/tiny/tables/runs.csv", "run", "ran"),
    ],
)
def test_every_digit_counts(compared, name, former, now):
    assert compared(name, former, now) == [name]


@pytest.mark.parametrize("name", ["runs/d/n/l/seed0-1/history.csv", "reports/tiny/tables/runs.csv"])
def test_what_the_machine_took_is_no_result(compared, name):
    assert compared(name, "1.5", "2.5") == []


@pytest.mark.slow
def test_a_round_of_disturbances_changes_no_digit(tmp_path):
    try:
        with soak.small_disk(tmp_path / "disk"):
            pass
    except RuntimeError as error:
        pytest.skip(str(error))
    words = ["--rounds", "1", "--seed", "1", "--each", "2", "--folder", tmp_path / "soak"]
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.soak", *words], cwd=PROJECT, capture_output=True, text=True
    )
    assert answer.returncode == 0, answer.stdout[-3000:] + answer.stderr[-3000:]
    log = (tmp_path / "soak" / "round0" / "log.txt").read_text()
    assert log.count("the call ended with") >= 3, "two disturbed calls and one that is not"
