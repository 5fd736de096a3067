"""Logits of images of any size from a network that sees windows: overlapping windows, weighted by a Gaussian.

The same windows and weights as MONAI's ``sliding_window_inference(mode="gaussian")``, which takes seconds to import.
"""

import itertools
import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

SIGMA = 0.125
"""The Gaussian's standard deviation, in sizes of the window."""
LEAST_WEIGHT = 1e-3


def sliding_windows(
    images: Tensor,
    window: Sequence[int],
    network: Callable[[Tensor], Tensor],
    *,
    overlap: float,
    batch: int,
) -> Tensor:
    """Logits (N, classes, *spatial) of ``images`` (N, C, *spatial), ``batch`` windows at a time.

    Windows share the ``overlap`` part of their length with the next one. Where an image is smaller than the window,
    there are zeros around it.
    """
    shape = images.shape[2:]
    missing = [max(size - length, 0) for length, size in zip(shape, window, strict=True)]
    before = [total // 2 for total in missing]
    around = [amount for low, total in zip(before, missing, strict=True) for amount in (total - low, low)]
    padded = functional.pad(images, around[::-1])
    starts = [_starts(length, size, overlap) for length, size in zip(padded.shape[2:], window, strict=True)]
    places = [
        (slice(index, index + 1), slice(None), *map(slice, start, map(sum, zip(start, window, strict=True))))
        for index in range(len(images))
        for start in itertools.product(*starts)
    ]
    weight = gaussian_weight(window).to(images.device)
    weight_sum = torch.zeros(padded.shape[2:], device=images.device)
    for place in places[: len(places) // len(images)]:
        weight_sum[place[2:]] += weight
    total: Tensor | None = None
    for first in range(0, len(places), batch):
        chosen = places[first : first + batch]
        logits = network(torch.cat([padded[place] for place in chosen])).float() * weight
        if total is None:
            total = logits.new_zeros(len(images), logits.shape[1], *padded.shape[2:])
        for place, values in zip(chosen, logits, strict=True):
            total[place] += values
    assert total is not None
    total /= weight_sum
    inner = tuple(slice(low, low + length) for low, length in zip(before, shape, strict=True))
    return total[(slice(None), slice(None), *inner)]


def gaussian_weight(window: Sequence[int]) -> Tensor:
    """(*window) float32: 1 in the middle, little at the edges, where a network sees the least around a voxel."""
    weight = torch.ones(())
    for size in window:
        place = torch.arange(size) - (size - 1) / 2
        weight = weight.unsqueeze(-1) * torch.exp(-(place**2) / (2 * (SIGMA * size) ** 2))
    return weight.clamp(min=max(float(weight.min()), LEAST_WEIGHT))


def _starts(length: int, size: int, overlap: float) -> list[int]:
    """Where windows of a ``size`` begin on an axis of a ``length``; the last one ends where the axis does."""
    if length == size:
        return [0]
    interval = max(1, int(size * (1 - overlap)))
    count = 1 + math.ceil((length - size) / interval)
    return [min(index * interval, length - size) for index in range(count)]
