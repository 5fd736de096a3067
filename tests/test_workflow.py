"""The whole workflow on tiny phantoms, by the commands that users type."""

import json
import shutil
import zipfile

import pandas as pd
import pytest

from tests.commands import SNAKEMAKE, call, check, copy_project
from tests.conftest import PROJECT, TINY

pytestmark = pytest.mark.slow

# Tokens of what a lab's shell has, none of which is asked for here.
PLANTED = {
    name: f"planted-{name.lower()}-0123456789"
    for name in (
        "KAGGLE_KEY",
        "SYNAPSE_AUTH_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "GITHUB_TOKEN",
        "MLFLOW_TRACKING_TOKEN",
    )
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A project with its code and without git, as from a ZIP, whose tiny experiment was run whole."""
    folder = copy_project(tmp_path_factory.mktemp("project"))
    shutil.copytree(PROJECT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    tiny = TINY.replace("threads: 1", "threads: 1, runs_per_job: 2")
    (folder / "experiments" / "tiny.yaml").write_text(tiny)
    params = (folder / "params.yaml").read_text()
    (folder / "params.yaml").write_text(params.replace("experiment: phantoms", "experiment: tiny"))
    check(SNAKEMAKE, folder, PYTHONPATH=str(folder / "src"), **PLANTED)
    return folder


def test_it_ends_in_a_page_with_tables_and_figures(finished):
    folder = finished / "reports" / "tiny"
    page = (folder / "index.html").read_text()
    for words in ("brats_phantom", "amos_phantom", "rrw_ce", "HD95"):
        assert words in page
    assert len(list((folder / "tables").glob("*.csv"))) >= 4
    assert len(list((folder / "figures").glob("*.png"))) >= 4
    assert "tiny/index.html" in (finished / "reports" / "index.html").read_text()


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
    for dataset in ("brats_phantom", "amos_phantom"):
        experiment = client.get_experiment_by_name(f"tiny/{dataset}")
        runs = client.search_runs([experiment.experiment_id], "tags.kind = 'run'")
        assert len(runs) == 2
        for run in runs:
            assert run.info.status == "FINISHED"
            assert {"train/loss", "validation/DSC", "test/DSC", "test/HD95"} <= run.data.metrics.keys()
            assert run.data.params["train.epochs"] == "2"
        parents = client.search_runs([experiment.experiment_id], "tags.kind = 'all seeds'")
        means = pd.read_csv(finished / "reports/tiny/analysis/means.csv")
        for parent in parents:
            of_loss = (means["dataset"] == dataset) & (means["loss"] == parent.data.params["loss"])
            mean = means[
                of_loss & (means["metric"] == "DSC") & (means["class"] == "*") & (means["network"] == "unet")
            ]
            assert parent.data.metrics["test/DSC"] == mean["mean"].item()
        assert {run.data.tags["mlflow.parentRunId"] for run in runs} == {p.info.run_id for p in parents}
        (report,) = client.search_runs([experiment.experiment_id], "tags.kind = 'report'")
        files = client.list_artifacts(report.info.run_id, "figures")
        assert any(file.path.endswith(".png") for file in files)


def test_no_token_of_the_environment_is_in_any_file(finished):
    tokens = [token.encode() for token in PLANTED.values()]
    files = [file for file in finished.rglob("*") if file.is_file()]
    assert len(files) > 100
    for file in files:
        content = file.read_bytes()
        assert not any(token in content for token in tokens), file


def test_without_git_the_code_has_no_version_and_is_told_by_its_fingerprints(finished):
    runs = [file.parent for file in (finished / "runs").rglob("provenance.json")]
    assert len(runs) == 4
    for run in runs:
        (call,) = json.loads((run / "provenance.json").read_text())["calls"]
        assert call["commit"] == "unknown"
        assert "seglossbench.training.loop" in json.loads((run / "settings.json").read_text())["code"]


def test_nothing_but_mlflow_which_follows_holds_the_place_of_the_project(finished):
    for name in ("data", "runs", "predictions", "scores", "reports", "logs"):
        for file in (finished / name).rglob("*"):
            if file.is_symlink():
                assert not file.readlink().is_absolute(), file
            elif file.is_file():
                assert str(finished).encode() not in file.read_bytes(), file


def test_a_second_run_does_nothing(finished):
    assert "Nothing to be done" in check([*SNAKEMAKE, "-n"], finished)


def test_finished_runs_have_no_job_when_all_that_can_be_made_again_is_gone(finished, tmp_path):
    for name in ("Snakefile", "params.yaml", "workflow", "profiles", "experiments", "runs"):
        (tmp_path / name).symlink_to(finished / name)
    shutil.copytree(finished / "scores", tmp_path / "scores")
    jobs = planned(check([*SNAKEMAKE, "-n"], tmp_path))
    assert {"train", "evaluate", "maps", "preprocess", "download"}.isdisjoint(jobs)
    shutil.rmtree(tmp_path / "scores")
    jobs = planned(check([*SNAKEMAKE, "-n"], tmp_path))
    assert jobs["evaluate"] == 4
    assert jobs["preprocess"] == 2
    assert {"train", "maps"}.isdisjoint(jobs)


def test_a_removed_run_is_trained_and_scored_again(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "copy", symlinks=True)
    run = next((tmp_path / "copy" / "runs").glob("brats_phantom/unet/ce_dice/seed0-*"))
    shutil.rmtree(run)
    jobs = planned(check([*SNAKEMAKE, "-n"], tmp_path / "copy"))
    assert (jobs["train"], jobs["report"]) == (1, 1)
    assert "evaluate" not in jobs, "a training scores its run"


def test_a_job_of_a_cluster_that_waited_while_code_changed_is_told_so(finished):
    for target, said in (
        ("logs/trained/brats_phantom/unet/ce_dice/seed0-0123456789ab", "no such plan; snakemake writes it"),
        ("data/maps/brats_phantom-0123456789ab", "the experiment does not make this any more"),
    ):
        answer = call([*SNAKEMAKE, target], finished)
        assert answer.returncode != 0
        assert said in answer.stdout + answer.stderr


def planned(text):
    """How many jobs of each rule a dry run has."""
    rows = [line.split() for line in text.partition("Job stats:")[2].partition("total")[0].splitlines()]
    return {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit()}


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
    log = next(log for log in (finished / "logs" / "download").glob("amos22-*.log") if log.is_symlink())
    assert log.read_text().splitlines()[-1].startswith(line)
    assert "Traceback" not in answer.stdout + answer.stderr + log.read_text()
    assert (
        "failed in this call, 1 in all\n  download of amos22: amos22: the licence of amos22" in answer.stderr
    )


def test_snakemake_report_has_the_page_and_every_runs_scores_with_captions(finished, tmp_path):
    file = tmp_path / "report.zip"
    check([*SNAKEMAKE, "--report", str(file)], finished)
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        text = "".join(archive.read(name).decode() for name in names if name.endswith((".html", ".js")))
    scores = [name for name in names if name.endswith(".csv") and name.count("/") == 4]
    assert len(scores) == 4
    assert any(name.endswith("/index.html") for name in names)
    assert "one row per case, class and metric" in text
    assert "what holds, with intervals over seeds and cases" in text
