"""The 3D DeepLabV3+ of paper A, whose release calls it DeepLabV3Plus with the suffix FineTune."""

from collections.abc import Sequence
from typing import Literal

import torch
from monai.networks.layers.factories import Conv, Norm
from torch import Tensor, nn

from seglossbench.networks.resampling import max_pooled, resized

WIDTHS = {"paper": (32, 64, 96, 128), "small": (8, 16, 24, 32)}
RATES = (6, 12, 18)
MOMENTUM = 0.999  # the running statistics are those of the last batch


def deeplab_v3_plus(
    spatial_dims: int, in_channels: int, out_channels: int, *, size: Literal["paper", "small"] = "paper"
) -> nn.Module:
    """DeepLabV3+ (Chen et al., 2018) as paper A has it in 3D: residual blocks with squeeze and excitation, and ASPP.

    (N, in_channels, *spatial) -> (N, out_channels, *spatial) of any size above 8. Slices are neither convolved in the
    stem nor across dilations. At the paper's size 6,250,404 weights for 4 channels and 4 classes: two blocks of the
    release that it never calls are left out.
    """
    return DeepLabV3Plus(spatial_dims, in_channels, out_channels, WIDTHS[size])


class DeepLabV3Plus(nn.Module):
    """Logits come from a quarter of the resolution and are enlarged linearly."""

    def __init__(self, dims: int, in_channels: int, out_channels: int, widths: Sequence[int]) -> None:
        super().__init__()
        first, second, third, fourth = widths
        plane = in_plane(dims, 3, 1)
        self.stem = nn.Sequential(
            _convolution(dims, in_channels, first, plane),
            nn.ReLU(),
            _Block(dims, first, first, kernel=plane, excites=False),
        )
        self.level2 = nn.Sequential(*(_Block(dims, width, second) for width in (first, second, second)))
        self.level3 = nn.Sequential(*(_Block(dims, width, third) for width in (second, *[third] * 3)))
        twice = in_plane(dims, 2, 1)
        self.level4 = nn.Sequential(
            *(_Block(dims, width, fourth, dilation=twice) for width in (third, fourth))
        )
        self.pyramid = _Pyramid(dims, fourth, fourth // 2)
        self.reduce = _normed(dims, 5 * (fourth // 2), fourth, 1)
        self.low = _normed(dims, third, third, 1)
        self.merge = nn.Sequential(_normed(dims, fourth + third, fourth, 3), _normed(dims, fourth, fourth, 3))
        self.head = Conv[Conv.CONV, dims](fourth, out_channels, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Logits (N, classes, *spatial)."""
        level3 = self.level3(max_pooled(self.level2(max_pooled(self.stem(image)))))
        context = self.reduce(self.pyramid(self.level4(max_pooled(level3))))
        context = resized(context, level3.shape[2:])
        merged = self.merge(torch.cat((context, self.low(level3)), dim=1))
        return resized(self.head(merged), image.shape[2:])


class _Block(nn.Module):
    """(N, inputs, *spatial) -> (N, outputs, *spatial): norm and ReLU before each of two convolutions, residual."""

    def __init__(
        self,
        dims: int,
        inputs: int,
        outputs: int,
        *,
        kernel: Sequence[int] | None = None,
        dilation: Sequence[int] | None = None,
        excites: bool = True,
    ) -> None:
        super().__init__()
        kernel = kernel or (3,) * dims
        self.body = nn.Sequential(
            Norm["batch", dims](inputs),
            nn.ReLU(),
            _convolution(dims, inputs, outputs, kernel),
            Norm["batch", dims](outputs),
            nn.ReLU(),
            _convolution(dims, outputs, outputs, kernel, dilation),
            _Excitation(dims, outputs) if excites else nn.Identity(),
        )
        self.shortcut = (
            nn.Identity()
            if inputs == outputs
            else nn.Sequential(
                Norm["batch", dims](inputs), nn.ReLU(), _convolution(dims, inputs, outputs, (1,) * dims)
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.body(x) + self.shortcut(x)
        return result


class _Excitation(nn.Module):
    """Every channel times a share that is told from the means of all."""

    def __init__(self, dims: int, width: int) -> None:
        super().__init__()
        convolution = Conv[Conv.CONV, dims]
        self.share = nn.Sequential(
            convolution(width, width // 2, 1), nn.ReLU(), convolution(width // 2, width, 1), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = x * self.share(_mean(x))
        return result


class _Pyramid(nn.Module):
    """ASPP: (N, inputs, *spatial) -> (N, 5 width, *spatial), seen at five ranges."""

    def __init__(self, dims: int, inputs: int, width: int) -> None:
        super().__init__()
        self.ranges = nn.ModuleList([_normed(dims, inputs, width, 1)])
        self.ranges.extend(_normed(dims, inputs, width, 3, in_plane(dims, rate, 1)) for rate in RATES)
        # Without a norm, which could not see a single voxel.
        self.whole = nn.Sequential(Conv[Conv.CONV, dims](inputs, width, 1), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        whole = self.whole(_mean(x)).expand(-1, -1, *x.shape[2:])
        return torch.cat([*(each(x) for each in self.ranges), whole], dim=1)


def in_plane(dims: int, within: int, across: int) -> tuple[int, ...]:
    """A number for each axis: ``within`` the slice, and ``across`` slices, which lie along the last axis of three."""
    return (within, within, across)[:dims]


def _mean(x: Tensor) -> Tensor:
    return x.mean(tuple(range(2, x.ndim)), keepdim=True)


def _convolution(
    dims: int, inputs: int, outputs: int, kernel: Sequence[int], dilation: Sequence[int] | None = None
) -> nn.Module:
    dilation = dilation or (1,) * dims
    padding = tuple(size // 2 * step for size, step in zip(kernel, dilation, strict=True))
    convolution: nn.Module = Conv[Conv.CONV, dims](
        inputs, outputs, tuple(kernel), padding=padding, dilation=tuple(dilation), bias=False
    )
    return convolution


def _normed(
    dims: int, inputs: int, outputs: int, kernel: int, dilation: Sequence[int] | None = None
) -> nn.Sequential:
    return nn.Sequential(
        _convolution(dims, inputs, outputs, (kernel,) * dims, dilation),
        Norm["batch", dims](outputs, momentum=MOMENTUM),
        nn.ReLU(),
    )
