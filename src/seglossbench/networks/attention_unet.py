"""MONAI's Attention U-Net."""

from collections.abc import Sequence

from monai.networks.nets.attentionunet import AttentionUnet
from torch import nn


def attention_unet(
    spatial_dims: int,
    in_channels: int,
    out_channels: int,
    *,
    channels: Sequence[int] = (32, 64, 128, 256),
    strides: Sequence[int] = (2, 2, 2),
    dropout: float = 0.0,
) -> nn.Module:
    """The U-Net with attention gates on its skips (Oktay et al., 2018)."""
    network: nn.Module = AttentionUnet(
        spatial_dims, in_channels, out_channels, channels, strides, dropout=dropout
    )
    return network
