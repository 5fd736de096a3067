"""`seglossbench score`: faults all at once, missing predictions, ignored labels, and what it says beside the scores."""

import json

import numpy as np
import pandas as pd
import pytest

from seglossbench.cli import main
from seglossbench.evaluation import score_case

SHAPE = (10, 9, 8)


def ball(at):
    grid = np.indices(SHAPE)
    return (sum((axis - centre) ** 2 for axis, centre in zip(grid, at, strict=True)) <= 6).astype(np.uint8)


@pytest.fixture
def folders(tmp_path, write_nifti):
    for case in ("a", "b", "c"):
        write_nifti(tmp_path / "truth" / f"{case}.nii.gz", ball((4, 4, 4)))
        write_nifti(tmp_path / "mine" / f"{case}.nii.gz", ball((5, 4, 4)))
    return tmp_path


@pytest.fixture
def score(folders, capsys, monkeypatch):
    """A function that runs the command on the two folders: its status, the lines of its errors, and its table."""
    monkeypatch.chdir(folders)

    def run(*options, out="scores.csv"):
        with pytest.raises(SystemExit) as ended:
            main(["score", "truth", "mine", "--metrics", "DSC,HD95", "--out", out, *options])
        lines = [line for line in capsys.readouterr().err.splitlines() if "it/s" not in line]
        table = folders / out
        return ended.value.code, lines, pd.read_csv(table) if table.exists() else None

    return run


def dsc(table):
    return table[table["metric"] == "DSC"].set_index("case")["value"].astype(float).to_dict()


def test_every_fault_is_told_at_once_and_before_any_work(folders, score, write_nifti):
    (folders / "mine" / "a.nii.gz").rename(folders / "mine" / "x.nii.gz")
    write_nifti(folders / "mine" / "b.nii.gz", ball((5, 4, 4)), np.diag([2, 1, 1, 1]))
    (folders / "mine" / "c.nii.gz").write_bytes(b"no image")
    (folders / "truth" / "d.nii").write_bytes(b"")
    write_nifti(folders / "truth" / "d.nii.gz", ball((4, 4, 4)))
    status, lines, table = score()
    assert status == 2
    assert table is None
    for words, line in zip(
        (
            "truth: d.nii and d.nii.gz are of the same case; remove one",
            "mine: no prediction for truth/a.nii.gz",
            "mine: no prediction for truth/d.nii",
            "truth: no truth for mine/x.nii.gz",
            "truth/b.nii.gz and mine/b.nii.gz are not on the same grid: spacing (2, 1, 1) mm differs",
            "mine/c.nii.gz: not a readable NIfTI file",
            "6 faults: nothing was scored",
        ),
        lines,
        strict=True,
    ):
        assert line.startswith(f"seglossbench: {words}")


def test_one_fault_is_one_line(folders, score):
    (folders / "mine" / "a.nii.gz").unlink()
    status, lines, _ = score()
    assert (status, lines) == (2, ["seglossbench: mine: no prediction for truth/a.nii.gz"])


def test_missing_predictions_count_as_empty_or_are_left_out(folders, score):
    (folders / "mine" / "a.nii.gz").unlink()
    status, lines, table = score("--missing", "empty")
    assert status == 0
    assert lines[0] == "without prediction, scored as empty: a"
    assert "1 prediction_empty" in lines[1]
    found = dsc(table)
    assert found["a"] == 0
    assert 0 < found["b"] == found["c"] < 1

    (folders / "truth" / "b.nii.gz").unlink()
    status, lines, _ = score("--missing", "empty")
    assert (status, lines) == (2, ["seglossbench: truth: no truth for mine/b.nii.gz"])
    status, lines, table = score("--missing", "skip")
    assert (status, lines[0]) == (0, "without truth or prediction, left out: a, b")
    assert dsc(table) == {"c": found["c"]}


@pytest.mark.parametrize("by", ["option", "dataset.json"])
def test_ignored_voxels_are_left_out(folders, score, write_nifti, by):
    """The upper half of the truth is not annotated; what is predicted there counts for nothing."""
    half = np.where(np.indices(SHAPE)[2] >= 4, 255, ball((4, 4, 4))).astype(np.uint8)
    for case in ("a", "b", "c"):
        write_nifti(folders / "truth" / f"{case}.nii.gz", half)
    if by == "dataset.json":
        labels = {"background": 0, "ball": 1, "ignore": 255}
        (folders / "dataset.json").write_text(json.dumps({"labels": labels}))
    status, lines, table = score(*(["--ignore", "255"] if by == "option" else []))
    assert status == 0
    assert set(table["class"]) == {1}
    assert lines == ([] if by == "option" else ["label 255 is ignored, as dataset.json says"])
    lower = np.where(half == 255, 0, 1)
    expected = score_case(
        ball((4, 4, 4)) * lower,
        ball((5, 4, 4)) * lower,
        (1, 1, 1),
        classes={"1": [1]},
        metrics=("DSC", "HD95"),
    )
    of_first = table[table["case"] == "a"]
    assert list(of_first["value"]) == [record["value"] for record in expected]
    status, lines, _ = score("--ignore", "255", "--regions", "ball=1,255")
    assert (status, lines) == (2, ["seglossbench: classes: ball: label 255 is ignored; leave it out"])


def test_a_name_for_what_is_scored(score):
    assert set(score("--loss", "CWCD, 3 seeds")[2]["loss"]) == {"CWCD, 3 seeds"}
    status, lines, _ = score("--loss", " ")
    assert (status, lines) == (2, ["seglossbench: loss: give a name that is not empty, or none"])


def report(*files):
    with pytest.raises(SystemExit) as ended:
        main(["report", *(word for file in files for word in ("--scores", file)), "--out", "report"])
    return ended.value.code


def test_the_report_states_the_conventions_of_the_scores(folders, score, capsys):
    (folders / "mine" / "a.nii.gz").unlink()
    options = ("--hd95", "max_directed", "--empty", "brats", "--missing", "empty", "--ignore", "9")
    score(*options, "--loss", "one", out="one.csv")
    assert report("one.csv") == 0
    page = " ".join((folders / "report" / "index.html").read_text().split())
    for words in (
        "max_directed: the larger of the two directions",
        "brats: a missed class or a false alarm has DSC 0 and distance 373.12866",
        "Without prediction, scored as empty",
        "voxels whose truth is 9",
        "in mm",
        "set by the empty policy “brats”",
    ):
        assert words in page
    assert "not stated by whoever" not in page

    score(*options, "--loss", "two", out="two.csv")
    capsys.readouterr()
    assert report("one.csv", "two.csv") == 0
    score(*options[2:], "--loss", "two", out="two.csv")
    capsys.readouterr()
    assert report("one.csv", "two.csv") == 2
    said = capsys.readouterr().err
    assert "one.csv and two.csv: scored by different conventions: HD95 max_directed and pooled" in said


def test_scores_without_conventions_beside_others(folders, score):
    score(out="one.csv")
    text = (folders / "one.csv").read_text()
    (folders / "other.csv").write_text(text)
    assert report("one.csv", "other.csv") == 0
    page = (folders / "report" / "index.html").read_text()
    assert "not stated by whoever" in page
    assert "Not stated of other.csv" in page
    (folders / "other.conventions.json").write_text("[1]")
    assert report("other.csv") == 2


def test_voxels_and_pixels_are_stated_as_the_unit(folders, score):
    score("--empty", "paper_a_released")
    assert json.loads((folders / "scores.conventions.json").read_text())["distance_unit"] == "voxels"
