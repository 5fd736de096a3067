"""What more seeds or cases would resolve, from the variance components of finished runs: always as a range.

The power of the crossed interval is had by drawing its mean squares as scaled chi² and its mean as normal, which is
exact where scores are normal. A pilot's components are themselves uncertain: their 20 and 80 % limits make the range.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from seglossbench.statistics.crossed import LEVEL, MeanSquares, half_width

Array = NDArray[np.float64]
POWER = 0.8
MOST_SEEDS = 100
FEWEST_CASES_WITH_FAILURES = 50


@dataclass(frozen=True)
class Components:
    """Standard deviations of a difference of two losses over cases, over seeds, and over what is left."""

    case: float
    seed: float
    residual: float


@dataclass(frozen=True)
class Needed:
    """How many seeds decide, at the 20 and at the 80 % limit of the components; infinite where none up to 100 do."""

    low: float
    high: float

    @property
    def in_words(self) -> str:
        """The range as a report says it."""
        if np.isinf(self.low):
            return f"more than {MOST_SEEDS} seeds, so rather more cases"
        if np.isinf(self.high):
            return f"{self.low:.0f} seeds or more"
        if self.low == self.high:
            return f"{self.low:.0f} seeds"
        return f"{self.low:.0f} to {self.high:.0f} seeds"


def components(squares: MeanSquares) -> Components:
    """The components of one array of two seeds and two cases or more; negative ones are 0."""
    residual = float(squares.residual)
    seed = max(float(squares.seed) - residual, 0.0) / float(squares.cases)
    case = max(float(squares.case) - residual, 0.0) / float(squares.seeds)
    return Components(case**0.5, seed**0.5, residual**0.5)


def component_limits(squares: MeanSquares, share: float = 0.2) -> tuple[Components, Components]:
    """The components where each mean square is at its lower and at its upper ``share`` limit."""
    seeds, cases = float(squares.seeds), float(squares.cases)
    dfs = {"seed": seeds - 1, "case": cases - 1, "residual": (seeds - 1) * (cases - 1)}
    limits = []
    for tail in (1 - share, share):
        scaled = {name: float(getattr(squares, name)) * df / chi2.ppf(tail, df) for name, df in dfs.items()}
        residual = float(squares.residual)  # has by far the most degrees of freedom
        limits.append(
            Components(
                case=float(np.sqrt(max(scaled["case"] - residual, 0) / seeds)),
                seed=float(np.sqrt(max(scaled["seed"] - residual, 0) / cases)),
                residual=float(np.sqrt(scaled["residual"])),
            )
        )
    return limits[0], limits[1]


def power(
    difference: float,
    parts: Components,
    seeds: int,
    cases: int,
    random: np.random.Generator,
    *,
    draws: int = 20_000,
    level: float = LEVEL,
) -> float:
    """How often the interval of so many seeds and cases leaves out 0 where the difference is that."""
    half, sd = _half_widths(parts, seeds, cases, random, draws, level)
    means = difference + sd * random.standard_normal(draws)
    return float((np.abs(means) > half).mean())


def smallest_difference(
    parts: Components,
    seeds: int,
    cases: int,
    random: np.random.Generator,
    *,
    wanted: float = POWER,
    draws: int = 20_000,
    level: float = LEVEL,
) -> float:
    """The smallest difference that so many seeds and cases resolve in a share ``wanted`` of experiments."""
    half, sd = _half_widths(parts, seeds, cases, random, draws, level)
    noise = sd * random.standard_normal(draws)
    # Told apart in the right direction as soon as the difference exceeds half - noise.
    return float(np.quantile(half - noise, wanted))


def seeds_needed(
    difference: float, squares: MeanSquares, random: np.random.Generator, *, wanted: float = POWER
) -> Needed:
    """How many seeds resolve a difference with the pilot's cases; the pilot has two seeds and two cases at least."""
    cases = int(squares.cases)
    found = [
        _fewest_seeds(abs(difference), limit, cases, random, wanted) for limit in component_limits(squares)
    ]
    return Needed(min(found), max(found))


def cannot_be_planned(squares: MeanSquares, *, failures: bool) -> str:
    """Why a pilot tells nothing of what more would resolve; empty if it does."""
    if float(squares.seeds) < 2:
        return "one seed tells nothing of how trainings differ"
    if float(squares.cases) < 2:
        return "one case tells nothing of how cases differ"
    if failures and float(squares.cases) < FEWEST_CASES_WITH_FAILURES:
        return f"with fewer than {FEWEST_CASES_WITH_FAILURES} cases, the few that failed decide"
    return ""


def _fewest_seeds(
    difference: float, parts: Components, cases: int, random: np.random.Generator, wanted: float
) -> float:
    def resolves(seeds: int) -> bool:
        return smallest_difference(parts, seeds, cases, random, wanted=wanted, draws=4000) <= difference

    if not resolves(MOST_SEEDS):
        return np.inf
    low, high = 1, MOST_SEEDS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if resolves(middle) else (middle, high)
    return float(high)


def _half_widths(
    parts: Components, seeds: int, cases: int, random: np.random.Generator, draws: int, level: float
) -> tuple[Array, float]:
    """Half-widths of drawn experiments, and the true standard deviation of their means."""
    residual = parts.residual**2
    expected = {
        "seed": (residual + cases * parts.seed**2, seeds - 1),
        "case": (residual + seeds * parts.case**2, cases - 1),
        "residual": (residual, (seeds - 1) * (cases - 1)),
    }
    drawn = {
        name: value * random.chisquare(df, draws) / df if df else np.full(draws, np.nan)
        for name, (value, df) in expected.items()
    }
    full = np.ones(draws)
    squares = MeanSquares(np.zeros(draws), **drawn, seeds=full * seeds, cases=full * cases)
    sd = np.sqrt(parts.case**2 / cases + parts.seed**2 / seeds + residual / (seeds * cases))
    return half_width(squares, 1 - level), float(sd)
