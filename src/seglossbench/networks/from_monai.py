"""The architectures that MONAI has, with what differs between them behind one signature.

Each takes (spatial_dims, in_channels, out_channels) and its options. MONAI is imported when one is built.
"""

from collections.abc import Sequence

from torch import nn


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
    """The residual U-Net (Kerfoot et al., 2019)."""
    from monai.networks.nets.unet import UNet

    network: nn.Module = UNet(
        spatial_dims, in_channels, out_channels, channels, strides, num_res_units=num_res_units, norm=norm
    )
    return network


def attention_unet(
    spatial_dims: int,
    in_channels: int,
    out_channels: int,
    *,
    channels: Sequence[int] = (32, 64, 128, 256),
    strides: Sequence[int] = (2, 2, 2),
    dropout: float = 0.0,
) -> nn.Module:
    """The U-Net with attention gates on its skips (Oktay et al., 2018)."""
    from monai.networks.nets.attentionunet import AttentionUnet

    network: nn.Module = AttentionUnet(
        spatial_dims, in_channels, out_channels, channels, strides, dropout=dropout
    )
    return network


def vnet(spatial_dims: int, in_channels: int, out_channels: int, *, dropout: float = 0.5) -> nn.Module:
    """V-Net (Milletari et al., 2016); MONAI's needs one channel, or a number of them that divides 16."""
    from monai.networks.nets.vnet import VNet

    network: nn.Module = VNet(
        spatial_dims,
        in_channels,
        out_channels,
        dropout_prob_down=dropout,
        dropout_prob_up=(dropout, dropout),
        dropout_dim=spatial_dims,
    )
    return network


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
    """The U-Net of nnU-Net (Isensee et al., 2021): full resolution first, halved at every level.

    ``deep_supervision`` is how many scales below the full one have outputs of their own in training. With
    ``first_stride`` 2 it works at half the resolution, several times faster on a CPU, and a transposed convolution
    brings its logits back to the whole.
    """
    from monai.networks.nets.dynunet import DynUNet

    from seglossbench.networks.dynunet import DeepDynUNet

    if deep_supervision and first_stride > 1:
        raise ValueError("deep_supervision needs first_stride 1")
    strides = [first_stride] + [2] * (len(filters) - 1)
    network: nn.Module = (DeepDynUNet if deep_supervision else DynUNet)(
        spatial_dims,
        in_channels,
        out_channels if first_stride == 1 else filters[0],
        kernel_size=[kernel_size] * len(filters),
        strides=strides,
        upsample_kernel_size=strides[1:],
        filters=filters,
        norm_name=norm,
        deep_supervision=deep_supervision > 0,
        deep_supr_num=max(1, deep_supervision),
    )
    if first_stride == 1:
        return network
    enlarge = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}[spatial_dims]
    return nn.Sequential(network, enlarge(filters[0], out_channels, first_stride, first_stride))


def segresnet(
    spatial_dims: int,
    in_channels: int,
    out_channels: int,
    *,
    init_filters: int = 32,
    blocks_down: Sequence[int] = (1, 2, 2, 4),
    blocks_up: Sequence[int] = (1, 1, 1),
) -> nn.Module:
    """SegResNet (Myronenko, 2018), enlarged by transposed convolutions, which are deterministic on a GPU."""
    from monai.networks.nets.segresnet import SegResNet

    network: nn.Module = SegResNet(
        spatial_dims,
        init_filters,
        in_channels,
        out_channels,
        blocks_down=tuple(blocks_down),
        blocks_up=tuple(blocks_up),
        upsample_mode="deconv",
    )
    return network


def segresnet_ds(
    spatial_dims: int,
    in_channels: int,
    out_channels: int,
    *,
    init_filters: int = 32,
    blocks_down: Sequence[int] = (1, 2, 2, 4),
    norm: str = "instance",
    deep_supervision: int = 3,
) -> nn.Module:
    """SegResNet with outputs at ``deep_supervision`` scales below the full one in training."""
    from monai.networks.nets.segresnet_ds import SegResNetDS

    network: nn.Module = SegResNetDS(
        spatial_dims,
        init_filters,
        in_channels,
        out_channels,
        norm=norm,
        blocks_down=tuple(blocks_down),
        dsdepth=1 + deep_supervision,
    )
    return network


def unetr(
    spatial_dims: int,
    in_channels: int,
    out_channels: int,
    *,
    patch_size: Sequence[int],
    feature_size: int = 16,
    hidden_size: int = 768,
    mlp_dim: int = 3072,
    num_heads: int = 12,
) -> nn.Module:
    """UNETR (Hatamizadeh et al., 2022), for images of exactly the training patch's size."""
    from monai.networks.nets.unetr import UNETR

    network: nn.Module = UNETR(
        in_channels,
        out_channels,
        tuple(patch_size),
        feature_size=feature_size,
        hidden_size=hidden_size,
        mlp_dim=mlp_dim,
        num_heads=num_heads,
        spatial_dims=spatial_dims,
    )
    return network


def swin_unetr(
    spatial_dims: int,
    in_channels: int,
    out_channels: int,
    *,
    feature_size: int = 48,
    depths: Sequence[int] = (2, 2, 2, 2),
    num_heads: Sequence[int] = (3, 6, 12, 24),
    use_checkpoint: bool = False,
) -> nn.Module:
    """SwinUNETR (Hatamizadeh et al., 2022); ``use_checkpoint`` saves memory and costs time."""
    from monai.networks.nets.swin_unetr import SwinUNETR

    network: nn.Module = SwinUNETR(
        in_channels,
        out_channels,
        depths=tuple(depths),
        num_heads=tuple(num_heads),
        feature_size=feature_size,
        use_checkpoint=use_checkpoint,
        spatial_dims=spatial_dims,
    )
    return network
