"""What more seeds or cases would resolve, and whether enough were run: from the differences of finished runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from seglossbench.analysis.cubes import ALL, Cubes
from seglossbench.analysis.differences import differences
from seglossbench.analysis.means import means
from seglossbench.analysis.measures import measure_of
from seglossbench.analysis.words import count, number
from seglossbench.randomness import stream
from seglossbench.statistics.crossed import MeanSquares
from seglossbench.statistics.power import cannot_be_planned, component_limits, smallest_difference
from seglossbench.statistics.spending import FIRST_LOOK, alpha_of_look

COLUMNS = [
    "dataset", "network", "metric", "pairs", "pilot_seeds", "pilot_cases", "seeds", "cases", "scale", "smallest_low",
    "smallest_high", "why_not",
]  # fmt: skip
SEEDS = (3, 5, 10, 20)
MORE_CASES = (1, 2, 4)


def resolvable(cubes: Cubes, decides: str) -> pd.DataFrame:
    """The smallest difference of two losses that so many seeds and cases resolve with 80 % power, as a range.

    The components are those of an average pair of a dataset and network, at their 20 and 80 % limits. ``why_not`` says
    why nothing can be planned.
    """
    pairs = differences(cubes, decides, each_class=False)
    rows = []
    for (dataset, network), found in _primary(pairs, decides):
        squares = MeanSquares(
            np.array(0.0),
            *(np.array(found[name].mean()) for name in ("ms_seed", "ms_case", "ms_residual")),
            *(np.array(float(found[name].min())) for name in ("seeds", "patients")),
        )
        scored = [cube for cube in cubes.of(dataset, decides) if network in (ALL, cube.network)]
        head = {
            "dataset": dataset, "network": network, "metric": decides, "pairs": len(found),
            "pilot_seeds": int(squares.seeds), "pilot_cases": int(squares.cases), "scale": found["scale"].iloc[0],
        }  # fmt: skip
        failures = any(cube.missed.any() for cube in scored)
        if why := cannot_be_planned(squares, failures=failures):
            rows.append(head | {"why_not": why})
            continue
        limits = component_limits(squares)
        for seeds in SEEDS:
            for more in MORE_CASES:
                cases = more * int(squares.cases)
                random = stream("plan", dataset, network, seeds, cases)
                ends = [smallest_difference(limit, seeds, cases, random) for limit in limits]
                low, high = measure_of(decides).natural(np.array(sorted(ends)))
                rows.append(
                    head
                    | {
                        "seeds": seeds,
                        "cases": cases,
                        "smallest_low": low,
                        "smallest_high": high,
                        "why_not": "",
                    }
                )
    return pd.DataFrame(rows, columns=COLUMNS)


def in_lines(table: pd.DataFrame) -> list[str]:
    """The table of ``resolvable`` as one reads it."""
    lines = []
    for key, found in table.groupby(["dataset", "network"], sort=False):
        first = found.iloc[0]
        name = " ".join(part for part in map(str, key) if part != "-")
        lines.append(
            f"{name}: {first['metric']}, {count(first['pilot_seeds'], 'seed')}, {count(first['pilot_cases'], 'case')}"
        )
        if first["why_not"]:
            lines.append(f"  cannot be planned: {first['why_not']}")
            continue
        lines.append("  resolves with 80 % power, if the pilot is like what follows:")
        for row in found.to_dict("records"):
            ends = f"{number(row['smallest_low'])} to {number(row['smallest_high'])}"
            said = "a ratio of " if row["scale"] == "ratio" else "a difference of "
            lines.append(f"  {row['seeds']:>3} seeds {row['cases']:>6} cases   {said}{ends}")
    return lines


def settled(cubes: Cubes, decides: str, planned: int) -> list[str]:
    """Whether each dataset and network has its best loss settled by now, where one looks after every seed.

    ``planned`` is the number of seeds that was decided on before looking.
    """
    pairs = differences(cubes, decides, each_class=False)
    of_means = means(cubes, pairs, each_class=False)
    lines = []
    for (dataset, network), found in _primary(pairs, decides):
        here = of_means[(of_means["dataset"] == dataset) & (of_means["network"] == network)]
        ranked = here[here["metric"] == decides].sort_values("rank", kind="stable")
        name = " ".join(part for part in (dataset, network) if part != "-")
        seeds = int(found["seeds"].min())
        if len(ranked) < 2 or ranked["rank"].isna().all():
            continue
        if seeds < FIRST_LOOK:
            lines.append(f"{name}: one seed settles nothing")
            continue
        best = ranked["loss"].iloc[0]
        against = found[(found["a"] == best) | (found["b"] == best)]
        p, alpha = float(against["p_adjusted"].max()), alpha_of_look(seeds, planned)
        state = "settled" if p < alpha else "open"
        lines.append(
            f"{name}: {state} after {seeds} of {planned} seeds: {best} against the nearest, adjusted p {p:.2g}; "
            f"this look may spend {alpha:.2g} of 0.05"
        )
        if seeds > planned:
            lines[-1] += f"; {planned} seeds were planned, and looking on has a price that is not in it"
    return lines


def _primary(pairs: pd.DataFrame, decides: str) -> Iterator[tuple[tuple[str, str], pd.DataFrame]]:
    found: Any = pairs[(pairs["metric"] == decides) & (pairs["class"] == ALL)]
    for key, group in found.groupby(["dataset", "network"], sort=False):
        yield (str(key[0]), str(key[1])), group
