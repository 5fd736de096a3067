"""Shares of runs and cases that failed, with exact intervals and tests."""

import numpy as np
from scipy.stats import beta, boschloo_exact

from seglossbench.statistics.crossed import LEVEL


def clopper_pearson(events: int, trials: int, level: float = LEVEL) -> tuple[float, float]:
    """The exact interval of a share (Clopper & Pearson 1934): 0 of 5 still allows 52 %."""
    if trials == 0:
        return 0.0, 1.0
    tail = (1 - level) / 2
    lo = beta.ppf(tail, events, trials - events + 1) if events else 0.0
    hi = beta.ppf(1 - tail, events + 1, trials - events) if events < trials else 1.0
    return float(lo), float(hi)


def boschloo(events: tuple[int, int], trials: tuple[int, int]) -> float:
    """The p-value of Boschloo's exact two-sided test that two shares are equal; NaN without trials in both."""
    if 0 in trials:
        return np.nan
    if events == (0, 0) or events == trials:
        return 1.0
    table = [list(events), [n - k for n, k in zip(trials, events, strict=True)]]
    return float(min(1.0, boschloo_exact(table).pvalue))


def none_seen(trials: int, level: float = LEVEL) -> float:
    """The largest share that is compatible, one-sided, with no event in so many trials."""
    return float(1 - (1 - level) ** (1 / trials)) if trials else 1.0
