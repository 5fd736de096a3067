"""The experiments of the papers keep what docs/protocols.md says of their data."""

from types import SimpleNamespace

import pytest

from seglossbench import stages
from seglossbench.data.layouts import index_cases
from seglossbench.data.preparation.preprocessing import preprocess_dataset
from seglossbench.data.preparation.presets import PRESETS, recipe
from seglossbench.data.prepared import PreparedDataset
from seglossbench.data.splits import split_cases
from seglossbench.experiment import Experiment
from seglossbench.training.batches import PatchBatches


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


def test_pengwin_is_divided_and_prepared_as_released(datasets):
    dataset = datasets("pengwin")["pengwin"]
    cases = [SimpleNamespace(name=f"{n:03}", patient=f"{n:03}", official=None) for n in range(1, 101)]
    split = split_cases(cases, dataset.params, "pengwin")
    assert {int(name) for name in split.test} == {14, 24, 41, 55, 82, *range(84, 92), *range(94, 101)}
    assert (len(split.train), len(split.validation)) == (72, 8)
    prepared = recipe(dataset.preprocess, dataset.params.layout, "CT")
    assert (prepared.spacing_mm, prepared.ct, prepared.ct_window_hu) == (
        (2, 2, 2),
        "window_z_score",
        (-500, 1000),
    )
    slabs = dataset.train.slabs
    assert (slabs.slices, slabs.overlap, slabs.axis) == (64, 16, 2)
    assert dataset.train.patch_size == (*prepared.centre_crop[:2], slabs.slices)  # a patch is a whole slab


def test_a_fractured_phantom_is_prepared_and_cut_into_slabs(project):
    """As the experiment does it, on two small pelves."""
    phantom = {"layout": "pengwin", "training": 2, "test": 1, "shape": [48, 36, 33]}
    known = {
        "source": None,
        "phantom": phantom,
        "split_file": None,
        "split": "hold_out",
        "validation_fraction": 0,
    }
    experiment = Experiment.load(overrides={"experiment": "pengwin", "datasets": {"pengwin": known}})
    dataset = experiment.dataset("pengwin")
    stages.download(dataset)
    index = index_cases(dataset.raw, dataset.params)
    preprocess_dataset(index, dataset.preprocess, dataset.prepared, "pengwin", raw=dataset.raw)
    cases = list(PreparedDataset(dataset.prepared).cases.values())
    assert [case.shape for case in cases] == [(192, 144, 130)] * 3
    maps = experiment.params.maps
    batches = PatchBatches(cases, {}, ("contour",), 13, dataset.train, maps, dataset="pengwin", seed=0)
    assert [piece.first.tolist() for piece in batches.pieces[:3]] == [[0, 0, 0], [0, 0, 48], [0, 0, 66]]
    batch = batches.batch(0, 0)
    assert batch.image.shape == (1, 1, 192, 144, 64)
    assert len(batch.truth.labels.unique()) > 3


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
STUDIED["pengwin"] = STUDIED["contour_weighted"]
# plain cross-entropy is no loss that paper B studied
OURS = {
    "contour_weighted": set(),
    "pengwin": set(),
    "region_wise": {"ce"},
}


@pytest.mark.parametrize("name", STUDIED)
def test_every_studied_loss_is_trained(project, name):
    experiment = Experiment.load(overrides={"experiment": name})
    assert {run.loss for run in experiment.runs} == STUDIED[name] | OURS[name]


# The eleven of paper A's release.
RELEASED = {
    *("u_net_a", "pdanet", "deeplab_v3_plus", "slim_unetr", "ux_net_3d", "nn_former", "unetr", "swin_unetr"),
    *("rep_ux_net", "vnet", "attention_unet"),
}


def test_many_networks_are_those_of_the_release(project):
    runs = Experiment.load(overrides={"experiment": "many_networks"}).runs
    assert {run.network for run in runs} == RELEASED


def test_paper_a_trains_the_same_networks_on_all_of_its_data(project):
    built = [
        {run.network: (run.settings.architecture, run.settings.options) for run in experiment.runs}
        for experiment in (
            Experiment.load(overrides={"experiment": name}) for name in ("contour_weighted", "pengwin")
        )
    ]
    assert built[0] == built[1]
    assert set(built[0]) > RELEASED
