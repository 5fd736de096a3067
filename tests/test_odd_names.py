"""Odd names through the whole workflow: each comes out of it as it went in."""

import shlex
import subprocess
import sys

import pytest
import yaml

from seglossbench.errors import InputError
from seglossbench.experiment import Experiment
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
    trained = [words[words.index("train") + 1] for words in commands if "train" in words]
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
