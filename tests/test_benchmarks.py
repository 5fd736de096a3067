"""What an experiment takes around its steps is counted whole, and by what it was for."""

import pytest

from benchmarks import bench_scale
from benchmarks.bench_overhead import measure, stage_of, step_seconds
from seglossbench.records import HistoryRow, write_history

PROGRAM = "/src/seglossbench/__main__.py"


@pytest.mark.parametrize(
    ("words", "stage"),
    [
        ([PROGRAM, "--log", "logs/train/x.log", "train", "--planned", "--score", "id"], "train"),
        ([PROGRAM, "--set", "train={epochs: 2}", "--for", "data/maps/x", "maps", "--", "x"], "maps"),
        (["/lib/snakemake/__main__.py", "--cores", "all"], "snakemake"),
        (["-c"], "else"),
    ],
)
def test_a_process_is_told_by_its_stage(words, stage):
    assert stage_of(words) == stage


def test_steps_are_what_histories_say_of_their_four_parts(tmp_path):
    for run, data in (("a", 1.0), ("b", 2.0)):
        parts = {"data": data, "forward": 4.0, "backward": 8.0, "optimiser": 16.0, "prediction": 100.0}
        rows = [HistoryRow(0, 1, "cost", f"seconds/{part}", spent) for part, spent in parts.items()]
        folder = tmp_path / "runs" / "dataset" / "network" / "loss" / run
        folder.mkdir(parents=True)
        write_history(folder / "history.csv", [*rows, HistoryRow(0, 1, "train", "seconds/data", 1000.0)])
    assert step_seconds(tmp_path) == 1 + 2 + 2 * 28


@pytest.mark.long
def test_few_runs_are_within_the_limits_of_many():
    assert all(figures["met"] for figures in bench_scale.run(some=20, many=40))


@pytest.mark.long
def test_a_small_experiment_is_measured_whole(capsys):
    grid = {"datasets": ["brats_phantom"], "networks": ["unet"], "losses": ["ce"], "seeds": [0]}
    found = measure({"grid": grid, "train": {"epochs": 1}})
    assert found["work"] == "1 runs of 16 steps in all"
    assert found["ours_s"] > found["rival_s"] > 0
    told = capsys.readouterr().err
    assert all(stage in told for stage in ("train", "preprocess", "maps", "report", "track", "snakemake"))
    assert "evaluate" not in told, "a training scores its run"
