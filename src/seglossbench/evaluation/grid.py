"""Both label maps of a case on the grid that the metrics work on: cropped to what they hold, with a rim of zeros."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seglossbench.data.geometry import nonzero_box, slices
from seglossbench.errors import InputError
from seglossbench.evaluation.nearest import RIM

Codes = NDArray[np.uint8]


def common_grid(
    truth: NDArray[Any], prediction: NDArray[Any], values: Iterable[int]
) -> tuple[Codes, Codes, dict[int, int]]:
    """Both maps as C-ordered codes in their joint foreground box, ``RIM`` voxels of zeros around it.

    ``values`` are the label values that matter; the last result tells the code of each. The rim stands for all that is
    outside the box, inside and outside the volume. Raises InputError for more than 255 different values.
    """
    wanted = sorted(set(values))
    if _is_byte(truth) and _is_byte(prediction) and wanted[0] > 0 and wanted[-1] <= 255:
        code_of = {value: value for value in wanted}
    else:
        if len(wanted) > 255:
            raise InputError(
                f"classes: at most 255 different label values, found {len(wanted)}; score in two runs"
            )
        truth, prediction = _recoded(truth, wanted), _recoded(prediction, wanted)
        code_of = {value: code for code, value in enumerate(wanted, start=1)}
    box = slices(nonzero_box([truth, prediction]))
    return _framed(truth[box]), _framed(prediction[box]), code_of


def _is_byte(labels: NDArray[Any]) -> bool:
    return bool(labels.min(initial=0) >= 0 and labels.max(initial=0) <= 255)


def _recoded(labels: NDArray[Any], wanted: list[int]) -> Codes:
    """1, 2, ... for the wanted values in ascending order and 0 for any other, slice by slice to save memory."""
    codes = np.zeros(labels.shape, np.uint8)
    if labels.dtype == bool:
        labels = labels.view(np.uint8)
    # In the labels' own type, for numpy would compare uint64 with other integers as float64, which is not exact.
    limits = np.iinfo(labels.dtype)
    code_of = {v: code for code, v in enumerate(wanted, start=1) if limits.min <= v <= limits.max}
    if not code_of:
        return codes
    values, code_at = np.array(list(code_of), labels.dtype), np.array(list(code_of.values()), np.uint8)
    for part, out in zip(labels, codes, strict=True):
        place = np.searchsorted(values, part).clip(max=len(values) - 1)
        known = values[place] == part
        out[known] = code_at[place[known]]
    return codes


def _framed(labels: NDArray[Any]) -> Codes:
    framed = np.zeros([size + 2 * RIM for size in labels.shape], np.uint8)
    framed[(slice(RIM, -RIM),) * labels.ndim] = labels
    return framed


def steps_of(labels: Codes) -> tuple[int, ...]:
    """How far the next voxel along each axis is in the flat array of a C-ordered map."""
    return labels.strides  # codes are bytes
