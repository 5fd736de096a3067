"""Networks by name. ``NETWORKS`` maps an architecture's name to a function that builds it; MONAI's come from MONAI.

A new one needs a module here and an entry in ``NETWORKS``; params.yaml then names it as ``architecture``.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from seglossbench.errors import InputError, nearest
from seglossbench.randomness import seed_of


def unet(
    spatial_dims: int,
    in_channels: int,
    out_channels: int,
    *,
    channels: Sequence[int] = (16, 32, 64, 128),
    strides: Sequence[int] = (2, 2, 2),
    num_res_units: int = 2,
    norm: str = "instance",
) -> nn.Module:
    """MONAI's residual U-Net (Kerfoot et al., 2019)."""
    from monai.networks.nets.unet import UNet

    network: nn.Module = UNet(
        spatial_dims, in_channels, out_channels, channels, strides, num_res_units=num_res_units, norm=norm
    )
    return network


def dynunet(
    spatial_dims: int,
    in_channels: int,
    out_channels: int,
    *,
    filters: Sequence[int] = (32, 64, 128, 256, 320),
    kernel_size: int = 3,
    first_stride: int = 1,
    norm: str = "instance",
) -> nn.Module:
    """MONAI's DynUNet, the U-Net of nnU-Net (Isensee et al., 2021): full resolution first, halved at every level.

    With ``first_stride`` 2 it works at half the resolution, several times faster on a CPU, and a transposed convolution
    brings its logits back to the whole.
    """
    from monai.networks.nets.dynunet import DynUNet

    strides = [first_stride] + [2] * (len(filters) - 1)
    network: nn.Module = DynUNet(
        spatial_dims,
        in_channels,
        out_channels if first_stride == 1 else filters[0],
        kernel_size=[kernel_size] * len(filters),
        strides=strides,
        upsample_kernel_size=strides[1:],
        filters=filters,
        norm_name=norm,
    )
    if first_stride == 1:
        return network
    enlarge = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}[spatial_dims]
    return nn.Sequential(network, enlarge(filters[0], out_channels, first_stride, first_stride))


NETWORKS: dict[str, Callable[..., nn.Module]] = {"UNet": unet, "DynUNet": dynunet}


def build(
    name: str,
    settings: Mapping[str, Any],
    *,
    spatial_dims: int,
    in_channels: int,
    out_channels: int,
    seed: int,
) -> nn.Module:
    """The network that params call ``name``, with weights that depend on its name and ``seed`` alone.

    Raises InputError for an unknown architecture or option. Global random state is left as it was.
    """
    options = dict(settings)
    architecture = str(options.pop("architecture", name))
    if architecture not in NETWORKS:
        raise InputError(
            f"networks.{name}.architecture: unknown architecture {architecture!r}; "
            + nearest(architecture, tuple(NETWORKS))
        )
    factory = NETWORKS[architecture]
    known = tuple(
        parameter.name
        for parameter in inspect.signature(factory).parameters.values()
        if parameter.kind is parameter.KEYWORD_ONLY
    )
    for option in options:
        if option not in known:
            raise InputError(f"networks.{name}.{option}: unknown option; {nearest(option, known)}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of("weights", name, seed))
        try:
            return factory(spatial_dims, in_channels, out_channels, **options)
        except (TypeError, ValueError) as error:
            raise InputError(f"networks.{name}: {' '.join(str(error).split())}") from None
