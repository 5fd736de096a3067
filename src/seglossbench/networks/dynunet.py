"""MONAI's DynUNet, the U-Net of nnU-Net, with the outputs of its deep supervision as they are."""

from collections.abc import Sequence

import torch
from monai.networks.nets.dynunet import DynUNet
from torch import nn


def dynunet(
    spatial_dims: int,
    in_channels: int,
    out_channels: int,
    *,
    filters: Sequence[int] = (32, 64, 128, 256, 320),
    kernel_size: int = 3,
    first_stride: int = 1,
    strides: Sequence[int | Sequence[int]] = (),
    norm: str = "instance",
    affine: bool = False,
    deep_supervision: int = 0,
) -> nn.Module:
    """The U-Net of nnU-Net (Isensee et al., 2021): full resolution first, halved at every level.

    ``strides`` are those between the levels, each a number or one for each axis, where they are not all 2; ``affine``
    gives the norm weights, as nnU-Net's has. ``deep_supervision`` is how many scales below the full one have outputs of
    their own in training. With ``first_stride`` 2 it works at half the resolution, several times faster on a CPU, and a
    transposed convolution brings its logits back to the whole.
    """
    if deep_supervision and first_stride > 1:
        raise ValueError("deep_supervision needs first_stride 1")
    if strides and len(strides) != len(filters) - 1:
        raise ValueError(
            f"strides has {len(strides)} values, one fewer than the {len(filters)} filters are needed"
        )
    between = [step if isinstance(step, int) else tuple(step) for step in strides] or [2] * (len(filters) - 1)
    network: nn.Module = (DeepDynUNet if deep_supervision else DynUNet)(
        spatial_dims,
        in_channels,
        out_channels if first_stride == 1 else filters[0],
        kernel_size=[kernel_size] * len(filters),
        strides=[first_stride, *between],
        upsample_kernel_size=between,
        filters=filters,
        norm_name=(norm, {"affine": affine}),
        deep_supervision=deep_supervision > 0,
        deep_supr_num=max(1, deep_supervision),
    )
    if first_stride == 1:
        return network
    enlarge = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}[spatial_dims]
    return nn.Sequential(network, enlarge(filters[0], out_channels, first_stride, first_stride))


class DeepDynUNet(DynUNet):  # type: ignore[misc]  # MONAI has no types
    """A DynUNet that in training returns its logits at full resolution and those of its heads, finest first.

    MONAI's own enlarges the heads' outputs to full resolution, where the truth of a coarser scale cannot be used.
    """

    def forward(self, image: torch.Tensor) -> torch.Tensor | list[torch.Tensor]:
        """Logits (N, C, *spatial); in training a list of them, each scale coarser than the one before."""
        logits: torch.Tensor = self.output_block(self.skip_layers(image))
        return [logits, *self.heads] if self.training else logits
