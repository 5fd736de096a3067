"""Intensities on a scale that is common to all cases."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seglossbench.data.cases import Modality
from seglossbench.data.preparation.presets import Foreground, Recipe

NO_SPREAD = 1e-6  # of a channel of one value, which z-scores to 0


def normalise(
    channel: NDArray[Any],
    modality: Modality,
    recipe: Recipe,
    index: int = 0,
    mask: NDArray[np.uint8] | None = None,
) -> NDArray[np.float32]:
    """Channel number ``index`` of an image (*spatial), as float32.

    CT is clipped to a window in HU and scaled, or z-scored as a whole; or clipped to the percentiles of the foreground
    and z-scored by its mean and deviation. MRI is z-scored by itself, within the voxels that are not 0, within
    the ``mask`` of its case (``case_mask``) or as a whole; RGB as a whole.
    """
    values = np.array(channel, dtype=np.float32, order="C")
    if modality == "CT":
        if recipe.foreground is not None:
            return _z_score_as(values, recipe.foreground[index])
        low, high = recipe.ct_window_hu
        first, last = recipe.ct_range
        np.clip(values, low, high, out=values)
        if recipe.ct == "window_z_score":
            return _z_score(values, None)
        values -= low
        values *= (last - first) / (high - low)
        values += first
        return values
    inside = None
    if modality == "MRI" and recipe.mri == "z_score_nonzero":
        inside = values != 0 if mask is None else mask != 0
    if recipe.clip_percentiles is not None:
        seen = values if inside is None else values[inside]
        if seen.size:
            np.clip(values, *np.percentile(seen, recipe.clip_percentiles).astype(np.float32), out=values)
    return _z_score(values, inside)


def case_mask(channels: Sequence[NDArray[Any]]) -> NDArray[np.uint8]:
    """1 where any of the channels (*spatial) is not 0, and in holes of that, as in nnU-Net."""
    from scipy.ndimage import binary_fill_holes

    return np.asarray(binary_fill_holes(np.any([channel != 0 for channel in channels], axis=0)), np.uint8)


def _z_score(values: NDArray[np.float32], inside: NDArray[np.bool_] | None) -> NDArray[np.float32]:
    """In place: mean 0 and deviation 1 ``inside``, and 0 outside of it."""
    if inside is not None:
        values *= inside  # clipping may have lifted what is outside
    count = values.size if inside is None else np.count_nonzero(inside)
    if count == 0:
        return values
    values -= np.float32(values.sum(dtype=np.float64) / count)
    if inside is not None:
        values *= inside
    flat = values.ravel()
    values /= np.float32(max(float(np.sqrt(np.dot(flat, flat) / count)), NO_SPREAD))
    return values


def _z_score_as(values: NDArray[np.float32], foreground: Foreground) -> NDArray[np.float32]:
    np.clip(values, foreground.low, foreground.high, out=values)
    values -= np.float32(foreground.mean)
    values /= np.float32(max(foreground.sd, NO_SPREAD))
    return values
