"""MONAI's SegResNet."""

from collections.abc import Sequence

from monai.networks.nets.segresnet import SegResNet
from torch import nn


def segresnet(
    spatial_dims: int,
    in_channels: int,
    out_channels: int,
    *,
    init_filters: int = 32,
    blocks_down: Sequence[int] = (1, 2, 2, 4),
    blocks_up: Sequence[int] = (1, 1, 1),
) -> nn.Module:
    """SegResNet (Myronenko, 2018), enlarged by transposed convolutions, which are deterministic on a GPU."""
    network: nn.Module = SegResNet(
        spatial_dims,
        init_filters,
        in_channels,
        out_channels,
        blocks_down=tuple(blocks_down),
        blocks_up=tuple(blocks_up),
        upsample_mode="deconv",
    )
    return network
