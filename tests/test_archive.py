"""What DVC keeps of runs, and that it is apart from them."""

import shutil
import tarfile
from pathlib import Path

import pytest

from seglossbench.errors import InputError
from seglossbench.experiment import Experiment
from seglossbench.records import State, state, working_folder
from seglossbench.stages.archive import ARCHIVE, archive, kept_run, kept_scores, restore
from tests.conftest import finish


@pytest.fixture
def experiment(project):
    experiment = Experiment.load(overrides={"experiment": "tiny"})
    for run in experiment.runs[:2]:
        finish(run, scores="case,class,metric,value\n")
    return experiment


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def test_the_archive_has_a_file_of_each_finished_run_and_its_scores_and_nothing_else(experiment):
    assert archive(experiment) == 2
    first, second, *_ = experiment.runs
    kept = {kept(run) for run in (first, second) for kept in (kept_run, kept_scores)}
    assert {ARCHIVE / path for path in files(ARCHIVE)} == kept
    assert kept_scores(first).read_bytes() == first.scores.read_bytes()
    shutil.rmtree(first.folder)
    first.scores.unlink()
    assert archive(experiment) == 1
    assert {ARCHIVE / path for path in files(ARCHIVE)} == {kept_run(second), kept_scores(second)}


def test_a_run_is_packed_into_the_same_bytes_by_everybody_and_once(experiment, monkeypatch):
    archive(experiment)
    run = experiment.runs[0]
    packed = kept_run(run).read_bytes()
    before = kept_run(run).stat()
    archive(experiment)
    assert kept_run(run).stat().st_mtime_ns == before.st_mtime_ns, "what is there is not written again"
    kept_run(run).unlink()
    for name in run.files:
        (run.folder / name).chmod(0o444)
        (run.folder / name).touch()
    archive(experiment)
    assert kept_run(run).read_bytes() == packed


def test_whatever_becomes_of_the_archive_the_runs_stay(experiment):
    archive(experiment)
    before = files("runs"), files("scores")
    for path in (*ARCHIVE.rglob("*.tar"), *ARCHIVE.rglob("*.csv")):
        path.unlink()
    shutil.rmtree(ARCHIVE)
    assert (files("runs"), files("scores")) == before


def test_what_only_the_archive_has_comes_back(experiment):
    archive(experiment)
    before = files("runs"), files("scores")
    shutil.rmtree("runs")
    shutil.rmtree("scores")
    working_folder(experiment.runs[0].folder).mkdir(parents=True)  # of a training that was interrupted
    kept_run(experiment.runs[0]).chmod(0o444)  # as DVC leaves it
    assert restore(experiment) == 2
    assert (files("runs"), files("scores")) == before
    assert restore(experiment) == 0
    (experiment.runs[0].folder / "checkpoint.pt").write_text("other weights")
    assert b"weights" in kept_run(experiment.runs[0]).read_bytes()
    assert b"other" not in kept_run(experiment.runs[0]).read_bytes(), (
        "a copy, so that neither changes with the other"
    )


def lacks_weights(run):
    with tarfile.open(kept_run(run), "w"):
        pass


def is_cut(run):
    kept_run(run).write_bytes(kept_run(run).read_bytes()[:600])


def is_no_tar(run):
    kept_run(run).write_text("version https://git-lfs.github.com/spec/v1")


@pytest.mark.parametrize("damage", [lacks_weights, is_cut, is_no_tar])
def test_half_a_run_does_not_come_back_and_is_named(experiment, damage):
    archive(experiment)
    shutil.rmtree("runs")
    damage(experiment.runs[0])
    with pytest.raises(InputError, match=r"seed0-\w+\.tar: no whole run .*dvc checkout") as caught:
        restore(experiment)
    assert "\n" not in str(caught.value)
    assert state(experiment.runs[0].folder) is State.NOT_LAUNCHED


def test_a_run_without_its_weights_is_not_kept(experiment):
    (experiment.runs[0].folder / "checkpoint.pt").unlink()
    assert archive(experiment) == 1
    assert not kept_run(experiment.runs[0]).exists()
