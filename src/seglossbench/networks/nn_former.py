"""nnFormer (Zhou et al., 2021): attention within windows, and across skips, in a U of four levels."""

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
from monai.networks.layers import DropPath
from monai.networks.layers.factories import Conv
from torch import Tensor, nn

from seglossbench.networks.window_attention import PositionIndex, WindowAttention

WIDTHS = {"paper": 144, "small": 24}
HEADS = {"paper": (6, 12, 24, 48), "small": (1, 2, 4, 8)}
WINDOWS = {"paper": (4, 4, 8, 4), "small": (4, 4, 4, 4)}
LEVELS = 4
BLOCKS = 2  # at every level of encoder and decoder
DROP_PATH = {"paper": 0.2, "small": 0.0}
PATCH = (4, 4, 2)  # voxels of a token; slices lie along the last axis


def nn_former(
    spatial_dims: int,
    in_channels: int,
    out_channels: int,
    *,
    patch_size: Sequence[int],
    size: Literal["paper", "small"] = "paper",
    position_index: Literal["right", "released"] = "right",
    deep_supervision: bool = False,
) -> nn.Module:
    """nnFormer with the settings of paper A, for patches whose edges are multiples of 32, 32 and 16 (slices).

    (N, in_channels, *spatial) -> (N, out_channels, *spatial); with ``deep_supervision``, in training, also at a half
    and a quarter of the resolution. Windows are cut to the smallest edge of a level's map of ``patch_size``. At
    128 x 128 x 64 the paper's has 84,282,508 weights for 4 channels and 4 classes. ``position_index: released`` has the
    released fault, in which different offsets share a bias.
    """
    voxels = PATCH[:spatial_dims]
    coarsest = [voxel * 2 ** (LEVELS - 1) for voxel in voxels]
    if any(edge % step for edge, step in zip(patch_size, coarsest, strict=True)):
        raise ValueError(f"patch_size {tuple(patch_size)}: expected multiples of {tuple(coarsest)}")
    grid = [edge // voxel for edge, voxel in zip(patch_size, voxels, strict=True)]
    levels = [
        _Level(
            dims=spatial_dims,
            width=WIDTHS[size] * 2**level,
            heads=HEADS[size][level],
            window=min(WINDOWS[size][level], *(edge // 2**level for edge in grid)),
            shifts=min(edge // 2**level for edge in grid) > WINDOWS[size][level],
            index=position_index,
        )
        for level in range(LEVELS)
    ]
    return NNFormer(in_channels, out_channels, levels, voxels, DROP_PATH[size], deep_supervision)


class _Level:
    """What the blocks of a level have in common."""

    def __init__(
        self, *, dims: int, width: int, heads: int, window: int, shifts: bool, index: PositionIndex
    ) -> None:
        self.dims, self.width = dims, width
        self._attention = (heads, window)
        self._shift = window // 2 if shifts else 0
        self._index = index

    def attention(self, shifted: bool) -> WindowAttention:
        return WindowAttention(
            self.dims, self.width, *self._attention, self._shift if shifted else 0, self._index
        )


class NNFormer(nn.Module):
    """Tokens are (N, *grid, width) throughout."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        levels: Sequence[_Level],
        voxels: Sequence[int],
        drop_path: float,
        deep_supervision: bool,
    ) -> None:
        super().__init__()
        dims, width = levels[0].dims, levels[0].width
        self.embed = _embedding(dims, in_channels, width, voxels)
        drops = iter(np.linspace(0, drop_path, BLOCKS * len(levels)).tolist())
        self.encoder = nn.ModuleList(
            nn.Sequential(*(_Block(level, bool(number % 2), next(drops)) for number in range(BLOCKS)))
            for level in levels
        )
        self.downs = nn.ModuleList(
            nn.Sequential(
                nn.GELU(),
                nn.LayerNorm(level.width),
                _OfMaps(Conv[Conv.CONV, dims](level.width, 2 * level.width, 3, 2, 1)),
            )
            for level in levels[:-1]
        )
        self.norms = nn.ModuleList(nn.LayerNorm(level.width) for level in levels)
        drops = iter(np.linspace(0, drop_path, BLOCKS * (len(levels) - 1)).tolist())
        self.decoder = nn.ModuleList(_Decoder(level, drops) for level in reversed(levels[:-1]))
        with_heads = levels[:-1] if deep_supervision else levels[:1]
        self.heads = nn.ModuleList(  # finest first
            _OfMaps(Conv[Conv.CONVTRANS, dims](level.width, out_channels, tuple(voxels), tuple(voxels)))
            for level in with_heads
        )

    def forward(self, image: Tensor) -> Tensor | list[Tensor]:
        """Logits (N, classes, *spatial); in training, with deep supervision, a list of them, finest first."""
        x = self.embed(image.movedim(1, -1))
        skips = []
        for level, blocks in enumerate(self.encoder):
            x = blocks(x)
            skips.append(self.norms[level](x))
            if level < len(self.downs):
                x = self.downs[level](x)
        x = skips.pop()
        outputs: list[Tensor] = []
        for decode in self.decoder:
            x = decode(x, skips.pop())
            outputs.insert(0, x)
        wanted = self.heads if self.training else self.heads[:1]
        logits = [head(x).movedim(-1, 1) for head, x in zip(wanted, outputs, strict=False)]
        return logits if len(logits) > 1 else logits[0]


class _OfMaps(nn.Module):
    """A convolution of tokens, (N, *grid, inputs) -> (N, *new grid, outputs)."""

    def __init__(self, convolution: nn.Module) -> None:
        super().__init__()
        self.convolution = convolution

    def forward(self, tokens: Tensor) -> Tensor:
        result: Tensor = self.convolution(tokens.movedim(-1, 1)).movedim(1, -1)
        return result


def _embedding(dims: int, inputs: int, width: int, voxels: Sequence[int]) -> nn.Sequential:
    """Four convolutions, of which two halve what a token has more than one voxel of."""
    half = width // 2
    twice = tuple(voxel // 2 for voxel in voxels)  # 1 along the slices
    steps = [(inputs, half, (2,) * dims), (half, half, 1), (half, width, twice), (width, width, 1)]
    layers: list[nn.Module] = []
    for before, after, stride in steps:
        layers.append(_OfMaps(Conv[Conv.CONV, dims](before, after, 3, stride, 1)))
        layers += [nn.GELU(), nn.LayerNorm(after)]
    del layers[-2]  # the last has no activation
    return nn.Sequential(*layers)


class _Block(nn.Module):
    """(N, *grid, width) -> the same: attention of tokens to each other, then an MLP, both added to what they see."""

    def __init__(self, level: _Level, shifted: bool, drop_path: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(level.width)
        self.qkv = nn.Linear(level.width, 3 * level.width)
        self.attend = level.attention(shifted)
        self.project = nn.Linear(level.width, level.width)
        self.mlp = _MLP(level.width)
        self.drop = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        attended = self.project(self.attend(*self.qkv(self.norm(x)).chunk(3, -1)))
        x = x + self.drop(attended)
        result: Tensor = x + self.drop(self.mlp(x))
        return result


class _CrossBlock(nn.Module):
    """As ``_Block``, but an enlarged map asks its skip: its queries are itself, and the skip has keys and values."""

    def __init__(self, level: _Level, drop_path: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(level.width)
        self.key_value = nn.Linear(level.width, 2 * level.width)
        self.attend = level.attention(shifted=False)
        self.project = nn.Linear(level.width, level.width)
        self.mlp = _MLP(level.width)
        self.drop = DropPath(drop_path)

    def forward(self, enlarged: Tensor, skip: Tensor) -> Tensor:
        asked = self.key_value(self.norm(skip)).chunk(2, -1)
        x = enlarged + skip + self.drop(self.project(self.attend(self.norm(enlarged), *asked)))
        result: Tensor = x + self.drop(self.mlp(x))
        return result


class _MLP(nn.Sequential):
    """A norm, and two layers with four times the width between."""

    def __init__(self, width: int) -> None:
        super().__init__(
            nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )


class _Decoder(nn.Module):
    """A level of the decoder: (N, *grid, 2 width) and the skip (N, *2 grid, width) -> (N, *2 grid, width)."""

    def __init__(self, level: _Level, drops: Iterator[float]) -> None:
        super().__init__()
        enlarge = Conv[Conv.CONVTRANS, level.dims](2 * level.width, level.width, 2, 2)
        self.up = nn.Sequential(nn.LayerNorm(2 * level.width), _OfMaps(enlarge))
        self.cross = _CrossBlock(level, next(drops))
        self.block = _Block(level, True, next(drops))

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        result: Tensor = self.block(self.cross(self.up(x), skip))
        return result
