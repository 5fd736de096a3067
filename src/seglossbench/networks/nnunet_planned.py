"""The U-Net that nnU-Net 1 plans for a patch, as paper B trains it."""

from collections.abc import Sequence
from typing import Literal

import torch
from monai.networks.layers.factories import Conv, Norm
from torch import Tensor, nn

FIRST_WIDTH = {"paper": 32, "small": 8}
WIDEST = {2: 480, 3: 320}
SMALLEST_EDGE = 4  # of the coarsest map
SLOPE = 0.01


def nnunet_planned(
    spatial_dims: int,
    in_channels: int,
    out_channels: int,
    *,
    patch_size: Sequence[int],
    size: Literal["paper", "small"] = "paper",
    deep_supervision: bool = True,
) -> nn.Module:
    """The U-Net of nnU-Net 1.6.6 (Isensee et al., 2021), whose levels and strides follow ``patch_size``.

    (N, in_channels, *spatial) -> (N, out_channels, *spatial); with ``deep_supervision``, in training, a list of two
    scales fewer than it has levels, finest first. Every axis is halved as long as four voxels are left. 2D with six
    levels, 1 channel and 4 classes it has 18,669,792 weights, the 1,920 of a head that is never trained left out.
    """
    strides = planned_strides(patch_size)
    factors = [2 ** sum(stride[axis] == 2 for stride in strides) for axis in range(spatial_dims)]
    if any(edge % factor for edge, factor in zip(patch_size, factors, strict=True)):
        raise ValueError(f"patch_size {tuple(patch_size)}: expected multiples of {tuple(factors)}")
    widths = [min(FIRST_WIDTH[size] * 2**level, WIDEST[spatial_dims]) for level in range(len(strides) + 1)]
    scales = max(1, len(strides) - 1) if deep_supervision else 1
    return PlannedUNet(spatial_dims, in_channels, out_channels, widths, strides, scales)


def planned_strides(patch_size: Sequence[int]) -> list[tuple[int, ...]]:
    """The strides from each level to the next: 2 along every axis that can still be halved."""
    edges, strides = list(patch_size), []
    while any(edge >= 2 * SMALLEST_EDGE for edge in edges):
        strides.append(tuple(2 if edge >= 2 * SMALLEST_EDGE else 1 for edge in edges))
        edges = [edge // stride for edge, stride in zip(edges, strides[-1], strict=True)]
    return strides


class PlannedUNet(nn.Module):
    """Two convolutions at every level, with ``scales`` heads from the finest on."""

    def __init__(
        self,
        dims: int,
        in_channels: int,
        out_channels: int,
        widths: Sequence[int],
        strides: Sequence[tuple[int, ...]],
        scales: int,
    ) -> None:
        super().__init__()
        ones = (1,) * dims
        self.encoder = nn.ModuleList(
            _level(dims, before, width, stride)
            for before, width, stride in zip((in_channels, *widths), widths, (ones, *strides), strict=False)
        )
        self.ups = nn.ModuleList(  # finest first, as all below
            Conv[Conv.CONVTRANS, dims](below, width, stride, stride, bias=False)
            for width, below, stride in zip(widths, widths[1:], strides, strict=False)
        )
        self.decoder = nn.ModuleList(_level(dims, 2 * width, width, ones) for width in widths[:-1])
        self.heads = nn.ModuleList(
            Conv[Conv.CONV, dims](width, out_channels, 1, bias=False) for width in widths[:scales]
        )
        for module in self.modules():
            if isinstance(module, nn.modules.conv._ConvNd):
                nn.init.kaiming_normal_(module.weight, a=SLOPE)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, image: Tensor) -> Tensor | list[Tensor]:
        """Logits (N, classes, *spatial); in training, with several heads, a list of them, finest first."""
        x, skips = image, []
        for level in self.encoder:
            x = level(x)
            skips.append(x)
        skips.pop()
        outputs: list[Tensor] = []
        for up, level in zip(reversed(self.ups), reversed(self.decoder), strict=True):
            x = level(torch.cat((up(x), skips.pop()), dim=1))
            outputs.insert(0, x)
        wanted = self.heads if self.training else self.heads[:1]
        logits = [head(x) for head, x in zip(wanted, outputs, strict=False)]
        return logits if len(logits) > 1 else logits[0]


def _level(dims: int, inputs: int, width: int, stride: tuple[int, ...]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, step in ((inputs, stride), (width, (1,) * dims)):
        layers += [
            Conv[Conv.CONV, dims](before, width, 3, step, 1),
            Norm["instance", dims](width, affine=True),
            nn.LeakyReLU(SLOPE, inplace=True),
        ]
    return nn.Sequential(*layers)
