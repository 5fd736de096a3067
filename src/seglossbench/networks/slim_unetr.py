"""Slim UNETR (Pang et al., 2023): small blocks of depthwise convolutions and attention on a subsampled map."""

from collections.abc import Sequence
from math import prod
from typing import Literal

import torch
from monai.networks.layers.factories import Conv, Norm
from torch import Tensor, nn

DOWN = (4, 2, 2, 2)  # by how much each stage is smaller than the one before
DEPTHS = (1, 2, 3, 2)
WIDTHS = {"paper": (24, 48, 60, 64), "original": (24, 48, 60, 96), "small": (12, 16, 20, 24)}
HEADS = (1, 2, 4, 4)
STEPS = (4, 2, 2, 1)  # attention sees every so manieth voxel


def slim_unetr(
    spatial_dims: int,
    in_channels: int,
    out_channels: int,
    *,
    patch_size: Sequence[int],
    size: Literal["paper", "original", "small"] = "paper",
    dropout: float = 0.2,
) -> nn.Module:
    """Slim UNETR with a learned position of every voxel of its coarsest map, so for patches of one size.

    (N, in_channels, *patch_size) -> (N, out_channels, *patch_size), in multiples of 32. The head ends in a norm over
    all classes and voxels. Paper A's has 1,288,100 weights for 4 channels and classes and patches of 32 tokens
    (128 x 128 x 64); the ``original`` of its authors is wider at the bottom: 1,788,420 at 100 tokens.
    """
    if any(edge % prod(DOWN) for edge in patch_size):
        raise ValueError(f"patch_size {tuple(patch_size)}: expected multiples of {prod(DOWN)}")
    return SlimUNETR(spatial_dims, in_channels, out_channels, patch_size, WIDTHS[size], dropout)


class SlimUNETR(nn.Module):
    """Encoder and decoder of the same blocks; skips are added."""

    def __init__(
        self,
        dims: int,
        in_channels: int,
        out_channels: int,
        patch_size: Sequence[int],
        widths: Sequence[int],
        dropout: float,
    ) -> None:
        super().__init__()
        grid = [edge // prod(DOWN) for edge in patch_size]

        def stage(number: int) -> nn.Sequential:
            blocks = [
                _block(dims, widths[number], STEPS[number], HEADS[number]) for _ in range(DEPTHS[number])
            ]
            return nn.Sequential(*(step for block in blocks for step in block))

        inputs = [in_channels, *widths[:-1]]
        self.downs = nn.ModuleList(
            nn.Sequential(Conv[Conv.CONV, dims](before, width, factor, factor), _norm(width))
            for before, width, factor in zip(inputs, widths, DOWN, strict=True)
        )
        self.encoder = nn.ModuleList(map(stage, range(len(widths))))
        self.position = nn.Parameter(torch.zeros(1, widths[-1], *grid))
        self.dropout = nn.Dropout(dropout)
        self.decoder = nn.ModuleList(map(stage, range(len(widths))))
        self.ups = nn.ModuleList(
            nn.Sequential(Conv[Conv.CONVTRANS, dims](width, before, factor, factor), _norm(before))
            for before, width, factor in zip([out_channels, *widths[:-1]], widths, DOWN, strict=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes, *spatial), of mean 0 and deviation 1 until the head's norm has learned otherwise."""
        skips: list[Tensor] = []
        for down, blocks in zip(self.downs, self.encoder, strict=True):
            x = blocks(down(x))
            skips.append(x)
        x = self.dropout(skips.pop() + self.position)
        for up, blocks in zip(reversed(self.ups), reversed(self.decoder), strict=True):
            x = up(blocks(x))
            if skips:
                x = x + skips.pop()
        return x


def _block(dims: int, width: int, step: int, heads: int) -> list["_Plus"]:
    """Six residual steps: position, local mixing, channels, position, attention, channels."""
    return [
        _Plus(_depthwise(dims, width)),
        _Plus(
            nn.Sequential(
                Norm["batch", dims](width),
                _pointwise(dims, width, width),
                _depthwise(dims, width),
                Norm["batch", dims](width),
                _pointwise(dims, width, width),
            )
        ),
        _Plus(_channels(dims, width)),
        _Plus(_depthwise(dims, width)),
        _Plus(_SparseAttention(dims, width, step, heads)),
        _Plus(_channels(dims, width)),
    ]


class _Plus(nn.Module):
    """A step that is added to what it sees."""

    def __init__(self, step: nn.Module) -> None:
        super().__init__()
        self.step = step

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = x + self.step(x)
        return result


class _SparseAttention(nn.Module):
    """Attention between every ``step``-th voxel, brought back to all by a transposed convolution.

    The products of queries and keys are not scaled, as released.
    """

    def __init__(self, dims: int, width: int, step: int, heads: int) -> None:
        super().__init__()
        self.every = (slice(None), slice(None), *[slice(None, None, step)] * dims)
        self.heads = heads
        self.qkv = _pointwise(dims, width, 3 * width)
        self.back = nn.Sequential(
            Conv[Conv.CONVTRANS, dims](width, width, step, step, groups=width),
            _norm(width),
            _pointwise(dims, width, width),
        )

    def forward(self, x: Tensor) -> Tensor:
        few = x[self.every]
        qkv = self.qkv(few).reshape(len(x), 3, self.heads, -1, few.shape[2:].numel())
        queries, keys, values = qkv.unbind(1)  # (N, heads, width / heads, tokens)
        shares = (queries.mT @ keys).softmax(-1)
        result: Tensor = self.back((values @ shares.mT).reshape(few.shape))
        return result


def _norm(width: int) -> nn.Module:
    return nn.GroupNorm(1, width)


def _pointwise(dims: int, inputs: int, outputs: int) -> nn.Module:
    convolution: nn.Module = Conv[Conv.CONV, dims](inputs, outputs, 1, bias=False)
    return convolution


def _depthwise(dims: int, width: int) -> nn.Module:
    convolution: nn.Module = Conv[Conv.CONV, dims](width, width, 3, padding=1, groups=width, bias=False)
    return convolution


def _channels(dims: int, width: int) -> nn.Module:
    return nn.Sequential(_pointwise(dims, width, 4 * width), nn.GELU(), _pointwise(dims, 4 * width, width))
