"""MONAI's MedNeXt in its four sizes."""

from typing import Literal

from monai.networks.nets.mednext import MedNeXt, create_mednext
from torch import nn


def med_next(
    spatial_dims: int,
    in_channels: int,
    out_channels: int,
    *,
    size: Literal["S", "B", "M", "L", "small"] = "S",
    kernel_size: int = 3,
    deep_supervision: bool = False,
) -> nn.Module:
    """MedNeXt (Roy et al., 2023) by the size of its paper; ``small`` is for a CPU.

    (N, in_channels, *spatial) -> (N, out_channels, *spatial), in multiples of 16; with ``deep_supervision``, in
    training, a list of five scales, finest first. S has 5,551,076 weights for 4 channels and 4 classes.
    """
    network: nn.Module
    if size != "small":
        network = create_mednext(size, spatial_dims, in_channels, out_channels, kernel_size, deep_supervision)
        return network
    network = MedNeXt(
        spatial_dims,
        8,
        in_channels,
        out_channels,
        kernel_size=kernel_size,
        deep_supervision=deep_supervision,
        use_residual_connection=True,
        blocks_down=(1, 1, 1, 1),
        blocks_bottleneck=1,
        blocks_up=(1, 1, 1, 1),
    )
    return network
