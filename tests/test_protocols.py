"""The experiments of the papers keep what docs/protocols.md says of their data."""

import pytest

from seglossbench.data.preparation.presets import PRESETS
from seglossbench.experiment import Experiment


@pytest.fixture
def datasets(project):
    def load(name):
        experiment = Experiment.load(overrides={"experiment": name})
        return {dataset.name: dataset for dataset in experiment.datasets}

    return load


def test_patches_of_paper_b_are_axial_and_left_right_comes_first(datasets):
    trained = {name: dataset.train for name, dataset in datasets("region_wise").items()}
    assert {name: train.slice_axis for name, train in trained.items()} == dict.fromkeys(trained, 2)
    # nnU-Net writes (y, x) and these are (x, y): hearts are cut wide, heads are longer than broad.
    assert trained["acdc17"].patch_size == (224, 256)
    assert trained["brats18_hgg"].patch_size == (160, 192)


def test_a_patch_of_kits_is_no_larger_than_its_resized_slices(datasets):
    patch = datasets("region_wise")["kits19"].train.patch_size
    slices = PRESETS["paper_b"]["kits"]["resize"][:2]
    assert all(size <= most for size, most in zip(patch, slices, strict=True))


def test_acdc_is_divided_among_the_patients_of_the_training_part_alone(datasets):
    assert datasets("region_wise")["acdc17"].params.select == "training/*"


@pytest.mark.parametrize(
    ("dataset", "cases", "test"), [("amos22", 240 + 120, 120), ("brats2020", 369, round(0.2 * 369))]
)
def test_an_epoch_of_paper_a_is_as_many_steps_as_cases_that_train(datasets, dataset, cases, test):
    chosen = datasets("contour_weighted")[dataset]
    others = cases - test
    training = others - round(chosen.params.validation_fraction * others)
    assert chosen.train.steps_per_epoch == training


# What the papers' lists of studied losses hold, by our names: docs/protocols.md says where each stands.
STUDIED = {
    "contour_weighted": {
        *("ce", "dice_pooled", "ce_dice_pooled", "generalised_dice", "distmap_dice", "focal"),
        *("cwcd", "cwcd_printed", "cw_ce", "separable_dice"),
    },
    "region_wise": {
        *("dice", "rrw", "focal", "boundary", "boundary_dice_gradual", "weighted_ce"),
        *(f"{x}_{d}{how}" for x in ("boundary", "rrw") for d in ("ce", "dice") for how in ("", "_gradual")),
    },
}
OURS = {
    "contour_weighted": set(),
    "region_wise": {"ce"},
}  # plain cross-entropy is no loss that paper B studied


@pytest.mark.parametrize("name", STUDIED)
def test_every_studied_loss_is_trained(project, name):
    experiment = Experiment.load(overrides={"experiment": name})
    assert {run.loss for run in experiment.runs} == STUDIED[name] | OURS[name]
