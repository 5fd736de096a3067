"""PDANet of paper A, which its release calls OurNet, with and without the partial decoder."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from monai.networks.layers.factories import Conv
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from seglossbench.networks.partial_decoder import PartialDecoder
from seglossbench.networks.resampling import max_pooled
from seglossbench.networks.residual import Residual, Up, stem, with_released_weights

WIDTHS = {"paper": (32, 64, 96), "small": (8, 12, 16)}
DEEPEST = {"paper": 128, "small": 20}
GAUSSIANS = {"paper": (31, 4.0), "small": (11, 1.5)}


def pdanet(
    spatial_dims: int, in_channels: int, out_channels: int, *, size: Literal["paper", "small"] = "paper"
) -> nn.Module:
    """PDANet (Huang & Sui): an encoder of three levels, a partial decoder with attention, a decoder with skips.

    (N, in_channels, *spatial) -> (N, out_channels, *spatial), in multiples of 16. Described from the released code,
    whose forward pass leaves the partial decoder out. At the paper's size 61,347,812 weights for 4 channels and 4
    classes.
    """
    edge, sd = GAUSSIANS[size]
    width = WIDTHS[size][-1]
    partial = PartialDecoder(spatial_dims, width, DEEPEST[size], gaussian(spatial_dims, width, edge, sd))
    network = PDANet(spatial_dims, in_channels, out_channels, WIDTHS[size], partial)
    return with_released_weights(network) if size == "paper" else network


def pdanet_released(
    spatial_dims: int, in_channels: int, out_channels: int, *, size: Literal["paper", "small"] = "paper"
) -> nn.Module:
    """PDANet as its released code computes it: no partial decoder, and none of its 57,289,824 weights.

    (N, in_channels, *spatial) -> (N, out_channels, *spatial), in multiples of 8; 4,057,988 weights for 4 channels and
    classes.
    """
    network = PDANet(spatial_dims, in_channels, out_channels, WIDTHS[size], None)
    return with_released_weights(network) if size == "paper" else network


class PDANet(nn.Module):
    """Without a partial decoder, the third level is pooled in its place."""

    def __init__(
        self,
        dims: int,
        in_channels: int,
        out_channels: int,
        widths: Sequence[int],
        partial: PartialDecoder | None,
    ) -> None:
        super().__init__()
        first, second, third = widths
        self.level1 = stem(dims, in_channels, first, "instance")
        self.level2 = nn.Sequential(*(Residual(dims, width, second, "instance") for width in (first, second)))
        self.level3 = nn.Sequential(*(Residual(dims, width, third, "instance") for width in (second, third)))
        self.partial = partial
        self.up3 = Up(dims, third, third, "instance")
        self.up2 = Up(dims, third, second, "instance")
        self.up1 = Up(dims, second, first, "instance")
        self.head = Conv[Conv.CONV, dims](first, out_channels, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Logits (N, classes, *spatial)."""
        level1 = self.level1(image)
        level2 = self.level2(max_pooled(level1))
        level3 = self.level3(max_pooled(level2))
        deepest = max_pooled(level3) if self.partial is None else self.partial(level3)
        decoded = self.up1(self.up2(self.up3(deepest, level3), level2), level1)
        logits: Tensor = self.head(decoded)
        return logits


def gaussian(dims: int, channels: int, edge: int, sd: float) -> Tensor:
    """(1, channels, *edges): a Gaussian whose sum is 1 in every channel."""
    impulse = np.zeros((edge,) * dims)
    impulse[(edge // 2,) * dims] = 1
    blurred = gaussian_filter(impulse, sd)
    weights = torch.from_numpy(blurred / blurred.sum()).float()
    return weights.expand(1, channels, *weights.shape).clone()
