"""Numbers of one training's curve: how soon it is good, how good over all, and how quiet it is at the end.

Curves are arrays over validations, [validation], with the epoch or hour of each where it matters. Gaps are NaN.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
SHARE_OF_BEST = 0.95
LATE = 0.25
"""The share of a training, its last, in which an oscillation is a late one."""


def until_share_of_best(at: ArrayLike, curve: ArrayLike, share: float = SHARE_OF_BEST) -> float:
    """Where (in the unit of ``at``) a curve first reaches a share of its best value; NaN of an empty one."""
    at, curve = _defined(at, curve)
    if not len(curve) or curve.max() <= 0:
        return np.nan
    return float(at[np.argmax(curve >= share * curve.max())])


def until_level(at: ArrayLike, curve: ArrayLike, level: float) -> float:
    """Where a curve first reaches a level; infinity where it never does."""
    at, curve = _defined(at, curve)
    reached = np.flatnonzero(curve >= level)
    return float(at[reached[0]]) if len(reached) else np.inf


def area_under(at: ArrayLike, curve: ArrayLike) -> float:
    """The mean height of a curve: its area by the trapezoidal rule over its length."""
    at, curve = _defined(at, curve)
    if len(at) < 2:
        return float(curve.mean()) if len(curve) else np.nan
    return float(np.trapezoid(curve, at) / (at[-1] - at[0]))


def late_oscillation(at: ArrayLike, curve: ArrayLike, late: float = LATE) -> float:
    """The standard deviation of a curve around its straight line in the last quarter; NaN of fewer than four points."""
    at, curve = _late(at, curve, late)
    if len(curve) < 4:
        return np.nan
    slope, intercept = np.polyfit(at, curve, 1)
    return math.sqrt(((curve - slope * at - intercept) ** 2).sum() / (len(curve) - 2))


def late_variation(at: ArrayLike, curve: ArrayLike, late: float = LATE) -> float:
    """The coefficient of variation of a positive curve (a gradient's norm) in the last quarter."""
    _, curve = _late(at, curve, late)
    if len(curve) < 2 or curve.mean() <= 0:
        return np.nan
    return float(curve.std(ddof=1) / curve.mean())


def _late(at: ArrayLike, curve: ArrayLike, late: float) -> tuple[Array, Array]:
    at, curve = _defined(at, curve)
    if not len(at):
        return at, curve
    kept = at >= at[-1] - late * (at[-1] - at[0])
    return at[kept], curve[kept]


def _defined(at: ArrayLike, curve: ArrayLike) -> tuple[Array, Array]:
    at, curve = np.asarray(at, float), np.asarray(curve, float)
    kept = np.isfinite(at) & np.isfinite(curve)
    order = np.argsort(at[kept], kind="stable")
    return at[kept][order], curve[kept][order]
