"""Odd names through the whole workflow: each comes out of it as it went in."""

import html
import json
import re
import shlex
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import yaml

from seglossbench.errors import InputError
from seglossbench.experiment import Experiment
from seglossbench.tracking.keys import metric_key
from tests.odd_names import ODD_NAMES

PHANTOM = {"phantom": {"layout": "brats", "training": 4, "test": 2, "shape": [32, 32, 32], "seed": 0}}
SMALL = {
    "networks": {"unet": {"channels": [4, 8], "strides": [2], "num_res_units": 0}},
    "train": {"epochs": 1, "steps_per_epoch": 1, "patch_size": [8, 8, 8]},
}


def write(project, name, **sections):
    file = project / "experiments" / f"{name}.yaml"
    file.write_text(yaml.safe_dump(SMALL | sections), encoding="utf-8")


@pytest.fixture
def odd(project):
    """A project with an experiment ``odd``, of every odd name as dataset and as loss."""
    write(
        project,
        "odd",
        grid={"datasets": [*ODD_NAMES], "networks": ["unet"], "losses": ["ce"], "seeds": [0]},
        datasets=dict.fromkeys(ODD_NAMES, PHANTOM),
    )
    write(
        project,
        "losses",
        grid={"datasets": ["brats_phantom"], "networks": ["unet"], "losses": [*ODD_NAMES], "seeds": [0]},
        losses={name: {"ce": 1.0} for name in ODD_NAMES},
    )
    return project


@pytest.mark.parametrize("name", ["odd", "losses"])
def test_every_run_has_a_folder_of_its_own(odd, name):
    runs = Experiment.load(overrides={"experiment": name}).runs
    assert {run.dataset.name if name == "odd" else run.loss for run in runs} == set(ODD_NAMES)
    assert len({run.folder for run in runs}) == len(ODD_NAMES)
    assert {len(run.folder.parts) for run in runs} == {5}
    assert not any(part.startswith((".", "-")) for run in runs for part in run.folder.parts)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["odd", "losses"])
def test_snakemake_hands_every_name_on(odd, name):
    words = [sys.executable, "-m", "snakemake", "--cores", "1", "-n", "-p", "--config", f"experiment={name}"]
    answer = subprocess.run(words, cwd=odd, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    commands = [
        shlex.split(line.partition(": ")[2])
        for line in answer.stdout.splitlines()
        if line.startswith("Shell command: ")
    ]
    if name == "odd":
        prepared = [words[words.index("--") + 1] for words in commands if "preprocess" in words]
        assert sorted(prepared) == sorted(ODD_NAMES)
    experiment = Experiment.load(overrides={"experiment": name})
    trained = [words[words.index("--score") + 1] for words in commands if "train" in words]
    assert {experiment.run(id) for id in trained} == set(experiment.runs)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (None, r"grid\.losses\.0: expected a name, found None"),
        ("", r"grid\.losses\.0: '' is no name: a name neither is empty nor begins or ends with a space"),
        ("a ", r"grid\.losses\.0: 'a ' is no name"),
        ("a\nb", r"grid\.losses\.0: 'a\\nb' is no name: a name has no control characters"),
    ],
)
def test_what_is_no_name_is_told(project, name, said):
    write(
        project,
        "odd",
        grid={"losses": [name], "datasets": ["brats_phantom"], "networks": ["unet"], "seeds": [0]},
    )
    with pytest.raises(InputError, match=said):
        Experiment.load(overrides={"experiment": "odd"})


def test_a_name_that_looks_like_a_number_needs_no_quotes(project):
    (project / "experiments" / "odd.yaml").write_text(
        "grid: {datasets: [brats_phantom], losses: [1, 1.0, true, 007, no], seeds: [0]}\n"
        "losses: {1: {ce: 1}, 1.0: {ce: 2}, true: {ce: 3}, 007: {ce: 4}, no: {ce: 5}}"
    )
    losses = Experiment.load(overrides={"experiment": "odd"}).params.grid.losses
    assert losses == ("1", "1.0", "true", "007", "no")


CASES = [name for name in ODD_NAMES if "/" not in name and name[0] != "." and len(name.encode()) < 230]
LOSSES = ["a/b", "..", "$x$", "NA", "=1+1", "{x}", "<b>bold</b>", "\u202ekcab\u202c", "é" * 200]


@pytest.mark.slow
def test_every_name_comes_out_of_the_workflow_as_it_went_in(project, write_nifti, tmp_path_factory):
    from mlflow import MlflowClient

    data = tmp_path_factory.mktemp("data")
    classes = {"background": 0} | {name: value + 1 for value, name in enumerate(ODD_NAMES)}
    random = np.random.default_rng(0)
    for case in CASES:
        labels = random.permutation(np.arange(12**3) % len(classes)).reshape(12, 12, 12).astype(np.uint8)
        write_nifti(data / "labelsTr" / f"{case}.nii.gz", labels)
        write_nifti(data / "imagesTr" / f"{case}_0000.nii.gz", labels.astype(np.float32))
    description = {
        "channel_names": {"0": "MRI"},
        "labels": classes,
        "numTraining": len(CASES),
        "file_ending": ".nii.gz",
    }
    (data / "dataset.json").write_text(json.dumps(description), encoding="utf-8")
    write(
        project,
        "odd",
        grid={"datasets": ["<5mm"], "networks": ["&"], "losses": LOSSES, "seeds": [0]},
        datasets={"<5mm": {"folder": str(data), "split": "hold_out", "test_fraction": 0.1}},
        networks={"&": SMALL["networks"]["unet"] | {"architecture": "UNet"}},
        losses={name: {"ce": 1.0} for name in LOSSES},
        train=SMALL["train"] | {"runs_per_job": len(LOSSES), "batch_size": 1},
        evaluate={"metrics": ["DSC"]},
    )
    words = [sys.executable, "-m", "snakemake", "--cores", "2", "--config", "experiment=odd"]
    answer = subprocess.run(words, cwd=project, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "To fill it" not in answer.stderr

    experiment = Experiment.load(overrides={"experiment": "odd"})
    files = [run.scores for run in experiment.runs]
    scores = pd.concat([pd.read_csv(file, dtype=str, keep_default_na=False) for file in files])
    assert set(scores["class"]) == set(ODD_NAMES)
    assert set(scores["loss"]) == set(LOSSES)
    assert set(scores["dataset"]) == {"<5mm"}
    assert set(scores["case"]) < set(CASES)
    client = MlflowClient(f"sqlite:///{project}/mlflow.db")
    stored = client.search_runs(
        [client.get_experiment_by_name("odd/<5mm").experiment_id], "tags.kind = 'run'"
    )
    assert sorted(run.data.tags["loss"] for run in stored) == sorted(LOSSES)
    assert {metric_key("test", f"DSC/{name}") for name in ODD_NAMES} < stored[0].data.metrics.keys()
    page = experiment.report.read_text(encoding="utf-8")
    for name in [*LOSSES, "<5mm", "&"]:
        assert html.escape(name) in page
    assert "<b>bold</b>" not in page
    files = experiment.report.parent.glob("tables/*.csv")
    tables = [pd.read_csv(file, dtype=str, keep_default_na=False) for file in files]
    # What a spreadsheet would compute has an apostrophe before it there, as does what begins with one.
    found = [{re.sub("^'", "", loss) for loss in table["loss"]} for table in tables if "loss" in table]
    # Tables of gains are of the losses beside the baseline.
    assert set(LOSSES) in found
    assert all(losses <= set(LOSSES) and len(losses) >= len(LOSSES) - 1 for losses in found)
