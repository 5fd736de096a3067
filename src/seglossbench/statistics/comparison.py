"""What a difference says: of networks yet to come, and against a margin."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr, stdtrit

from seglossbench.statistics.crossed import LEVEL, MeanSquares, p_value

Array = NDArray[np.float64]
Answer = Literal["yes", "no", "open"]


def over_new_networks(of_networks: ArrayLike, level: float = LEVEL) -> tuple[float, float, float]:
    """The ends of the t interval over network means, and its p-value: for networks that are like those run.

    With two networks it says next to nothing; with one it is NaN.
    """
    means = np.asarray(of_networks, float)
    if len(means) < 2:
        return np.nan, np.nan, np.nan
    estimate, error = means.mean(), means.std(ddof=1) / np.sqrt(len(means))
    half = stdtrit(len(means) - 1, (1 + level) / 2) * error
    if error == 0:
        return float(estimate), float(estimate), 1.0 if estimate == 0 else 0.0
    p = 2 * stdtr(len(means) - 1, -abs(estimate) / error)
    return float(estimate - half), float(estimate + half), float(p)


def above_margin(lo: float, hi: float, margin: float) -> Answer:
    """Whether an interval lies above a margin (yes), below it (no), or on both sides of it (open)."""
    if np.isnan(lo) or np.isnan(hi):
        return "open"
    if lo > margin:
        return "yes"
    return "no" if hi < margin else "open"


def p_non_inferior(squares: MeanSquares, margin: ArrayLike) -> Array:
    """The one-sided p-value of a mean above ``margin``: under 0.025 where the 95 % interval lies above it."""
    half = p_value(squares, margin) / 2
    p: Array = np.where(squares.mean > np.asarray(margin, float), half, 1 - half)
    return p
