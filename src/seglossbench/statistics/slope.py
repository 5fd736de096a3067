"""How an effect changes with the size of a class, or with the dial of a task: a straight line with an interval.

Over classes, cases and seeds are shared by the whole line, and the classes themselves scatter around it; over tasks
with cases of their own, each task's uncertainty is independent. Squared half-widths of parts are added, as in
``statistics.crossed``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from seglossbench.statistics.crossed import LEVEL, MeanSquares, alpha_that_reaches, half_width

Array = NDArray[np.float64]
FEWEST_POINTS = 3


def slope_weights(at: ArrayLike) -> Array:
    """The weights by which values at those places are summed to the slope of their least-squares line."""
    places = np.asarray(at, float)
    deviations = places - places.mean()
    weights: Array = deviations / (deviations**2).sum()
    return weights


def slope_over_classes(
    values: ArrayLike, at: ArrayLike, squares: MeanSquares, level: float = LEVEL
) -> tuple[float, float, float, float]:
    """Slope, its ends and p-value, for new cases, new trainings and new classes like these.

    ``values`` are the class means at the places ``at``, ``squares`` those of the influence values of the slope. The
    classes' part is the t of the least-squares line.
    """
    values, at = np.asarray(values, float), np.asarray(at, float)
    slope = float(slope_weights(at) @ values)
    error, df = _scatter(values, at)

    def half_at(alpha: Array) -> Array:
        half: Array = np.sqrt(half_width(squares, alpha) ** 2 + (stdtrit(df, 1 - alpha / 2) * error) ** 2)
        return half

    return (slope, *_ends(slope, half_at, level))


def slope_over_tasks(
    squares: MeanSquares, at: ArrayLike, level: float = LEVEL
) -> tuple[float, float, float, float]:
    """Slope, its ends and p-value over independent tasks, whose mean squares stand in the order of the dials ``at``."""
    weights = slope_weights(at)
    slope = float(weights @ squares.mean)

    def half_at(alpha: Array) -> Array:
        half: Array = np.sqrt(((weights * half_width(squares, np.asarray(alpha))) ** 2).sum())
        return half

    return (slope, *_ends(slope, half_at, level))


def _scatter(values: Array, at: Array) -> tuple[float, int]:
    """Standard error and degrees of freedom of a least-squares slope by the scatter around the line."""
    slope, intercept = np.polyfit(at, values, 1)
    df = len(at) - 2
    left = ((values - slope * at - intercept) ** 2).sum() / df
    return float(np.sqrt(left / ((at - at.mean()) ** 2).sum())), df


def _ends(slope: float, half_at: Callable[[Array], Array], level: float) -> tuple[float, float, float]:
    half = float(half_at(np.asarray(1 - level)))
    return slope - half, slope + half, float(alpha_that_reaches(half_at, np.asarray(abs(slope))))
