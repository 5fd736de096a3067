"""The networks of the two papers' experiments at the shapes of their patches; nothing is computed."""

import pytest
import torch

from seglossbench import networks, plan
from seglossbench.experiment import Experiment
from tests.conftest import PROJECT

PATCHES = {
    (run.dataset.name, run.network): run
    for name in ("contour_weighted", "region_wise")
    for run in Experiment.load(PROJECT / "params.yaml", {"experiment": name}).runs
}


def build(run, **changes):
    usual = plan.expected(run.dataset)
    shape = {"in_channels": usual.channels, "out_channels": usual.classes} | changes
    network = networks.build(
        run.network,
        {"architecture": run.settings.architecture, **run.settings.options},
        patch_size=run.train.patch_size,
        seed=0,
        **shape,
    )
    return network.to("meta"), shape


@pytest.mark.parametrize("run", PATCHES.values(), ids=map("-".join, PATCHES))
def test_every_network_takes_the_patches_of_every_dataset(run):
    network, shape = build(run)
    patch = run.train.patch_size
    image = torch.empty(1, shape["in_channels"], *patch, device="meta")
    assert network.eval()(image).shape == (1, shape["out_channels"], *patch)
    outputs = network.train()(image)
    assert isinstance(outputs, torch.Tensor) == (run.network != "nnunet_2d")


@pytest.mark.parametrize(("channels", "classes", "weights"), [(4, 4, 62_191_990), (1, 16, 62_187_394)])
def test_swin_unetr_has_as_many_weights_as_that_of_paper_a(channels, classes, weights):
    network, _ = build(PATCHES["brats2020", "swin_unetr"], in_channels=channels, out_channels=classes)
    assert sum(weight.numel() for weight in network.parameters()) == weights
