"""A run's settings and the cases of its data become a training."""

from types import SimpleNamespace

import pytest
import torch

from seglossbench.data.splits import Split
from seglossbench.experiment import Experiment
from seglossbench.losses import build
from seglossbench.maps import Truth
from seglossbench.training.run import training_of


@pytest.fixture
def settings(project):
    fixed = {"weighted_ce": {"weights": "training_set"}}
    changes = {"experiment": "tiny", "losses": {"fixed": fixed}, "grid": {"losses": ["fixed"]}}
    return Experiment.load(overrides=changes).runs[0].settings


def case(*voxels):
    return SimpleNamespace(
        name=str(voxels), voxels_per_class=voxels, shape=(8, 8, 8), slice_axis=lambda train: None
    )


PREPARED = SimpleNamespace(
    cases={"a": case(700, 30), "b": case(200, 70), "c": case(1, 99999)},
    channels=("x",),
    classes=("background", "organ"),
)
SPLIT = Split(train=("a", "b"), validation=(), test=("c",))


@pytest.mark.parametrize(
    ("device", "stored", "made_ahead", "read"),
    [
        ("cpu", {}, ["contour", "rectified"], ()),
        ("cuda", {}, ["rectified"], ()),  # which makes contours itself
        ("cuda", {"a": "maps of the whole volume"}, [], ("contour", "rectified")),
    ],
)
def test_what_a_gpu_can_make_itself_is_not_made_ahead(project, device, stored, made_ahead, read):
    changes = {"experiment": "tiny", "losses": {"both": {"cw_ce": 1, "rrw": 1}}, "grid": {"losses": ["both"]}}
    settings = Experiment.load(overrides=changes).runs[0].settings
    batches = training_of(settings, PREPARED, SPLIT, stored, torch.device(device)).batches
    assert (batches.maps_of_patches, batches.map_names) == (made_ahead, read)


def test_fixed_class_weights_are_those_of_the_cases_that_train(settings):
    training = training_of(settings, PREPARED, SPLIT, {}, torch.device("cpu"))
    labels = torch.randint(0, 2, (1, 8, 8, 8), generator=torch.Generator().manual_seed(0))
    truth, logits = Truth(labels, 2), torch.randn(1, 2, 8, 8, 8, generator=torch.Generator().manual_seed(1))
    expected = build({"weighted_ce": {"weights": [1000 / (2 * 900), 1000 / (2 * 100)]}})
    torch.testing.assert_close(training.loss(logits, truth), expected(logits, truth))
