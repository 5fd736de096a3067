from functools import partial

import pytest
import torch

from seglossbench import networks
from seglossbench.conformance import check_named
from seglossbench.conformance.networks import CHECKS, Candidate
from seglossbench.errors import InputError

SMALL = {
    "UNet": {"channels": [4, 8], "strides": [2], "num_res_units": 1},
    "AttentionUnet": {"channels": [4, 8], "strides": [2]},
    "VNet": {},
    "DynUNet": {"filters": [4, 8, 8]},
    "SegResNet": {"init_filters": 8, "blocks_down": [1, 1], "blocks_up": [1]},
    "SegResNetDS": {"init_filters": 4, "blocks_down": [1, 1, 1], "deep_supervision": 1},
    "UNETR": {"feature_size": 4, "hidden_size": 24, "mlp_dim": 24, "num_heads": 2},
    "SwinUNETR": {"feature_size": 12, "depths": [1, 1, 1, 1]},
}
SMALL |= {
    architecture: {"size": "small"} for architecture in networks.ARCHITECTURES if architecture not in SMALL
}
LARGE_PATCHES = ("SwinUNETR", "nn_former", "slim_unetr")  # which halve them five times


def build(architecture, seed=0, dims=3, **options):
    return candidate(architecture, **options).build(seed, dims)


def candidate(architecture, **options):
    edge = 32 if architecture in LARGE_PATCHES else 16
    return Candidate(architecture, {**SMALL[architecture], **options}, edge)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("architecture", sorted(networks.ARCHITECTURES.own))
def test_every_network_passes(architecture, check):
    check(candidate(architecture))


def test_the_suite_sees_what_is_wrong():
    class Drawn(torch.nn.Module):
        def __init__(self, spatial_dims, in_channels, out_channels):
            super().__init__()
            self.factor = torch.rand(1)  # in no state

        def forward(self, x):
            return x[:, :1].repeat(1, 5, *[1] * (x.ndim - 2)) * self.factor + torch.rand(1)

    networks.ARCHITECTURES.add("Drawn", Drawn)
    try:
        wrong = {outcome.check for outcome in check_named("Drawn") if outcome.wrong}
    finally:
        del networks.ARCHITECTURES.things["Drawn"]
    assert wrong == {
        "weights get finite gradients",
        "predicts the same twice",
        "is the same after save and load",
        "operations without a deterministic cuda kernel are declared",
    }


@pytest.mark.parametrize(
    ("architecture", "options"), [("DynUNet", {"deep_supervision": 1}), ("SegResNetDS", {})]
)
def test_deep_supervision_gives_the_coarser_scales_in_training_only(architecture, options):
    network = build(architecture, **options)
    shapes = [tuple(logits.shape) for logits in network.train()(torch.rand(1, 2, 16, 16, 16))]
    assert shapes == [(1, 5, 16, 16, 16), (1, 5, 8, 8, 8)]
    assert network.eval()(torch.rand(1, 2, 16, 16, 16)).shape == (1, 5, 16, 16, 16)


@pytest.mark.parametrize(
    ("architecture", "options"), [("DynUNet", {"deep_supervision": 1}), ("SegResNetDS", {}), ("UNet", {})]
)
def test_coarser_scales_are_known_without_computing_them(architecture, options):
    given = build(architecture, **options)(torch.rand(1, 2, 32, 16, 16))
    shapes = () if isinstance(given, torch.Tensor) else tuple(tuple(scale.shape[2:]) for scale in given[1:])
    assert networks.coarser_scales(partial(build, architecture, **options), 2, (32, 16, 16)) == shapes
    assert (len(shapes) > 0) is (architecture != "UNet")


def test_coarser_scales_of_a_network_that_looks_at_numbers():
    class Careful(torch.nn.Module):
        def forward(self, x):
            assert float(x.sum()) == 0
            return [x, x[..., ::2, ::2]]

    assert networks.coarser_scales(Careful, 1, (8, 4)) == ((4, 2),)


def test_mistakes_are_named():
    with pytest.raises(
        InputError, match=r"networks\.mine\.architecture: unknown architecture 'Unet'.*'UNet'"
    ):
        networks.build(
            "mine", {"architecture": "Unet"}, patch_size=[8, 8, 8], in_channels=1, out_channels=2, seed=0
        )
    with pytest.raises(
        InputError, match=r"networks\.mine\.chanels: unknown parameter; did you mean 'channels'"
    ):
        build("UNet", chanels=[1])
    with pytest.raises(InputError, match=r"networks\.mine: "):
        build("UNet", channels=[1])
    with pytest.raises(InputError, match=r"networks\.mine\.patch_size: unknown parameter"):
        build("UNETR", patch_size=[16, 16, 16])
    with pytest.raises(InputError, match=r"networks\.mine: deep_supervision needs first_stride 1"):
        build("DynUNet", deep_supervision=1, first_stride=2)
