"""Attention within windows of a map, whose tokens are (N, *grid, width), with a learned bias of relative positions."""

from collections.abc import Sequence
from itertools import product
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

PositionIndex = Literal["right", "released"]


class WindowAttention(nn.Module):
    """Attention of ``heads`` heads within cubes of edge ``window`` that lie ``shift`` voxels off the grid's corner.

    Where edges are no multiples of the window, the map is padded at its ends, and what is padded draws no attention.
    """

    def __init__(
        self, dims: int, width: int, heads: int, window: int, shift: int, index: PositionIndex = "right"
    ) -> None:
        super().__init__()
        self.window, self.shift, self.heads = window, shift, heads
        self.bias = nn.Parameter(torch.empty((2 * window - 1) ** dims, heads))
        nn.init.trunc_normal_(self.bias, std=0.02)
        self.index: Tensor
        self.register_buffer("index", position_index(dims, window, index), persistent=False)

    def forward(self, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """(N, *grid, width) each -> (N, *grid, width): the means of the values that each query attends to."""
        batch, *grid, width = queries.shape
        windows = [self._windows(tokens) for tokens in (queries, keys, values)]
        tokens = windows[0].shape[-2]
        by_head = [
            each.reshape(batch, -1, tokens, self.heads, width // self.heads).transpose(2, 3)
            for each in windows
        ]
        # (N, windows, heads, to, from)
        products = (by_head[0] * (width // self.heads) ** -0.5) @ by_head[1].mT
        bias = self.bias[self.index.flatten()].reshape(tokens, tokens, self.heads).permute(2, 0, 1)
        apart = self._apart(grid, queries.device)
        shares = (products + bias).masked_fill(apart[:, None], float("-inf")).softmax(-1)
        return self._whole((shares @ by_head[2]).transpose(2, 3).flatten(3), grid)

    def _padded(self, grid: Sequence[int]) -> list[int]:
        return [-(-edge // self.window) * self.window for edge in grid]

    def _windows(self, tokens: Tensor) -> Tensor:
        """(N, *grid, width) -> (N, windows, tokens of a window, width)."""
        batch, *grid, width = tokens.shape
        dims = len(grid)
        padded = self._padded(grid)
        ends = [size for axis in reversed(range(dims)) for size in (0, padded[axis] - grid[axis])]
        tokens = functional.pad(tokens, (0, 0, *ends))
        if self.shift:
            tokens = tokens.roll([-self.shift] * dims, list(range(1, dims + 1)))
        cut = [size for edge in padded for size in (edge // self.window, self.window)]
        tokens = tokens.reshape(batch, *cut, width)
        order = [0, *range(1, 2 * dims, 2), *range(2, 2 * dims + 1, 2), 2 * dims + 1]
        return tokens.permute(order).reshape(batch, -1, self.window**dims, width)

    def _whole(self, windows: Tensor, grid: Sequence[int]) -> Tensor:
        """What ``_windows`` cut, put together."""
        dims = len(grid)
        padded = self._padded(grid)
        shape = [len(windows), *(edge // self.window for edge in padded), *[self.window] * dims]
        tokens = windows.reshape(*shape, windows.shape[-1])
        pairs = [axis for number in range(1, dims + 1) for axis in (number, number + dims)]
        tokens = tokens.permute(0, *pairs, 2 * dims + 1).reshape(len(windows), *padded, -1)
        if self.shift:
            tokens = tokens.roll([self.shift] * dims, list(range(1, dims + 1)))
        return tokens[(slice(None), *(slice(edge) for edge in grid))]

    def _apart(self, grid: Sequence[int], device: torch.device) -> Tensor:
        """(windows, to, from): which pairs of a window are no neighbours in the map, or one of them is no token."""
        ids = torch.zeros((1, *grid, 1), device=device)
        if self.shift:  # the last window of an axis holds the map's other end, too
            for axis, edge in enumerate(self._padded(grid), start=1):
                place = torch.arange(grid[axis - 1], device=device)
                side = (place < self.shift).float() + 2 * (place >= edge - self.window + self.shift).float()
                ids = 3 * ids + side.reshape([-1 if each == axis else 1 for each in range(ids.ndim)])
        ids = self._windows(ids + 1)[0, :, :, 0]  # what is padded has the id 0
        return ids[:, :, None] != ids[:, None, :]


def position_index(dims: int, window: int, index: PositionIndex) -> Tensor:
    """(tokens, tokens): which entry of the bias holds each pair of a window's tokens, one for each offset between.

    ``released`` is nnFormer's released one in 3D, where different offsets share an entry: its first factor is
    3 window - 1 in place of (2 window - 1)^2.
    """
    if index == "released" and dims != 3:
        raise ValueError("position_index: released is the fault of 3D windows; expected right in 2D")
    places = torch.tensor(list(product(range(window), repeat=dims)))
    offsets = places[:, None] - places[None, :] + window - 1
    factors = [(2 * window - 1) ** axis for axis in range(dims)]
    if index == "released":
        factors[-1] = 3 * window - 1  # along the slices, our last axis
    return (offsets * torch.tensor(factors)).sum(-1)
