"""MONAI's SegResNet with deep supervision."""

from collections.abc import Sequence

from monai.networks.nets.segresnet_ds import SegResNetDS
from torch import nn


def segresnet_ds(
    spatial_dims: int,
    in_channels: int,
    out_channels: int,
    *,
    init_filters: int = 32,
    blocks_down: Sequence[int] = (1, 2, 2, 4),
    norm: str = "instance",
    deep_supervision: int = 3,
) -> nn.Module:
    """SegResNet with outputs at ``deep_supervision`` scales below the full one in training."""
    network: nn.Module = SegResNetDS(
        spatial_dims,
        init_filters,
        in_channels,
        out_channels,
        norm=norm,
        blocks_down=tuple(blocks_down),
        dsdepth=1 + deep_supervision,
    )
    return network
