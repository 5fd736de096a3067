"""Looking after every seed has a price: how much of the error may be spent at each look (Lan & DeMets 1983).

The whole of 5 % is spent as O'Brien and Fleming would, little at first. Each look gets what is added since the one
before, so that the sum over all looks is the level whatever their correlation (Bonferroni): a little strict.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from seglossbench.statistics.crossed import LEVEL

FIRST_LOOK = 2
"""No look is worth anything before there are two seeds."""


def spent(share: float, level: float = LEVEL) -> float:
    """The error that may be spent when a share of the planned seeds is there."""
    return float(2 * norm.sf(norm.isf((1 - level) / 2) / np.sqrt(min(1.0, share)))) if share > 0 else 0.0


def alpha_of_look(seeds: int, planned: int, level: float = LEVEL) -> float:
    """The level of a test after ``seeds`` of ``planned`` seeds, where one looks after every seed from the second on."""
    if seeds < FIRST_LOOK:
        return 0.0
    before = spent((seeds - 1) / planned, level) if seeds > FIRST_LOOK else 0.0
    return spent(seeds / planned, level) - before
