"""MONAI's residual U-Net."""

from collections.abc import Sequence

from monai.networks.nets.unet import UNet
from torch import nn


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
    """The residual U-Net (Kerfoot et al., 2019)."""
    network: nn.Module = UNet(
        spatial_dims, in_channels, out_channels, channels, strides, num_res_units=num_res_units, norm=norm
    )
    return network
