"""RepUX-Net (Lee et al., 2023): 3D UX-Net with larger kernels, whose outer weights learn more slowly."""

from functools import partial
from typing import Literal

import torch
from monai.networks.layers.factories import Conv, Norm
from torch import Tensor, nn
from torch.nn.utils import parametrize

from seglossbench.networks.large_kernels import LargeKernelUNETR

KERNELS = {"paper": 11, "original": 21, "small": 5}


def rep_ux_net(
    spatial_dims: int,
    in_channels: int,
    out_channels: int,
    *,
    size: Literal["paper", "original", "small"] = "paper",
) -> nn.Module:
    """RepUX-Net: every depthwise kernel is a trained weight times 1 / (1 + distance to the kernel's centre).

    (N, in_channels, *spatial) -> (N, out_channels, *spatial), in multiples of 16. Kernels of 11^3 voxels in paper A
    (54,462,004 weights for 4 channels and 4 classes), 21^3 in the ``original``. The released code stores the product
    anew in every forward pass and trains none of these kernels; here they are trained as the paper means it.
    ``torch.nn.utils.parametrize.remove_parametrizations`` folds the distances into the weights.
    """
    block = partial(_block, kernel=KERNELS[size])
    return LargeKernelUNETR(
        spatial_dims, in_channels, out_channels, block, size if size == "small" else "paper"
    )


def _block(dims: int, width: int, kernel: int) -> nn.Sequential:
    """No residual and nothing pointwise, as released."""
    convolve = Conv[Conv.CONV, dims](width, width, kernel, padding=kernel // 2, groups=width)
    parametrize.register_parametrization(convolve, "weight", DistanceWeighted(dims, kernel))
    return nn.Sequential(convolve, Norm["batch", dims](width), nn.GELU())


class DistanceWeighted(nn.Module):
    """A kernel (..., *edges) times 1 / (1 + distance to its centre in voxels)."""

    def __init__(self, dims: int, edge: int) -> None:
        super().__init__()
        offsets = torch.arange(edge) - edge // 2
        distance = torch.stack(torch.meshgrid([offsets] * dims, indexing="ij")).double().norm(dim=0)
        self.shares: Tensor
        self.register_buffer("shares", (1 / (1 + distance)).float(), persistent=False)

    def forward(self, weight: Tensor) -> Tensor:
        """The kernel that is convolved with."""
        return weight * self.shares
