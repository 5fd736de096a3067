"""What DVC keeps of runs, and that it is apart from them."""

import shutil
from pathlib import Path

import pytest

from seglossbench.experiment import Experiment
from seglossbench.records import State, state, working_folder
from seglossbench.stages.archive import ARCHIVE, archive, restore
from tests.conftest import finish


@pytest.fixture
def experiment(project):
    experiment = Experiment.load(overrides={"experiment": "tiny"})
    for run in experiment.runs[:2]:
        finish(run, scores="case,class,metric,value\n")
    return experiment


def files(folder):
    return {path.relative_to(folder): path.read_text() for path in Path(folder).rglob("*") if path.is_file()}


def test_the_archive_has_the_finished_runs_and_scores_and_nothing_else(experiment):
    assert archive(experiment) == 2
    runs, scores = files("runs"), files("scores")
    assert files(ARCHIVE) == {"runs" / path: text for path, text in runs.items()} | {
        "scores" / path: text for path, text in scores.items()
    }
    shutil.rmtree(experiment.runs[0].folder)
    experiment.runs[0].scores.unlink()
    assert archive(experiment) == 1
    assert set(files(ARCHIVE / "runs")) == set(files("runs"))
    assert not (ARCHIVE / experiment.runs[0].folder).exists()


def test_whatever_becomes_of_the_archive_the_runs_stay(experiment):
    archive(experiment)
    before = files("runs")
    for path in ARCHIVE.rglob("history.csv"):
        path.unlink()
    shutil.rmtree(ARCHIVE)
    assert files("runs") == before


def test_what_only_the_archive_has_comes_back(experiment):
    archive(experiment)
    before = files("runs"), files("scores")
    shutil.rmtree("runs")
    shutil.rmtree("scores")
    working_folder(experiment.runs[0].folder).mkdir(parents=True)  # of a training that was interrupted
    assert restore(experiment) == 2
    assert (files("runs"), files("scores")) == before
    assert restore(experiment) == 0
    (experiment.runs[0].folder / "checkpoint.pt").write_text("other weights")
    assert "weights" in files(ARCHIVE).values(), "a copy, so that neither changes with the other"


def test_half_a_run_does_not_come_back(experiment):
    archive(experiment)
    shutil.rmtree("runs")
    (ARCHIVE / experiment.runs[0].folder / "checkpoint.pt").unlink()
    assert restore(experiment) == 1
    assert state(experiment.runs[0].folder) is State.NOT_LAUNCHED
