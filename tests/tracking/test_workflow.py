"""Whatever happens to MLflow's store, the next call ends in the report, and MLflow has the runs when it can."""

import shutil

import pytest
import yaml

from seglossbench.tracking.local import LocalStore
from seglossbench.tracking.marks import RUN_TAG
from tests.conftest import TINY
from tests.test_workflow import SNAKEMAKE, call, check

pytestmark = pytest.mark.slow
AWAY = "http://127.0.0.1:9"


def write(folder, name, **changes):
    small = yaml.safe_load(TINY)
    small["grid"] |= {"datasets": ["brats_phantom"], "losses": ["ce_dice"]}
    small["train"]["runs_per_job"] = 1
    (folder / "experiments" / f"{name}.yaml").write_text(yaml.safe_dump(small | changes))


def snakemake(folder, name="small", *words):
    return check([*SNAKEMAKE, "--config", f"experiment={name}", *words], folder)


def runs_in(file, name="small"):
    return LocalStore(file).runs_of(name, RUN_TAG)  # not by MLflow, which keeps files open that are gone


def test_mlflow_away_gone_and_elsewhere(project, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    write(project, "small", track={"uri": AWAY, "live": True})
    said = snakemake(project)
    page = next(project.glob("reports/**/index.html"))
    (trained,) = project.glob("runs/*/*/*/seed0-*")
    assert "To fill it, as no report needs: seglossbench --set 'experiment=\"small\"' track" in said
    written = page.stat().st_mtime_ns
    assert "track" in check([*SNAKEMAKE, "--config", "experiment=small", "-n"], project), (
        "and it is tried again"
    )

    store, run = project / "mlflow.db", f"brats_phantom/unet/ce_dice/{trained.name}"
    write(project, "small")
    snakemake(project)
    assert runs_in(store) == {run}
    assert "Nothing to be done" in snakemake(project, "small", "-n")

    store.unlink()
    snakemake(project)
    assert runs_in(store) == {run}

    write(project, "small", track={"uri": "sqlite:///elsewhere/other.db"})
    snakemake(project)
    assert runs_in(project / "elsewhere/other.db") == {run}
    assert page.stat().st_mtime_ns == written, "and no report was made again for it"

    write(project, "small")
    shutil.copy(project / "experiments/small.yaml", project / "experiments/copied.yaml")
    snakemake(project, "copied")
    assert runs_in(store, "copied") == {run}
    assert any("copied" in page.read_text() for page in project.glob("reports/**/index.html"))
    assert [str(trained)] == [str(folder) for folder in project.glob("runs/*/*/*/seed0-*")]


def test_published_scores_change_the_report_alone(project):
    write(project, "small")
    snakemake(project)
    write(
        project,
        "small",
        datasets={
            "brats_phantom": {
                **yaml.safe_load(TINY)["datasets"]["brats_phantom"],
                "published": {"format": "topomortar", "folder": "nowhere"},
            }
        },
    )
    said = call([*SNAKEMAKE, "--config", "experiment=small", "-n"], project)
    assert said.returncode == 0
    assert "report small" in said.stdout + said.stderr
    assert "train brats" not in said.stdout + said.stderr
