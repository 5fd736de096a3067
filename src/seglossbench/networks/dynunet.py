"""nnU-Net's U-Net as in MONAI's DynUNet, of torch's layers alone: a job that imports MONAI starts seconds later.

A test holds it to MONAI's outputs. Two convolutions per level, each with a norm and a leaky ReLU, strided ones down,
transposed ones up (Isensee et al., 2021).
"""

from collections.abc import Sequence

import torch
from torch import nn

from seglossbench.networks.layers import CONVOLUTION, TRANSPOSED, normalisation

SLOPE = 0.01
"""Of the leaky ReLU below 0."""


class DynUNet(nn.Module):
    """Full resolution first (or 1/``first_stride`` of it), halved at every level.

    Gives logits (N, classes, *spatial) at the first level's resolution; in training, with ``deep_supervision``, a list
    of them and of those of so many coarser levels, finest first.
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        out_channels: int,
        filters: Sequence[int],
        kernel_size: int,
        first_stride: int,
        norm: str,
        deep_supervision: int,
    ) -> None:
        super().__init__()
        if len(filters) < 3:
            raise ValueError(f"filters has {len(filters)} numbers, expected at least 3")
        if not 0 <= deep_supervision < len(filters) - 1:
            raise ValueError(f"deep_supervision is {deep_supervision}, expected 0 to {len(filters) - 2}")
        strides = [first_stride] + [2] * (len(filters) - 1)
        widths = [in_channels, *filters]
        self.down = nn.ModuleList(
            _two_convolutions(spatial_dims, widths[level], filters[level], kernel_size, stride, norm)
            for level, stride in enumerate(strides)
        )
        self.up = nn.ModuleList(
            _Up(spatial_dims, deep, shallow, kernel_size, norm)
            for deep, shallow in zip(filters[:0:-1], filters[-2::-1], strict=True)
        )
        self.heads = nn.ModuleList(
            CONVOLUTION[spatial_dims](filters[level], out_channels, 1)
            for level in range(deep_supervision + 1)
        )
        self.apply(_initialise)

    def forward(self, image: torch.Tensor) -> torch.Tensor | list[torch.Tensor]:
        """Logits of the image (N, channels, *spatial)."""
        features = image
        skips = []
        for down in self.down:
            features = down(features)
            skips.append(features)
        levels = []  # from the second deepest to the finest
        for up, skip in zip(self.up, reversed(skips[:-1]), strict=True):
            features = up(features, skip)
            levels.append(features)
        if self.training and len(self.heads) > 1:
            return [head(level) for head, level in zip(self.heads, reversed(levels), strict=False)]
        logits: torch.Tensor = self.heads[0](features)
        return logits


class _Up(nn.Module):
    """Enlarge the features of the level below, and convolve them together with the skip's."""

    def __init__(self, dims: int, deep: int, shallow: int, kernel_size: int, norm: str) -> None:
        super().__init__()
        self.enlarge = TRANSPOSED[dims](deep, shallow, 2, 2, bias=False)
        self.convolutions = _two_convolutions(dims, 2 * shallow, shallow, kernel_size, 1, norm)

    def forward(self, features: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.convolutions(torch.cat([self.enlarge(features), skip], dim=1))
        return result


def dynunet(
    spatial_dims: int,
    in_channels: int,
    out_channels: int,
    *,
    filters: Sequence[int] = (32, 64, 128, 256, 320),
    kernel_size: int = 3,
    first_stride: int = 1,
    norm: str = "instance",
    deep_supervision: int = 0,
) -> nn.Module:
    """The U-Net of nnU-Net: full resolution first, halved at every level.

    ``deep_supervision`` is how many scales below the full one have outputs of their own in training. With
    ``first_stride`` 2 it works at half the resolution, several times faster on a CPU, and a transposed convolution
    brings its logits back to the whole.
    """
    if deep_supervision and first_stride > 1:
        raise ValueError("deep_supervision needs first_stride 1")
    outputs = out_channels if first_stride == 1 else filters[0]
    network = DynUNet(
        spatial_dims, in_channels, outputs, filters, kernel_size, first_stride, norm, deep_supervision
    )
    if first_stride == 1:
        return network
    return nn.Sequential(network, TRANSPOSED[spatial_dims](outputs, out_channels, first_stride, first_stride))


def _two_convolutions(
    dims: int, inputs: int, outputs: int, kernel_size: int, stride: int, norm: str
) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width, step in ((inputs, stride), (outputs, 1)):
        padding = (kernel_size - step + 1) // 2
        layers += [
            CONVOLUTION[dims](width, outputs, kernel_size, step, padding, bias=False),
            normalisation(norm, dims, outputs),
            nn.LeakyReLU(SLOPE, inplace=True),
        ]
    return nn.Sequential(*layers)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.Conv3d | nn.ConvTranspose2d | nn.ConvTranspose3d):
        nn.init.kaiming_normal_(module.weight, a=SLOPE)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
