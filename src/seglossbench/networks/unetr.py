"""MONAI's UNETR."""

from collections.abc import Sequence

from monai.networks.nets.unetr import UNETR
from torch import nn


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
