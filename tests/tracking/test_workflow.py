"""Whatever happens to MLflow's store, the next call ends in the report, and MLflow has the runs when it can."""

import re
import shutil

import pytest
import yaml

from seglossbench.tracking.local import LocalStore
from seglossbench.tracking.marks import RUN_TAG
from tests.commands import SNAKEMAKE, call, check, copy_project
from tests.conftest import TINY

pytestmark = pytest.mark.slow
AWAY = "http://127.0.0.1:9"


def write(folder, name, **changes):
    small = yaml.safe_load(TINY)
    small["grid"] |= {"datasets": ["brats_phantom"], "losses": ["ce_dice"]}
    small["train"]["runs_per_job"] = 1
    (folder / "experiments" / f"{name}.yaml").write_text(yaml.safe_dump(small | changes))


def snakemake(folder, name="small", *words):
    words = [*SNAKEMAKE, "--config", f"experiment={name}", *words]
    return check(words, folder, MLFLOW_HTTP_REQUEST_MAX_RETRIES="0")


def runs_in(file, name="small", dataset="brats_phantom"):
    store = LocalStore(file)  # not by MLflow, which keeps files open that are gone
    pages = store.pages_of([f"{name}/{dataset}"], RUN_TAG)
    assert all(re.fullmatch(r"#/experiments/\d+/runs/[0-9a-f]{32}", page) for page in pages.values())
    return store.runs_of([f"{name}/{dataset}"], RUN_TAG)


@pytest.fixture
def folder(tmp_path):
    return copy_project(tmp_path)


@pytest.mark.long
def test_mlflow_away_gone_and_elsewhere(folder):
    write(folder, "small", track={"uri": AWAY, "live": True})
    said = snakemake(folder)
    page = folder / "reports/small/index.html"
    (trained,) = folder.glob("runs/*/*/*/seed0-*")
    assert "To fill it, as no report needs: seglossbench --set 'experiment=\"small\"' track" in said
    written = page.stat().st_mtime_ns
    assert "track" in check([*SNAKEMAKE, "--config", "experiment=small", "-n"], folder), (
        "and it is tried again"
    )

    store, run = folder / "mlflow.db", f"brats_phantom/unet/ce_dice/{trained.name}"
    write(folder, "small")
    snakemake(folder)
    assert runs_in(store) == {run}
    assert "Nothing to be done" in snakemake(folder, "small", "-n")

    store.unlink()
    snakemake(folder)
    assert runs_in(store) == {run}

    write(folder, "small", track={"uri": "sqlite:///elsewhere/other.db"})
    snakemake(folder)
    assert runs_in(folder / "elsewhere/other.db") == {run}
    assert page.stat().st_mtime_ns == written, "and no report was made again for it"

    write(folder, "small")
    shutil.copy(folder / "experiments/small.yaml", folder / "experiments/copied.yaml")
    snakemake(folder, "copied")
    assert runs_in(store, "copied") == {run}
    assert "copied" in (folder / "reports/copied/index.html").read_text()
    assert [str(trained)] == [str(found) for found in folder.glob("runs/*/*/*/seed0-*")]


def test_published_scores_change_the_report_alone(folder):
    write(folder, "small")
    snakemake(folder)
    write(
        folder,
        "small",
        datasets={
            "brats_phantom": {
                **yaml.safe_load(TINY)["datasets"]["brats_phantom"],
                "published": {"format": "topomortar", "folder": "nowhere"},
            }
        },
    )
    said = call([*SNAKEMAKE, "--config", "experiment=small", "-n"], folder)
    assert said.returncode == 0
    assert "report small" in said.stdout + said.stderr
    assert "train brats" not in said.stdout + said.stderr
