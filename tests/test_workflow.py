"""The whole workflow on tiny phantoms, by the commands that users type."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

SNAKEMAKE = [sys.executable, "-m", "snakemake", "--cores", "2"]
pytestmark = pytest.mark.slow


def call(words, folder):
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)


def check(words, folder):
    answer = call(words, folder)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout + answer.stderr


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A project whose tiny experiment was run whole."""
    from tests.conftest import PROJECT, TINY

    folder = tmp_path_factory.mktemp("project")
    for name in ("workflow", "profiles", "experiments"):
        shutil.copytree(PROJECT / name, folder / name, symlinks=True)
    for name in ("Snakefile", "dvc.yaml"):
        shutil.copy(PROJECT / name, folder)
    (folder / "experiments" / "tiny.yaml").write_text(TINY)
    params = (PROJECT / "params.yaml").read_text().replace("experiment: phantoms", "experiment: tiny")
    (folder / "params.yaml").write_text(params)
    # DVC wants the code that its stages depend on, and a repository.
    (folder / "src").symlink_to(PROJECT / "src")
    check(["git", "init", "-q"], folder)
    check(["dvc", "init", "-q"], folder)
    check(SNAKEMAKE, folder)
    return folder


def test_it_ends_in_a_page_with_tables_and_figures(finished):
    page = (finished / "reports" / "index.html").read_text()
    for words in ("brats_phantom", "amos_phantom", "rrw_ce", "HD95"):
        assert words in page
    assert len(list((finished / "reports" / "tables").glob("*.csv"))) >= 4
    assert len(list((finished / "reports" / "figures").glob("*.png"))) >= 4


def test_every_run_has_scores_of_every_test_case_and_class(finished):
    tables = [pd.read_csv(file) for file in (finished / "scores").rglob("*.csv")]
    scores = pd.concat(tables)
    assert len(tables) == 4
    numbers = scores[scores["metric"] != "status"]
    counts = numbers.groupby(["dataset", "loss", "metric"]).size()
    assert set(counts["brats_phantom"]) == {2 * 3}
    assert set(counts["amos_phantom"]) == {2 * 15}


def test_every_run_is_in_mlflow(finished):
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{finished}/mlflow.db")
    experiment = client.get_experiment_by_name("tiny")
    runs = client.search_runs([experiment.experiment_id])
    assert len(runs) == 4
    for run in runs:
        assert run.info.status == "FINISHED"
        assert {"train/loss", "validation/DSC", "test/DSC", "test/HD95"} <= run.data.metrics.keys()
        assert run.data.params["train.epochs"] == "2"


def test_a_second_run_does_nothing(finished):
    assert "Nothing to be done" in check([*SNAKEMAKE, "-n"], finished)


def test_dvc_retrains_the_changed_losses_runs_only(finished):
    before = checkpoints(finished)
    check(["dvc", "repro", "-q"], finished)
    assert checkpoints(finished) == before, "a plain snakemake before dvc repro leaves nothing to train"
    params = finished / "params.yaml"
    params.write_text(
        params.read_text().replace("rrw_ce: {ce: 1.0, rrw: 1.0}", "rrw_ce: {ce: 1.0, rrw: 2.0}")
    )
    check(["dvc", "repro", "-q"], finished)
    after = checkpoints(finished)
    assert {path: time for path, time in after.items() if path in before} == before
    new = [path.parts for path in after.keys() - before.keys()]
    assert len(new) == 2
    assert all("rrw_ce" in parts for parts in new)
    assert "Nothing to be done" in check([*SNAKEMAKE, "-n"], finished)


def test_dvc_trains_again_after_any_change_that_a_run_depends_on(finished):
    before = checkpoints(finished)
    params = finished / "params.yaml"
    name = "  brats_phantom:\n"
    assert name in params.read_text()
    params.write_text(params.read_text().replace(name, f"{name}    split_seed: 5\n"))
    check(["dvc", "repro", "-q"], finished)
    new = [path.parts for path in checkpoints(finished).keys() - before.keys()]
    assert len(new) == 2
    assert all("brats_phantom" in parts for parts in new)


def checkpoints(folder):
    return {
        file.relative_to(folder): file.stat().st_mtime_ns for file in (folder / "runs").rglob("checkpoint.pt")
    }


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("experiment=tinny", "did you mean 'tiny'"),
        ("evaluate={classes: regions}", "dataset amos_phantom has no regions"),
        ("losses={rrw_ce: {rww: 1}}", "losses.rrw_ce: unknown loss term 'rww'; did you mean 'rrw'"),
    ],
)
def test_a_bad_experiment_is_one_line(finished, config, message):
    answer = call([*SNAKEMAKE, "-n", "--config", config], finished)
    assert answer.returncode != 0
    assert message in answer.stdout + answer.stderr
    assert "Traceback" not in answer.stdout + answer.stderr


def test_a_licence_that_is_not_accepted_is_one_line_on_the_console_and_in_the_log(finished):
    (finished / "experiments" / "public.yaml").write_text("grid: {datasets: [amos22]}\n")
    answer = call([*SNAKEMAKE, "--config", "experiment=public", "--", "data_all"], finished)
    assert answer.returncode != 0
    line = "seglossbench: amos22: the licence of amos22, CC BY 4.0"
    assert line in answer.stdout + answer.stderr
    (log,) = (finished / "logs" / "download").glob("amos22-*.log")
    assert log.read_text().splitlines()[-1].startswith(line)
    assert "Traceback" not in answer.stdout + answer.stderr + log.read_text()
