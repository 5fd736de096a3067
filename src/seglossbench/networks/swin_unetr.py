"""MONAI's SwinUNETR."""

from collections.abc import Sequence

from monai.networks.nets.swin_unetr import SwinUNETR
from torch import nn


def swin_unetr(
    spatial_dims: int,
    in_channels: int,
    out_channels: int,
    *,
    feature_size: int = 48,
    depths: Sequence[int] = (2, 2, 2, 2),
    num_heads: Sequence[int] = (3, 6, 12, 24),
    use_checkpoint: bool = False,
) -> nn.Module:
    """SwinUNETR (Hatamizadeh et al., 2022); ``use_checkpoint`` saves memory and costs time."""
    network: nn.Module = SwinUNETR(
        in_channels,
        out_channels,
        depths=tuple(depths),
        num_heads=tuple(num_heads),
        feature_size=feature_size,
        use_checkpoint=use_checkpoint,
        spatial_dims=spatial_dims,
    )
    return network
