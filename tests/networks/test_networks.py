import pytest
import torch

from seglossbench import networks
from seglossbench.errors import InputError

SMALL = {
    "UNet": {"channels": [4, 8], "strides": [2], "num_res_units": 1},
    "DynUNet": {"filters": [4, 8, 8]},
}


def build(architecture, seed=0, dims=3, **options):
    settings = {"architecture": architecture, **SMALL[architecture], **options}
    return networks.build("mine", settings, spatial_dims=dims, in_channels=2, out_channels=5, seed=seed)


def weights(network):
    return torch.cat([value.flatten().float() for value in network.state_dict().values()])


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("architecture", sorted(networks.NETWORKS))
def test_networks_map_channels_to_classes_at_full_resolution(architecture, dims):
    logits = build(architecture, dims=dims)(torch.zeros(1, 2, *[16] * dims))
    assert logits.shape == (1, 5, *[16] * dims)


@pytest.mark.parametrize("architecture", sorted(networks.NETWORKS))
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


def test_mistakes_are_named():
    with pytest.raises(
        InputError, match=r"networks\.mine\.architecture: unknown architecture 'Unet'.*'UNet'"
    ):
        networks.build(
            "mine", {"architecture": "Unet"}, spatial_dims=3, in_channels=1, out_channels=2, seed=0
        )
    with pytest.raises(InputError, match=r"networks\.mine\.chanels: unknown option; did you mean 'channels'"):
        build("UNet", chanels=[1])
    with pytest.raises(InputError, match=r"networks\.mine: "):
        build("UNet", channels=[1])
