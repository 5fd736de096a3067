"""The frame of 3D UX-Net and RepUX-Net: four stages of blocks with large kernels, and the decoder of UNETR."""

from collections.abc import Callable
from itertools import pairwise

from monai.networks.blocks.dynunet_block import UnetResBlock
from monai.networks.blocks.unetr_block import UnetrUpBlock
from monai.networks.layers.factories import Conv
from torch import Tensor, nn

WIDTHS = {"paper": (48, 96, 192, 384), "small": (8, 16, 24, 32)}
BLOCKS = 2  # of every stage
STEM = 7


class LargeKernelUNETR(nn.Module):
    """(N, in_channels, *spatial) -> (N, out_channels, *spatial), in multiples of 16.

    ``block`` makes what a stage consists of, from the number of axes and the width.
    """

    def __init__(
        self,
        dims: int,
        in_channels: int,
        out_channels: int,
        block: Callable[[int, int], nn.Module],
        size: str,
    ) -> None:
        super().__init__()
        widths = WIDTHS[size]
        convolution = Conv[Conv.CONV, dims]
        self.downs = nn.ModuleList(
            [
                nn.Sequential(
                    convolution(in_channels, widths[0], STEM, 2, STEM // 2), LayerNormOfMaps(widths[0])
                )
            ]
        )
        for before, after in pairwise(widths):
            self.downs.append(nn.Sequential(LayerNormOfMaps(before), convolution(before, after, 2, 2)))
        self.stages = nn.ModuleList(
            nn.Sequential(*(block(dims, width) for _ in range(BLOCKS))) for width in widths
        )
        self.norms = nn.ModuleList(map(LayerNormOfMaps, widths))
        # Every block of the encoder's side doubles the width of its stage.
        inputs, outputs = (in_channels, *widths), (*widths, 2 * widths[-1])
        self.sides = nn.ModuleList(
            _residual(dims, before, after) for before, after in zip(inputs, outputs, strict=True)
        )
        self.ups = nn.ModuleList(
            UnetrUpBlock(dims, after, before, 3, 2, "instance", res_block=True)
            for before, after in pairwise(outputs)
        )
        self.last = _residual(dims, widths[0], widths[0])
        self.head = convolution(widths[0], out_channels, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Logits (N, classes, *spatial)."""
        maps, x = [image], image
        for down, stage, norm in zip(self.downs, self.stages, self.norms, strict=True):
            x = stage(down(x))
            maps.append(norm(x))
        *skips, x = (side(each) for side, each in zip(self.sides, maps, strict=True))
        for up, skip in zip(reversed(self.ups), reversed(skips), strict=True):
            x = up(x, skip)
        logits: Tensor = self.head(self.last(x))
        return logits


class LayerNormOfMaps(nn.LayerNorm):
    """LayerNorm over the channels of (N, C, *spatial)."""

    def __init__(self, width: int) -> None:
        super().__init__(width, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """The map, every voxel of mean 0 and deviation 1 before the learned scale."""
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


def _residual(dims: int, inputs: int, outputs: int) -> nn.Module:
    block: nn.Module = UnetResBlock(dims, inputs, outputs, kernel_size=3, stride=1, norm_name="instance")
    return block
