"""The catalogue of architectures holds what the networks do: patches that they take, and those that they do not."""

import pytest
import torch

from seglossbench import networks
from seglossbench.errors import InputError
from seglossbench.params.networks import check_patch
from seglossbench.registry import ARCHITECTURES
from seglossbench.vocabulary.architectures import CATALOGUE, default_options

SMALL = {
    "UNet": {"channels": [4, 8, 8], "strides": [2, 2], "num_res_units": 1},
    "AttentionUnet": {"channels": [4, 8, 8], "strides": [2, 2]},
    "DynUNet": {"filters": [4, 8, 8], "strides": [[2, 2, 1], 2]},
    "SegResNet": {"init_filters": 8, "blocks_down": [1, 1, 1], "blocks_up": [1, 1]},
    "SegResNetDS": {"init_filters": 4, "blocks_down": [1, 1, 1], "deep_supervision": 1},
    "UNETR": {"feature_size": 4, "hidden_size": 24, "mlp_dim": 24, "num_heads": 2},
    "SwinUNETR": {"feature_size": 12, "depths": [1, 1, 1, 1]},
    "VNet": {},
}


def computes(architecture, options, patch):
    try:
        network = networks.build(
            "mine",
            {"architecture": architecture, **options},
            patch_size=patch,
            in_channels=1,
            out_channels=2,
            seed=0,
        )
        with torch.inference_mode():
            return network.eval()(torch.zeros(1, 1, *patch)).shape[2:] == torch.Size(patch)
    except (InputError, RuntimeError, ValueError, AssertionError):
        return False


def test_every_architecture_is_in_the_catalogue():
    assert list(CATALOGUE) == list(ARCHITECTURES)


@pytest.mark.parametrize("architecture", CATALOGUE)
def test_multiples_are_those_that_the_network_takes(architecture):
    options = SMALL.get(architecture, {"size": "small"})
    multiples = CATALOGUE[architecture].multiples_of(default_options(architecture) | options, (48, 32, 32))
    patch = tuple(max(multiple, edge) for multiple, edge in zip(multiples, (64, 32, 16), strict=True))
    check_patch("here", architecture, options, patch)
    assert computes(architecture, options, patch)
    for axis, multiple in enumerate(multiples):
        if multiple > 1:
            more = 1 if architecture == "nnunet_planned" else multiple // 2
            other = tuple(edge + more * (at == axis) for at, edge in enumerate(patch))
            with pytest.raises(InputError, match=f"here: {architecture} takes multiples of"):
                check_patch("here", architecture, options, other)
            assert not computes(architecture, options, other)


def test_windows_of_a_prediction_are_checked_too():
    with pytest.raises(
        InputError, match=r"it: slim_unetr sees windows of its patches' size alone, \[64, 32, 32\]"
    ):
        check_patch("it", "slim_unetr", {}, (32, 32, 32), trained=(64, 32, 32))
    with pytest.raises(
        InputError, match=r"it: nn_former takes multiples of 32 x 32 x 16, found \[64, 40, 32\]"
    ):
        check_patch("it", "nn_former", {}, (64, 40, 32), trained=(64, 32, 32))
    check_patch("it", "nn_former", {}, (96, 32, 48), trained=(64, 32, 32))
    check_patch("it", "nn_former", {}, (64, 32))
