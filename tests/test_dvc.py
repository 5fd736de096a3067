"""DVC's commands in a project whose runs are finished, and which of them reach the runs."""

import json
import shutil

import pytest

from seglossbench.experiment import Experiment
from seglossbench.jobs import report_mark
from seglossbench.stages import analyse
from seglossbench.tracking.marks import mark_of, write_mark
from tests.commands import call as call_words
from tests.commands import check, copy_project
from tests.conftest import PROJECT, finish

pytestmark = pytest.mark.slow

ONE = """
grid: {datasets: [brats_phantom], networks: [unet], losses: [ce], seeds: [0]}
train: {epochs: 2}
track: {uri: "http://127.0.0.1:9"}  # of which a mark is believed
"""
SCORES = "dataset,network,loss,seed,case,class,metric,value\nbrats_phantom,unet,ce,0,a,WT,DSC,0.5\n"


def finish_all(experiment, scores=SCORES):
    """Let an experiment be done, as if Snakemake had run it."""
    for run in experiment.runs:
        if not run.folder.exists():
            finish(run, scores=scores.replace(",ce,0,", f",ce,{run.seed},"))
    analyse(experiment, experiment.report.parent / "analysis")
    shutil.copy(experiment.report.parent / "analysis/metrics.json", experiment.report.parent)
    for file in (experiment.report, report_mark(experiment)):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("made")
    write_mark(mark_of(experiment), "")


def git(*words):
    check(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], ".")


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository of Git and DVC with a finished experiment of one run, as the working folder."""
    copy_project(tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "experiments" / "one.yaml").write_text(ONE)
    params = (tmp_path / "params.yaml").read_text()
    (tmp_path / "params.yaml").write_text(params.replace("experiment: phantoms", "experiment: one"))
    git("init", "-q")
    check(["dvc", "init", "-q"], ".")
    shutil.copy(PROJECT / ".dvc" / "config", ".dvc")
    finish_all(Experiment.load())
    check(["dvc", "repro", "-q"], ".")
    git("add", ".")
    git("commit", "-q", "-m", "one")
    return tmp_path


def check_output(words):
    answer = call_words(words, ".")
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def runs(folder):
    return {path.name.removesuffix(".tar") for path in (folder / "runs").rglob("seed*")}


def test_no_dvc_command_removes_a_run(repository):
    finish_all(Experiment.load(overrides={"train": {"epochs": 3}}))
    check(["dvc", "exp", "run", "-q", "-n", "three", "-S", "experiments/one.yaml:train.epochs=3"], ".")
    # Trained by Snakemake alone since, so that DVC has never seen it.
    finish_all(Experiment.load(overrides={"grid": {"seeds": [0, 1, 2]}}))
    before = runs(repository)
    assert len(before) == 4
    for words in (["exp", "apply", "three"], ["checkout", "-f"], ["exp", "remove", "three"]):
        check(["dvc", *words], ".")
        assert runs(repository) == before
    git("stash", "-q")
    check(["dvc", "checkout", "-f"], ".")
    assert len(runs(repository / "archive")) == 1
    check(["dvc", "gc", "-w", "-f"], ".")
    assert runs(repository) == before


def test_a_change_that_the_experiment_hides_is_told(repository):
    answer = call_words(["dvc", "exp", "run", "-S", "train.epochs=3"], ".")
    assert answer.returncode != 0
    said = answer.stdout + answer.stderr
    assert "train.epochs was changed, which has no effect because experiments/one.yaml sets it" in said
    assert "dvc exp run -S 'experiments/one.yaml:train.epochs=3'" in said


def test_a_second_clone_takes_runs_and_scores_from_a_remote(repository, tmp_path_factory):
    remote, clone = tmp_path_factory.mktemp("remote"), tmp_path_factory.mktemp("clone") / "clone"
    check(["dvc", "remote", "add", "-d", "here", str(remote)], ".")
    git("add", ".dvc/config")
    git("commit", "-q", "-m", "remote")
    check(["dvc", "push", "-q"], ".")
    git("clone", "-q", ".", str(clone))
    check(["dvc", "pull", "-q", "archive"], clone)
    check(["seglossbench", "archive", "--restore"], clone)
    assert runs(clone) == runs(repository)
    for run in Experiment.load().runs:
        assert (clone / run.scores).read_text() == SCORES


def test_params_and_the_experiment_are_remembered(repository):
    lock = (repository / "dvc.lock").read_text()
    assert "experiments/one.yaml" in lock
    assert "epochs: 2" in lock
    shutil.rmtree(repository / "archive")
    check(["dvc", "checkout", "-q"], ".")
    assert len(runs(repository / "archive")) == 1


def test_experiments_are_compared_by_their_numbers(repository):
    other = Experiment.load(overrides={"losses": {"ce": {"ce": 2.0}}})
    finish_all(other, SCORES.replace("0.5", "0.75"))
    assert other.runs[0].id != Experiment.load().runs[0].id
    check(["dvc", "exp", "run", "-q", "-n", "doubled", "-S", "losses.ce.ce=2.0"], ".")
    told = json.loads(check_output(["dvc", "metrics", "diff", "--json", "HEAD", "doubled"]))
    mean = told["archive/numbers/metrics.json"]["brats_phantom.unet.ce.DSC.mean"]
    assert mean == {"old": 0.5, "new": 0.75, "diff": 0.25}
    shown = json.loads(check_output(["dvc", "exp", "show", "--json"]))
    assert "doubled" in json.dumps(shown)
    assert "0.75" in json.dumps(shown)
    page = check_output(["dvc", "plots", "diff", "HEAD", "doubled", "--json"])
    drawn = json.loads(page)["data"]
    assert {
        "archive/numbers/means/DSC.csv",
        "archive/numbers/curves/train_loss brats_phantom unet ce.csv",
    } <= set(drawn)


def test_a_second_repro_copies_and_writes_nothing_of_what_is_kept(repository):
    def facts():
        kept = [file for file in (repository / "archive").rglob("*") if file.is_file()]
        return {file: (file.stat().st_ino, file.stat().st_mtime_ns) for file in kept}

    before = facts()
    assert any(file.suffix == ".tar" for file in before)
    ours = {file.stat().st_ino for name in ("runs", "scores") for file in (repository / name).rglob("*")}
    assert not any(inode in ours for inode, _ in before.values()), "what happens to it happens to no run"
    check(["dvc", "repro", "-q"], ".")
    assert facts() == before


def test_no_raw_data_are_in_dvcs_cache(repository):
    kept = [file for file in (repository / ".dvc/cache").rglob("*") if file.is_file()]
    assert kept
    assert not any(file.read_bytes()[:2] == b"\x1f\x8b" for file in kept), "no archive, no scan"
    assert sum(file.stat().st_size for file in kept) < 1e6
