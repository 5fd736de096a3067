"""MONAI's V-Net."""

from monai.networks.nets.vnet import VNet
from torch import nn


def vnet(spatial_dims: int, in_channels: int, out_channels: int, *, dropout: float = 0.5) -> nn.Module:
    """V-Net (Milletari et al., 2016); MONAI's needs one channel, or a number of them that divides 16."""
    network: nn.Module = VNet(
        spatial_dims,
        in_channels,
        out_channels,
        dropout_prob_down=dropout,
        dropout_prob_up=(dropout, dropout),
        dropout_dim=spatial_dims,
    )
    return network
