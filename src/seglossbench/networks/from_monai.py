"""The architectures that come from MONAI, with what differs between them behind one signature.

Each takes (spatial_dims, in_channels, out_channels) and its options. MONAI is imported when one is built.
"""

from collections.abc import Sequence

from torch import nn


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
