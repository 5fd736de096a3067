"""Small label maps and logits, on which losses and metrics are tried."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seglossbench.maps import Truth

CLASSES = 3
Labels = NDArray[np.uint8]


def labels_of(shape: Sequence[int] = (1, 6, 8), seed: int = 0) -> Labels:
    """Blocks of random classes (N, *spatial), every class in every sample."""
    generator = np.random.default_rng(seed)
    blocks = np.stack([generator.permutation(np.arange(6) % CLASSES).reshape(2, 3) for _ in range(shape[0])])
    rows = blocks.repeat(shape[-2] // 2, 1).repeat(-(-shape[-1] // 3), 2)[..., : shape[-1]]
    flat = rows.reshape(shape[0], *[1] * (len(shape) - 3), *shape[-2:])
    return np.broadcast_to(flat, shape).astype(np.uint8)


def logits_of(
    labels: Labels, seed: int = 0, scale: float = 1.0, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Random logits (N, C, *spatial) that have nothing to do with the labels."""
    generator = torch.Generator().manual_seed(seed)
    shape = (len(labels), CLASSES, *labels.shape[1:])
    return (scale * torch.randn(shape, generator=generator)).to(dtype).requires_grad_()


def confident(labels: Labels) -> Tensor:
    """Logits of a nearly certain prediction of ``labels``."""
    return 12 * Truth(labels, CLASSES).one_hot(torch.float32)


def sure_logits(labels: Labels, margin: float, seed: int = 0) -> Tensor:
    """About ``margin`` for the true class, but for a tenth of the voxels' classes, which are one too high."""
    generator = np.random.default_rng(seed)
    predicted = np.where(generator.random(labels.shape) < 0.1, (labels + 1) % CLASSES, labels)
    return logits_of(labels).detach() + margin * Truth(predicted, CLASSES).one_hot(torch.float32)


def without_foreground() -> Labels:
    """Two samples of background."""
    return np.zeros((2, 6, 8, 6), np.uint8)


def all_contour() -> Labels:
    """Sheets of two voxels, nothing of which is inside."""
    labels = without_foreground()
    labels[0, 1:3], labels[1, :, 5:7] = 1, 2
    return labels


def with_inside() -> Labels:
    """Blocks that have voxels inside."""
    labels = without_foreground()
    labels[0, 1:5, 1:6, 1:5], labels[1, :, 2:6] = 1, 2
    return labels


def shifted_pair() -> tuple[Labels, list[Labels]]:
    """Two classes side by side in a slice, and the same moved by a voxel to either side."""
    labels = np.zeros((1, 8, 9), np.uint8)
    labels[0, 2:5, 2:5], labels[0, 2:6, 5:8] = 1, 2
    return labels, [np.roll(labels, shift, axis=(1, 2)) for shift in ((1, 0), (0, -1))]
