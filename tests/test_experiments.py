"""Every experiment of the repository can be asked for, and says what it answers."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from seglossbench import plan
from seglossbench.experiment import Experiment
from seglossbench.params import PhantomParams
from seglossbench.stages import check_experiment
from tests.commands import SNAKEMAKE, check, copy_project

NAMES = sorted(file.stem for file in Path("experiments").glob("*.yaml"))
PLANNED_IN_CI = ("own_data", "papers", "mechanisms")


@pytest.fixture
def load(project, write_nifti):
    """A function that loads an experiment; what needs data of one's own has a case."""
    write_nifti(project / "own" / "a.nii.gz", [[[1.0]]])

    def load(name):
        own = {"data_root": str(project / "own")} if name == "own_data" else {}
        return Experiment.load(overrides={"experiment": name, **own})

    return load


@pytest.mark.parametrize("name", NAMES)
def test_every_experiment_is_planned(load, name):
    experiment = load(name)
    assert len({run.id for run in experiment.runs}) == len(experiment.runs) > 0
    assert plan.summary(experiment).startswith(f"experiment {name}: {len(experiment.runs)} runs")
    if name != "own_data":  # whose one case has no labels
        check_experiment(experiment)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [name if name in PLANNED_IN_CI else pytest.param(name, marks=pytest.mark.long) for name in NAMES]
)
def test_snakemake_plans_every_experiment_without_the_data(tmp_path, write_nifti, name):
    folder = copy_project(tmp_path)
    config = [f"experiment={name}"]
    if name == "own_data":
        for case in range(6):
            write_nifti(folder / "own" / "imagesTr" / f"a{case}_0000.nii.gz", np.full((8, 8, 8), float(case)))
            write_nifti(
                folder / "own" / "labelsTr" / f"a{case}.nii.gz", np.eye(8, dtype=np.uint8)[None].repeat(8, 0)
            )
        about = {
            "channel_names": {"0": "CT"},
            "labels": {"background": 0, "organ": 1},
            "file_ending": ".nii.gz",
        }
        (folder / "own" / "dataset.json").write_text(json.dumps(about | {"numTraining": 6}))
        config.append("data_root=own")
    said = check([*SNAKEMAKE, "-n", "--quiet", "all", "--config", *config], folder)
    assert f"experiment {name}: " in said
    assert "training in all" in said or "how long it takes" in said


@pytest.mark.parametrize("name", NAMES)
def test_every_experiment_says_what_it_is_for(name):
    assert Path("experiments", f"{name}.yaml").read_text().startswith("# ")


def test_the_experiments_of_paper_b_are_those_of_its_release(load):
    every_epoch, fifty, third = map(load, ("region_wise_every_epoch", "region_wise_50", "region_wise"))
    trained = [
        (run.train.epochs, run.train.test_every) for run in (e.runs[0] for e in (every_epoch, fifty, third))
    ]
    assert trained == [(300, 1), (50, None), (300, 2)]
    assert len({run.seed for run in fifty.runs}) == 10
    assert {"rrw", "boundary"} <= {run.loss for run in every_epoch.runs} & {run.loss for run in fifty.runs}


def test_stability_is_asked_with_both_forms_of_the_maps_in_both_precisions(load):
    runs = load("stability").runs
    for loss in ("boundary", "rrw", "boundary_ce", "rrw_dice"):
        asked = {(run.settings.maps.degenerate, run.train.precision) for run in runs if run.loss == loss}
        assert asked == {(maps, digits) for maps in ("defined", "released") for digits in ("float32", "fp16")}


def test_the_forms_of_the_maps_differ_in_nothing_else(load):
    of_form = {run.settings.maps.degenerate: run.settings for run in load("stability").runs if run.seed == 0}
    defined, released = (of_form[form].decisive for form in ("defined", "released"))
    assert {key for key in defined if defined[key] != released[key]} <= {"maps", "dataset"}


def test_contours_are_made_in_every_way_that_the_release_leaves_open(load):
    runs = [run for run in load("form_and_kernel").runs if run.loss == "cwcd"]
    made = {(run.settings.maps.contour_kernel, run.settings.maps.scope) for run in runs}
    assert made == {(3, "patch"), (2, "patch"), (3, "volume")}
    assert len({run.id.rpartition("-")[2] for run in runs}) == len(runs)


def test_the_mechanisms_turn_one_dial_at_a_time(load):
    datasets = load("mechanisms").datasets
    neutral = {name: PhantomParams.model_fields[name].default for name in PhantomParams.DIALS}
    turned = {
        dataset.name: {dial for dial, value in dataset.params.phantom.dials.items() if value != neutral[dial]}
        for dataset in datasets
    }
    assert {name for name, dials in turned.items() if not dials} == {"share_10", "discs"}
    assert all(len(dials) <= 1 for dials in turned.values())
    assert set.union(*turned.values()) == set(neutral)


def test_empty_patches_are_trained_with_both_forms_of_the_maps(load):
    runs = [run for run in load("mechanisms").runs if run.dataset.params.phantom.empty_share]
    for loss in ("boundary", "rrw"):
        asked = {
            (run.dataset.params.phantom.empty_share, run.settings.maps.degenerate, run.seed)
            for run in runs
            if run.loss == loss
        }
        assert asked == set(product((0.2, 0.4, 0.6), ("defined", "released"), range(10)))
