"""The scale on which a metric is averaged: most as they are, distances by their logarithms (geometric means).

A distance of 0 has no logarithm. It counts as half the smallest distance of that metric and dataset that is not 0: on a
grid a surface that is off is off by the side of a voxel, so this is half a voxel where masks are nearly perfect.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seglossbench.vocabulary.metrics import Mean

Array = NDArray[np.float64]
_NOTHING = 1e-300
"""A distance of which the mean is told as 0."""


def floor_of(distances: ArrayLike) -> float:
    """What a distance of 0 counts as beside those distances; nearly nothing where there is none above 0."""
    found = np.asarray(distances, float)
    positive = found[(found > 0) & np.isfinite(found)]
    return float(positive.min()) / 2 if len(positive) else _NOTHING


def working(values: ArrayLike, mean: Mean, floor: float | None = None) -> Array:
    """Values on the scale on which their mean is an arithmetic one; ``floor`` is by default that of the values."""
    numbers = np.asarray(values, float)
    if mean == "arithmetic":
        return numbers
    lowest = floor_of(numbers) if floor is None else floor
    logs: Array = np.log(np.maximum(numbers, lowest))
    return logs


def natural(values: ArrayLike, mean: Mean) -> Array:
    """Numbers of the working scale in the metric's own unit or, of differences, as ratios."""
    numbers = np.asarray(values, float)
    if mean == "arithmetic":
        return numbers
    with np.errstate(over="ignore"):
        turned = np.exp(numbers)
    found: Array = np.where(turned < 2 * _NOTHING, 0.0, turned)
    return found
