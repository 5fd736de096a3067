"""From comparisons to verdicts: of one, of several together, and what would decide those that are open."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from seglossbench.analysis.words import number
from seglossbench.randomness import stream
from seglossbench.statistics.crossed import MeanSquares, crossed
from seglossbench.statistics.power import cannot_be_planned, seeds_needed

Verdict = Literal["supported", "not supported", "partly supported", "inconclusive", "not tested"]

NOTHING_MORE = "nothing more for new cases and trainings; new training data remain untested"
FEWEST_SEEDS = "3 seeds at least"


@dataclass(frozen=True)
class Decide:
    """How many seeds would decide an open question, and in words; NaN where that cannot be planned."""

    low: float
    high: float
    text: str


def one_of(verdicts: Iterable[Verdict], *, any_will_do: bool = False) -> Verdict:
    """The verdict of a claim that must hold in all its comparisons, or in any; one against it refutes it."""
    found = [verdict for verdict in verdicts if verdict != "not tested"]
    if not found:
        return "not tested"
    if "not supported" in found:
        return "not supported"
    enough = any if any_will_do else all
    return "supported" if enough(verdict == "supported" for verdict in found) else "inconclusive"


def over_datasets(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict over datasets: partly supported where it is on some of those tested and not on others."""
    found = {verdict for verdict in verdicts if verdict != "not tested"}
    if not found:
        return "not tested"
    if len(found) == 1:
        return found.pop()
    if found & {"supported", "partly supported"}:
        return "partly supported"
    return "not supported" if "not supported" in found else "inconclusive"


def what_decides(squares: MeanSquares, gain: float, *, failures: bool, name: str) -> Decide:
    """What would decide a comparison that is open, whose ``gain`` is how far its estimate lies beyond the margin.

    ``squares`` are those of the difference; ``name`` names the random stream of the power's draws.
    """
    if float(squares.seeds) < 2:
        return Decide(np.nan, np.nan, FEWEST_SEEDS)
    if why := cannot_be_planned(squares, failures=failures):
        return Decide(np.nan, np.nan, f"cannot be planned: {why}")
    if gain == 0:
        return Decide(np.nan, np.nan, "cannot be planned: the difference is near 0")
    needed = seeds_needed(gain, squares, stream("power", name))
    share = float(crossed(squares).seed_share)
    if np.isinf(needed.low):
        if share < 0.5:
            share_of_cases = number(100 * (1 - share), 0)
            return Decide(
                needed.low, needed.high, f"more cases: {share_of_cases} % of the uncertainty is between cases"
            )
        return Decide(needed.low, needed.high, "cannot be planned: the difference is near 0")
    text = f"{needed.in_words} if the lead is real"
    if share >= 0.01:
        text += f"; {number(100 * share, 0)} % of the uncertainty is between seeds"
    return Decide(needed.low, needed.high, text)
