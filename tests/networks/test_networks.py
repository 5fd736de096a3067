import pytest
import torch

from seglossbench import networks
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


def patch_of(architecture, dims):
    edge = 32 if architecture in LARGE_PATCHES else 16
    return [2 * edge] + [edge] * (dims - 1)


def build(architecture, seed=0, dims=3, **options):
    settings = {"architecture": architecture, **SMALL[architecture], **options}
    patch = patch_of(architecture, dims)
    return networks.build("mine", settings, patch_size=patch, in_channels=2, out_channels=5, seed=seed)


def weights(network):
    return torch.cat([value.flatten().float() for value in network.state_dict().values()])


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("architecture", sorted(networks.ARCHITECTURES))
def test_networks_map_channels_to_classes_at_full_resolution(architecture, dims):
    patch = patch_of(architecture, dims)
    logits = build(architecture, dims=dims).eval()(torch.rand(1, 2, *patch))
    assert logits.shape == (1, 5, *patch)


@pytest.mark.parametrize("architecture", sorted(networks.ARCHITECTURES))
def test_weights_depend_on_the_seed_alone(architecture):
    torch.manual_seed(1)
    first = weights(build(architecture))
    state = torch.get_rng_state()
    torch.manual_seed(2)
    assert torch.equal(first, weights(build(architecture)))
    assert not torch.equal(first, weights(build(architecture, seed=1)))
    torch.manual_seed(1)
    build(architecture)
    assert torch.equal(state, torch.get_rng_state()), "building a network must leave the global state alone"


@pytest.mark.parametrize(
    ("architecture", "options"), [("DynUNet", {"deep_supervision": 1}), ("SegResNetDS", {})]
)
def test_deep_supervision_gives_the_coarser_scales_in_training_only(architecture, options):
    network = build(architecture, **options)
    shapes = [tuple(logits.shape) for logits in network.train()(torch.rand(1, 2, 16, 16, 16))]
    assert shapes == [(1, 5, 16, 16, 16), (1, 5, 8, 8, 8)]
    assert network.eval()(torch.rand(1, 2, 16, 16, 16)).shape == (1, 5, 16, 16, 16)


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
