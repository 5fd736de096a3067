"""Halving and enlarging of maps by operations that give the same digits on every try, on CUDA, too.

PyTorch has no deterministic kernel there for the gradients of max-pool in 3D and of linear interpolation.
"""

from collections.abc import Sequence

import torch
from torch import Tensor


def max_pooled(x: Tensor) -> Tensor:
    """(N, C, *spatial) -> (N, C, *spatial // 2): the largest of each 2 x 2 (x 2) voxels, as a max-pool of stride 2."""
    for axis in range(2, x.ndim):
        pairs = x.narrow(axis, 0, x.shape[axis] // 2 * 2)
        x = torch.maximum(*pairs.reshape(*x.shape[:axis], -1, 2, *x.shape[axis + 1 :]).unbind(axis + 1))
    return x


def resized(x: Tensor, shape: Sequence[int], *, align_corners: bool = False) -> Tensor:
    """(N, C, *spatial) -> (N, C, *shape) by linear interpolation, one axis after the other, as matrix products."""
    for axis, size in enumerate(shape, start=2):
        if size != x.shape[axis]:
            weights = _weights(x.shape[axis], size, align_corners).to(x)
            x = (x.movedim(axis, -1) @ weights).movedim(-1, axis)
    return x


def _weights(before: int, after: int, align_corners: bool) -> Tensor:
    """(before, after): what each old voxel of an axis gives to each new one."""
    place = torch.arange(after, dtype=torch.float64)
    if align_corners:
        place = place * ((before - 1) / max(after - 1, 1))
    else:
        place = ((place + 0.5) * (before / after) - 0.5).clamp(0, before - 1)
    return (1 - (place - torch.arange(before, dtype=torch.float64)[:, None]).abs()).clamp(min=0)
