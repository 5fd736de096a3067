"""The interval of a mean over seeds and cases, both of which are samples: one closed form from three mean squares.

For an array x[seed, case] of S x C numbers (the scores of one loss, or differences of two) with the mean squares of
seeds, cases and residual MSs, MSc, MSe,

    half² = (t²(C-1) max(MSc - MSe, 0) + t²(S-1) MSs) / (S C)        S >= 2
    half² = t²(C-1) MSc / C                                          S = 1, for these trained networks only

a modified large sample interval (Burdick & Graybill 1992): squared half-widths of the parts are added. It is for new
cases and new trainings of the same losses, network, training data and split. docs/statistics.md has its coverage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit, stdtrit

Array = NDArray[np.float64]
LEVEL = 0.95
_HALVINGS = 60
_SMALLEST_LOG_P = np.log(1e-30)


@dataclass(frozen=True)
class MeanSquares:
    """Mean, mean squares and numbers of seeds and cases of one array or, as arrays of one shape, of many."""

    mean: Array
    seed: Array
    case: Array
    residual: Array
    seeds: Array
    cases: Array

    @classmethod
    def stack(cls, parts: Iterable[MeanSquares]) -> MeanSquares:
        """Those of many arrays, so that their intervals and p-values are computed at once."""
        found = list(parts)
        return cls(
            *(np.array([getattr(part, name) for part in found], float) for name in cls.__dataclass_fields__)
        )

    def __getitem__(self, place: int) -> MeanSquares:
        """Those of one of many arrays."""
        return MeanSquares(*(getattr(self, name)[place] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Interval:
    """Estimates with the ends of their intervals, two-sided p-values against 0, and where the uncertainty is from.

    ``case_share`` and ``seed_share`` are parts of the squared half-width and add up to 1; of one seed, nothing is
    known of trainings and ``seed_share`` is NaN. What cannot be had is NaN: all but the estimate with fewer than two
    cases.
    """

    estimate: Array
    lo: Array
    hi: Array
    p: Array
    case_share: Array
    seed_share: Array


def mean_squares(x: ArrayLike) -> MeanSquares:
    """The mean squares of x[..., seed, case]; those that a single seed or case does not give are NaN."""
    x = np.asarray(x, float)
    seeds, cases = x.shape[-2:]
    of_seeds, of_cases = x.mean(-1), x.mean(-2)
    mean = of_seeds.mean(-1)
    residual = x - of_seeds[..., :, None] - of_cases[..., None, :] + mean[..., None, None]
    unknown = np.full_like(mean, np.nan)
    full = np.ones_like(mean)
    return MeanSquares(
        mean=mean,
        seed=cases * of_seeds.var(-1, ddof=1) if seeds > 1 else unknown,
        case=seeds * of_cases.var(-1, ddof=1) if cases > 1 else unknown,
        residual=(residual**2).sum((-2, -1)) / ((seeds - 1) * (cases - 1))
        if seeds > 1 and cases > 1
        else unknown,
        seeds=full * seeds,
        cases=full * cases,
    )


def crossed(squares: MeanSquares, level: float = LEVEL) -> Interval:
    """The crossed interval of each mean, its p-value, and the parts of cases and seeds."""
    case_part, seed_part = _parts(squares, (1 - level) / 2)
    whole = case_part + seed_part
    half = half_width(squares, 1 - level)
    with np.errstate(invalid="ignore", divide="ignore"):
        case_share = np.where(whole > 0, case_part / whole, np.nan)
    case_share = np.where(squares.seeds < 2, np.nan, case_share)
    return Interval(
        estimate=squares.mean,
        lo=squares.mean - half,
        hi=squares.mean + half,
        p=p_value(squares),
        case_share=case_share,
        seed_share=1 - case_share,
    )


def half_width(squares: MeanSquares, alpha: ArrayLike = 1 - LEVEL) -> Array:
    """Half the width of each crossed interval of the level 1 - ``alpha``."""
    case_part, seed_part = _parts(squares, np.asarray(alpha, float) / 2)
    half: Array = np.sqrt(case_part + seed_part)
    return half


def p_value(squares: MeanSquares, against: ArrayLike = 0.0) -> Array:
    """The two-sided p-value: the level at which the interval just reaches ``against``."""
    distance = np.abs(squares.mean - np.asarray(against, float))
    return alpha_that_reaches(lambda alpha: half_width(squares, alpha), distance)


def alpha_that_reaches(half_at: Callable[[Array], Array], distance: Array) -> Array:
    """The ``alpha`` of which intervals are ``distance`` wide to each side, by bisection; NaN where they have no end.

    ``half_at`` gives half the width of each interval from its ``alpha``.
    """
    low, high = np.full(distance.shape, _SMALLEST_LOG_P), np.zeros(distance.shape)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        reaches = half_at(np.exp(middle)) >= distance
        low, high = np.where(reaches, middle, low), np.where(reaches, high, middle)
    p: Array = np.where(distance == 0, 1.0, np.exp((low + high) / 2))
    return np.where(np.isnan(half_at(np.full(distance.shape, 1 - LEVEL))), np.nan, p)


def on_logit_scale(interval: Interval) -> Interval:
    """The interval of a mean within 0 and 1 made on the logit scale by the delta method, so that it stays in there.

    The p-value is dropped: no mean is tested against 0. A mean of exactly 0 or 1 has no logit and keeps its interval.
    """
    mean, half = interval.estimate, (interval.hi - interval.lo) / 2
    inside = (mean > 0) & (mean < 1)
    safe = np.where(inside, mean, 0.5)
    spread = half / (safe * (1 - safe))
    lo = np.where(inside, expit(logit(safe) - spread), np.clip(interval.lo, 0, 1))
    hi = np.where(inside, expit(logit(safe) + spread), np.clip(interval.hi, 0, 1))
    return Interval(mean, lo, hi, np.full(mean.shape, np.nan), interval.case_share, interval.seed_share)


def satterthwaite(squares: MeanSquares) -> tuple[Array, Array]:
    """Variance of the mean and its degrees of freedom, where MSs + max(MSc - MSe, 0) is taken for one chi²."""
    case = np.maximum(squares.case - squares.residual, 0)
    total = squares.seed + case
    kept = case > 0
    spread = squares.seed**2 / (squares.seeds - 1)
    spread = spread + kept * (
        squares.case**2 / (squares.cases - 1)
        + squares.residual**2 / ((squares.seeds - 1) * (squares.cases - 1))
    )
    return total / (squares.seeds * squares.cases), total**2 / spread


def _parts(squares: MeanSquares, tail: Any) -> tuple[Array, Array]:
    """The squared half-widths that cases and seeds contribute at a two-sided level of 1 - 2 ``tail``."""
    one_seed = squares.seeds < 2
    t_cases = stdtrit(np.where(squares.cases > 1, squares.cases - 1, np.nan), tail)
    t_seeds = stdtrit(np.where(one_seed, np.nan, squares.seeds - 1), tail)
    size = squares.seeds * squares.cases
    of_cases = np.where(one_seed, squares.case, np.maximum(squares.case - squares.residual, 0))
    return t_cases**2 * of_cases / size, np.where(one_seed, 0.0, t_seeds**2 * squares.seed / size)
