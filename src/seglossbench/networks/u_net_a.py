"""The residual U-Net of paper A, which its release calls U_Net."""

from collections.abc import Sequence
from typing import Literal

from monai.networks.layers.factories import Conv
from torch import Tensor, nn

from seglossbench.networks.resampling import max_pooled, resized
from seglossbench.networks.residual import Residual, Up, stem, with_released_weights

WIDTHS = {"paper": (32, 48, 64), "small": (12, 16, 24)}


def u_net_a(
    spatial_dims: int, in_channels: int, out_channels: int, *, size: Literal["paper", "small"] = "paper"
) -> nn.Module:
    """Paper A's U-Net (Huang & Sui): three levels of residual blocks, a decoder that stops at half the resolution.

    (N, in_channels, *spatial) -> (N, out_channels, *spatial), in multiples of 8. Described from the released code; at
    the paper's size 1,871,332 weights for 4 channels and 4 classes.
    """
    network = UNetA(spatial_dims, in_channels, out_channels, WIDTHS[size])
    return with_released_weights(network) if size == "paper" else network


class UNetA(nn.Module):
    """The deepest level has no blocks: what is pooled from the third goes straight into the decoder."""

    def __init__(self, dims: int, in_channels: int, out_channels: int, widths: Sequence[int]) -> None:
        super().__init__()
        first, second, third = widths
        self.level1 = stem(dims, in_channels, first, "batch")
        self.level2 = nn.Sequential(*(Residual(dims, width, second, "batch") for width in (first, second)))
        self.level3 = nn.Sequential(*(Residual(dims, width, third, "batch") for width in (second, third)))
        self.up3 = Up(dims, third, third, "batch")
        self.up2 = Up(dims, third, second, "batch")
        self.head = Conv[Conv.CONV, dims](second, out_channels, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Logits (N, classes, *spatial), enlarged linearly from half the resolution."""
        level2 = self.level2(max_pooled(self.level1(image)))
        level3 = self.level3(max_pooled(level2))
        decoded = self.up2(self.up3(max_pooled(level3), level3), level2)
        return resized(self.head(decoded), image.shape[2:])
