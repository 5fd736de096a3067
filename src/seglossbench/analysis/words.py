"""Numbers as a sentence has them: with digits that suit, a true minus sign, and their interval in brackets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

UNBOUNDED = 1e3
"""A ratio beyond this, or below its inverse, is no bound that helps anybody."""


def number(value: float, digits: int = 3, *, sign: bool = False) -> str:
    """A number with so many decimals, and a sign where it is a difference that may be either."""
    if np.isnan(value):
        return "–"
    return f"{value:{'+' if sign else ''}.{digits}f}".replace("-", "−")


def difference(estimate: float, lo: float, hi: float, scale: str) -> str:
    """A difference or a ratio with its interval, such as ``0.021 [0.012, 0.030]`` or ``ratio 0.83 [0.71, 0.97]``."""
    if scale == "ratio":
        if np.isnan(lo):
            return f"ratio {estimate:.2f}"
        ends = (f"{end:.2f}" if 1 / UNBOUNDED < end < UNBOUNDED else "not bounded" for end in (lo, hi))
        return f"ratio {estimate:.2f} [{', '.join(ends)}]"
    if np.isnan(lo):
        return number(estimate)
    # An interval narrower than its last digit would read as 0 to 0.
    digits = 3 if hi - lo >= 0.005 else 5
    return f"{number(estimate, digits)} [{number(lo, digits)}, {number(hi, digits)}]"


def count(amount: int, noun: str, plural: str = "") -> str:
    """How many of a thing, such as ``1 seed`` or ``3 seeds``."""
    return f"{amount} {noun if amount == 1 else plural or noun + 's'}"


def listed(names: Sequence[str]) -> str:
    """Names in a row, the last after *and*."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
