"""Small things that many tests share."""

import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from seglossbench.records import DATA, HistoryRow, run_in_progress, write_history

# Two busy cores must not fail a property: examples are bounded in number, not in time.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

PROJECT = Path(__file__).parents[1]
REALDATA = PROJECT.parent / "shared" / "realdata"

TINY = """
grid: {datasets: [brats_phantom, amos_phantom], networks: [unet], losses: [ce_dice, rrw_ce], seeds: [0]}
datasets:
  brats_phantom: {phantom: {training: 4, test: 2, shape: [32, 32, 32]}}
  amos_phantom: {phantom: {training: 4, test: 2, shape: [32, 32, 32]}}
networks: {unet: {channels: [4, 8], strides: [2], num_res_units: 0}}
train: {epochs: 2, steps_per_epoch: 2, patch_size: [16, 16, 16], threads: 1}
evaluate: {predict: {window_size: [32, 32, 32]}}
"""


def finish(run, scores=""):
    """Let a run be finished as if it had been trained, and scored if there is a text of scores."""
    with run_in_progress(run.folder, run.settings.model_dump(mode="json")) as folder:
        write_history(folder / "history.csv", [HistoryRow(0, 1, "train", "loss", 0.5)])
        (folder / "checkpoint.pt").write_text("weights")
        (folder / DATA).write_text("{}")
    if scores:
        run.scores.parent.mkdir(parents=True, exist_ok=True)
        run.scores.write_text(scores)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A copy of the project's workflow and params, with an experiment ``tiny``, as the working folder."""
    for name in ("workflow", "experiments"):
        shutil.copytree(PROJECT / name, tmp_path / name)
    for name in ("Snakefile", "params.yaml", "dvc.yaml"):
        shutil.copy(PROJECT / name, tmp_path)
    (tmp_path / "experiments" / "tiny.yaml").write_text(TINY)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def realdata():
    """The small real scans beside the project."""
    if not REALDATA.is_dir():
        pytest.skip("no ../shared/realdata beside the project")
    return REALDATA


@pytest.fixture
def write_nifti():
    """A function that writes an array as NIfTI, 1 mm voxels by default."""

    def write(file: Path, array, affine=None):
        file.parent.mkdir(parents=True, exist_ok=True)
        nib.save(nib.Nifti1Image(np.asarray(array), np.eye(4) if affine is None else affine), file)
        return file

    return write


def pytest_collection_modifyitems(items):
    """Files with slow tests first, so that no worker ends up alone with one."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)  # kept by --no-loadscope-reorder
