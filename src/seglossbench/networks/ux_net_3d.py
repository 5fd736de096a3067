"""3D UX-Net (Lee et al., 2023): an encoder of large depthwise kernels, and the decoder of UNETR."""

from typing import Literal

import torch
from monai.networks.layers.factories import Conv
from torch import Tensor, nn

from seglossbench.networks.large_kernels import LargeKernelUNETR, LayerNormOfMaps

KERNEL = 7
INITIAL_SCALE = 1e-6


def ux_net_3d(
    spatial_dims: int, in_channels: int, out_channels: int, *, size: Literal["paper", "small"] = "paper"
) -> nn.Module:
    """3D UX-Net, whose encoder's blocks are depthwise convolutions of 7^3 voxels.

    (N, in_channels, *spatial) -> (N, out_channels, *spatial), in multiples of 16. At the paper's size 53,059,444
    weights for 4 channels and 4 classes; decoder and first block run 48 channels at full resolution.
    """
    return LargeKernelUNETR(spatial_dims, in_channels, out_channels, _Block, size)


class _Block(nn.Module):
    """(N, width, *spatial) -> the same: depthwise convolution, norm and depthwise scaling, added to what it sees."""

    def __init__(self, dims: int, width: int) -> None:
        super().__init__()
        convolution = Conv[Conv.CONV, dims]
        self.step = nn.Sequential(
            convolution(width, width, KERNEL, padding=KERNEL // 2, groups=width),
            LayerNormOfMaps(width),
            convolution(width, 4 * width, 1, groups=width),
            nn.GELU(),
            convolution(4 * width, width, 1, groups=width),
        )
        self.scale = nn.Parameter(torch.full((width, *[1] * dims), INITIAL_SCALE))

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = x + self.scale * self.step(x)
        return result
