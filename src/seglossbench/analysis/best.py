"""The question that every report begins with: which loss is best here, and how surely.

One row per dataset and network, or the mean over several networks, on the metric that decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from seglossbench.analysis.comparing import effect_of
from seglossbench.analysis.cubes import ALL, Cubes
from seglossbench.analysis.differences import FAMILY, describe
from seglossbench.analysis.measures import Measure, measure_of
from seglossbench.analysis.verdicts import FEWEST_SEEDS, NOTHING_MORE, what_decides
from seglossbench.analysis.words import count, difference, listed, number
from seglossbench.statistics.crossed import crossed

Row = dict[str, Any]
ONE_SEED = (
    "The interval covers other test cases for these trained networks, and says nothing of training again."
)


def best_losses(
    cubes: Cubes, means: pd.DataFrame, pairs: pd.DataFrame, decides: str, scopes: Mapping[str, str]
) -> list[Row]:
    """The answers, of the network ``*`` where there are several networks, and then of each."""
    rows = []
    of_mean = means[(means["metric"] == decides) & (means["class"] == ALL)]
    for dataset in cubes.datasets:
        here = of_mean[of_mean["dataset"] == dataset]
        networks = sorted(here["network"].unique(), key=lambda network: network != ALL)
        for network in networks:
            row = _answer(cubes, here[here["network"] == network], pairs)
            if row:
                scope = " · ".join(part for part in (scopes.get(dataset, ""), dataset) if part)
                rows.append(row | {"id": f"best {dataset} {network}", "part_of": "", "scope": scope})
    return rows


def _answer(cubes: Cubes, means: pd.DataFrame, pairs: pd.DataFrame) -> Row:
    """The answer of one dataset and network; empty of fewer than two losses, or where no direction is better."""
    ranked = means[means["rank"].notna()].sort_values("rank", kind="stable")
    if len(ranked) < 2:
        return {}
    first = ranked.iloc[0]
    key = tuple(first[name] for name in FAMILY)
    measure = measure_of(key[2])
    of_family = pairs[
        np.logical_and.reduce([pairs[name] == value for name, value in zip(FAMILY, key, strict=True)])
    ]
    network = f" with {key[1]}" if key[1] != ALL else f", over the {first['networks']} networks run"
    row: Row = dict(zip(FAMILY[:3], key[:3], strict=True)) | {
        "question": f"Which loss has the best {key[2]} on {key[0]}{network}?",
        "claim": "",
        "source": "",
    }
    tied = ranked[ranked["tied_with_best"]]
    others = ranked[~ranked["tied_with_best"]]
    a, second = first["loss"], ranked.iloc[1]["loss"]
    lead = _lead(cubes, of_family, measure, a, second)
    if not lead:
        return row | {"verdict": "not tested", "finding": f"{a} and {second} have no seed in common."}
    row |= {name: value for name, value in lead.items() if not name.startswith("_")}
    row |= {
        "runs": int(ranked["seeds"].sum() * first["networks"]),
        "decide_low": np.nan,
        "decide_high": np.nan,
    }
    digits = 3 if measure.kind == "share" else 2
    means_of = [number(mean, digits) for mean in ranked["mean"].iloc[:2]]
    numbers = f"by {lead['_said']} ({means_of[0]} against {means_of[1]}), in {lead['case_wins']} of "
    numbers += f"{count(lead['cases'], 'case')} and {lead['seed_wins']} of {count(lead['seeds'], 'seed')}."
    leads = f"leads {second}"
    if measure.sign * float(lead["_squares"].mean) < 0:  # over the seeds that both have, and only there
        leads = f"has the best mean; over the seeds that both have it lies behind {second}"
    if float(lead["_squares"].mean) == 0:
        leads, numbers = f"has the same mean as {second}", f"({means_of[0]})."
    if lead["seeds"] < 2:
        finding = f"One seed. {a} {leads} {numbers} {ONE_SEED}"
        return row | {"verdict": "not settled", "finding": finding, "decide_text": FEWEST_SEEDS}
    if len(tied) == 1:
        finding = f"{a}. It leads the next, {second}, {numbers}"
        return row | {"verdict": "settled", "finding": finding, "decide_text": NOTHING_MORE}
    decide = what_decides(
        lead["_squares"], float(lead["_squares"].mean), failures=lead["_failures"], name=" ".join(key[:3])
    )
    row |= {"decide_low": decide.low, "decide_high": decide.high, "decide_text": decide.text}
    if others.empty:
        finding = f"None can be told from the best. {a} {leads} {numbers}"
        return row | {"verdict": "not settled", "finding": finding}
    least = min(
        (_lead(cubes, of_family, measure, a, other) for other in others["loss"]),
        key=lambda found: abs(float(found["_squares"].mean)) if found else np.inf,
    )
    over = f"{others['loss'].iloc[0]} by" if len(others) == 1 else f"the other {len(others)} by at least"
    finding = (
        f"One of {len(tied)}: {listed(list(tied['loss']))}. {a} leads {over} {least['_said']}; "
        f"it is not told from {listed(list(tied['loss'])[1:])}."
    )
    return row | {"verdict": "partly settled", "finding": finding}


def _lead(cubes: Cubes, of_family: pd.DataFrame, measure: Measure, a: str, b: str) -> Row:
    """How far a leads b: the row of ``differences`` with a first, and the mean squares of the difference."""
    found = of_family[
        ((of_family["a"] == a) & (of_family["b"] == b)) | ((of_family["a"] == b) & (of_family["b"] == a))
    ]
    if found.empty:
        return {}
    of_pair = found.iloc[0]
    network = of_pair["network"]
    scored = cubes.of(of_pair["dataset"], of_pair["metric"])
    effect = effect_of([cube for cube in scored if network in (ALL, cube.network)], a, b)
    if effect is None:
        return {}
    weights = next(effect.paired.classes(effect.cube.classes))[1]
    row, squares = describe(effect.paired, weights, measure)
    interval = crossed(squares)
    ends = {name: float(measure.natural(getattr(interval, name))) for name in ("estimate", "lo", "hi")}
    scale = str(row.pop("scale"))
    row.pop("sign")
    row.pop("case_quantiles")
    row.pop("dropped")
    return row | ends | {
        "a": a, "b": b, "scale": scale, "p": of_pair["p"], "p_adjusted": of_pair["p_adjusted"],
        "family_size": of_pair["family_size"], "case_share": float(interval.case_share),
        "seed_share": float(interval.seed_share), "networks": len(effect.networks),
        "_squares": squares, "_failures": effect.failures, "_said": difference(**ends, scale=scale),
    }  # fmt: skip
