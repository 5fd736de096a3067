"""The residual block, the decoder's step and the initial weights that paper A's U-Net and PDANet have in common."""

from collections.abc import Sequence

import torch
from monai.networks.layers.factories import Conv, Norm
from torch import Tensor, nn

INITIAL_SD = 0.02


class Residual(nn.Module):
    """(N, inputs, *spatial) -> (N, outputs, *spatial): two convolutions with norms, added to a shortcut.

    Where the widths differ the shortcut is a 1^n convolution with norm and a ReLU of its own, as released.
    """

    def __init__(
        self, dims: int, inputs: int, outputs: int, norm: str, kernel: int | Sequence[int] = 3
    ) -> None:
        super().__init__()
        sizes = (kernel,) * dims if isinstance(kernel, int) else tuple(kernel)
        self.body = nn.Sequential(
            *convolution(dims, inputs, outputs, norm, sizes),
            nn.ReLU(),
            *convolution(dims, outputs, outputs, norm, sizes),
        )
        self.shortcut = (
            nn.Identity()
            if inputs == outputs
            else nn.Sequential(*convolution(dims, inputs, outputs, norm, (1,) * dims), nn.ReLU())
        )

    def forward(self, x: Tensor) -> Tensor:
        """The block's output, no voxel of which is negative."""
        return torch.relu(self.body(x) + self.shortcut(x))


class Up(nn.Module):
    """(N, inputs, *spatial) and the skip (N, outputs, *2 spatial) -> (N, outputs, *2 spatial)."""

    def __init__(self, dims: int, inputs: int, outputs: int, norm: str) -> None:
        super().__init__()
        self.enlarge = Conv[Conv.CONVTRANS, dims](inputs, outputs, 4, 2, 1)
        self.skip = Conv[Conv.CONV, dims](outputs, outputs, 3, padding=1)
        self.merge = Residual(dims, 2 * outputs, outputs, norm)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """The enlarged map, merged with the convolved skip."""
        merged: Tensor = self.merge(torch.cat((self.skip(skip), self.enlarge(x)), dim=1))
        return merged


def convolution(
    dims: int, inputs: int, outputs: int, norm: str, kernel: Sequence[int]
) -> tuple[nn.Module, nn.Module]:
    """A convolution without bias that keeps the size, and its norm: ``batch``, or ``instance`` without weights."""
    padding = tuple(size // 2 for size in kernel)
    convolve = Conv[Conv.CONV, dims](inputs, outputs, tuple(kernel), padding=padding, bias=False)
    return convolve, Norm[norm, dims](outputs)


def stem(dims: int, inputs: int, outputs: int, norm: str) -> nn.Sequential:
    """The first level: a convolution with norm and ReLU, and a residual block."""
    return nn.Sequential(
        *convolution(dims, inputs, outputs, norm, (3,) * dims),
        nn.ReLU(),
        Residual(dims, outputs, outputs, norm),
    )


def with_released_weights(network: nn.Module) -> nn.Module:
    """The network, all convolutions' weights drawn from N(0, 0.02) and all norms' from N(1, 0.02), with bias 0.

    That is for the published widths. Narrower networks keep torch's weights, which grow as the width shrinks: with
    these, a head of 16 channels starts at a seventh of them, and finds its second class hundreds of steps later.
    """
    for module in network.modules():
        if isinstance(module, nn.modules.conv._ConvNd):
            nn.init.normal_(module.weight, 0.0, INITIAL_SD)
        elif isinstance(module, nn.modules.batchnorm._BatchNorm) and module.affine:
            nn.init.normal_(module.weight, 1.0, INITIAL_SD)
            nn.init.zeros_(module.bias)
    return network
