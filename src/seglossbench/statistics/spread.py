"""How far trainings of one loss lie apart: standard deviations over seeds, and ratios of two losses'.

One loss's deviation has no honest interval unless trainings scatter normally, and two seeds allow no test at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr, stdtrit
from scipy.stats import chi2

from seglossbench.statistics.crossed import LEVEL

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Ratio:
    """A ratio of two losses with its interval and the p-value of 1; NaN where nothing can be said."""

    estimate: float
    lo: float
    hi: float
    p: float


UNKNOWN = Ratio(np.nan, np.nan, np.nan, np.nan)


def sd_interval(sd: float, seeds: int, level: float = LEVEL) -> tuple[float, float]:
    """The chi² interval of a standard deviation over seeds: right only where trainings scatter normally."""
    if seeds < 2:
        return np.nan, np.nan
    tails = chi2.ppf([(1 + level) / 2, (1 - level) / 2], seeds - 1)
    lo, hi = sd * np.sqrt((seeds - 1) / tails)
    return float(lo), float(hi)


def t_interval(values: ArrayLike, level: float = LEVEL) -> tuple[float, float, float]:
    """Mean and t interval of a number per run; the ends are NaN of fewer than two runs."""
    values = np.asarray(values, float)
    if len(values) < 2:
        return (float(values.mean()) if len(values) else np.nan), np.nan, np.nan
    half = stdtrit(len(values) - 1, (1 + level) / 2) * values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean()), float(values.mean() - half), float(values.mean() + half)


def sd_ratio(one: ArrayLike, other: ArrayLike, level: float = LEVEL) -> Ratio:
    """The ratio of two losses' deviations over paired seeds, [network, seed], by the jackknife of its logarithm.

    Its t has N (S - 1) degrees of freedom over N networks, whose ratios are averaged as logarithms. Fewer than three
    seeds allow no test.
    """
    one, other = np.atleast_2d(np.asarray(one, float)), np.atleast_2d(np.asarray(other, float))
    networks, seeds = one.shape
    if seeds < 2:
        return UNKNOWN
    whole = _log_sd(one) - _log_sd(other)
    if not np.isfinite(whole).all():
        return UNKNOWN
    if seeds < 3:
        return Ratio(float(np.exp(whole.mean())), np.nan, np.nan, np.nan)
    kept = np.array([np.delete(np.arange(seeds), seed) for seed in range(seeds)])
    without = _log_sd(one[:, kept]) - _log_sd(other[:, kept])  # [network, seed left out]
    if not np.isfinite(without).all():
        return Ratio(float(np.exp(whole.mean())), np.nan, np.nan, np.nan)
    pseudo = seeds * whole[:, None] - (seeds - 1) * without
    error = np.sqrt(pseudo.var(axis=1, ddof=1).sum() / seeds) / networks
    return _ratio(float(whole.mean()), float(error), networks * (seeds - 1), level)


def mean_ratio(one: ArrayLike, other: ArrayLike, level: float = LEVEL) -> Ratio:
    """The ratio of a positive number per run of two losses, [network, paired seed], by a paired t of its logarithm.

    Networks are averaged per seed first. Numbers of 0 have no logarithm, and no ratio.
    """
    one, other = np.atleast_2d(np.asarray(one, float)), np.atleast_2d(np.asarray(other, float))
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = (np.log(one) - np.log(other)).mean(0)
    if not len(logs) or not np.isfinite(logs).all():
        return UNKNOWN
    if len(logs) < 2:
        return Ratio(float(np.exp(logs.mean())), np.nan, np.nan, np.nan)
    return _ratio(float(logs.mean()), float(logs.std(ddof=1) / np.sqrt(len(logs))), len(logs) - 1, level)


def _log_sd(x: Array) -> Array:
    """The logarithm; that of no spread at all is NaN, because it makes no ratio."""
    sd = x.std(axis=-1, ddof=1)
    logs: Array = np.log(np.where(sd > 0, sd, np.nan))
    return logs


def _ratio(estimate: float, error: float, df: int, level: float) -> Ratio:
    half = stdtrit(df, (1 + level) / 2) * error
    p = float(2 * stdtr(df, -abs(estimate) / error)) if error > 0 else float(estimate == 0)
    with np.errstate(over="ignore"):
        middle, lo, hi = np.exp([estimate, estimate - half, estimate + half])
    return Ratio(float(middle), float(lo), float(hi), p)
