"""The residual U-Net of MONAI, of torch's layers alone: a job that imports MONAI starts several seconds later.

A test holds it to MONAI's outputs. Its blocks are those of Kerfoot et al. (2019): strided convolutions down, transposed
ones up, PReLU, and a shortcut around every ``num_res_units`` convolutions.
"""

from collections.abc import Sequence

import torch
from torch import nn

from seglossbench.networks.layers import CONVOLUTION, TRANSPOSED, normalisation


def unet(
    spatial_dims: int,
    in_channels: int,
    out_channels: int,
    *,
    channels: Sequence[int] = (16, 32, 64, 128),
    strides: Sequence[int] = (2, 2, 2),
    num_res_units: int = 2,
    norm: str = "instance",
) -> nn.Module:
    """The residual U-Net, a level for every number of ``channels``, each smaller by its stride than the one before."""
    if len(channels) < 2 or len(strides) != len(channels) - 1:
        raise ValueError(
            f"channels has {len(channels)} numbers and strides {len(strides)}, expected at least 2 and one less"
        )
    return _level(spatial_dims, in_channels, out_channels, channels, strides, num_res_units, norm, True)


class _Level(nn.Module):
    """Down, the levels below beside a skip, and up."""

    def __init__(self, down: nn.Module, below: nn.Module, up: nn.Module) -> None:
        super().__init__()
        self.down, self.below, self.up = down, below, up

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        skip = self.down(features)
        result: torch.Tensor = self.up(torch.cat([skip, self.below(skip)], dim=1))
        return result


class _Residual(nn.Module):
    """Convolutions beside a shortcut, which is a convolution itself where size or channels change."""

    def __init__(self, convolutions: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.convolutions, self.shortcut = convolutions, shortcut

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.shortcut(features) + self.convolutions(features)
        return result


def _level(
    dims: int,
    inputs: int,
    outputs: int,
    channels: Sequence[int],
    strides: Sequence[int],
    num_res_units: int,
    norm: str,
    is_top: bool,
) -> nn.Module:
    here, stride = channels[0], strides[0]
    down = _down(dims, inputs, here, stride, num_res_units, norm)
    if len(channels) > 2:
        below = _level(dims, here, here, channels[1:], strides[1:], num_res_units, norm, False)
        joined = 2 * here
    else:
        below = _down(dims, here, channels[1], 1, num_res_units, norm)
        joined = here + channels[1]
    up: list[nn.Module] = [TRANSPOSED[dims](joined, outputs, 3, stride, padding=1, output_padding=stride - 1)]
    if not is_top or num_res_units:
        up += [normalisation(norm, dims, outputs), nn.PReLU()]
    if num_res_units:
        last = _convolution(dims, outputs, outputs, 1, None if is_top else norm)
        up.append(_Residual(last, nn.Identity()))
    return _Level(down, below, nn.Sequential(*up))


def _down(dims: int, inputs: int, outputs: int, stride: int, num_res_units: int, norm: str) -> nn.Module:
    if not num_res_units:
        return _convolution(dims, inputs, outputs, stride, norm)
    first = _convolution(dims, inputs, outputs, stride, norm)
    others = [_convolution(dims, outputs, outputs, 1, norm) for _ in range(num_res_units - 1)]
    shortcut: nn.Module = nn.Identity()
    if stride != 1:
        shortcut = CONVOLUTION[dims](inputs, outputs, 3, stride, padding=1)
    elif inputs != outputs:
        shortcut = CONVOLUTION[dims](inputs, outputs, 1)
    return _Residual(nn.Sequential(first, *others), shortcut)


def _convolution(dims: int, inputs: int, outputs: int, stride: int, norm: str | None) -> nn.Sequential:
    """A 3 x 3 (x 3) convolution; with a norm, that and PReLU after it."""
    layers: list[nn.Module] = [CONVOLUTION[dims](inputs, outputs, 3, stride, padding=1)]
    if norm is not None:
        layers += [normalisation(norm, dims, outputs), nn.PReLU()]
    return nn.Sequential(*layers)
