"""Claims against the data: a row per comparison, and above them one that says what holds of the claim as a whole.

Each comparison is of one dataset and pair of losses, over the networks run. Within a claim and dataset its p-values are
adjusted by Holm. A claim on one seed is never more than open.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

import numpy as np

from seglossbench.analysis.claims import Claim
from seglossbench.analysis.comparing import (
    Evidence,
    Row,
    compared,
    dialled,
    effect_of,
    slope_by_size,
    steadiness,
)
from seglossbench.analysis.differences import SIGNIFICANT
from seglossbench.analysis.stability import SHARES
from seglossbench.analysis.verdicts import NOTHING_MORE, Verdict, one_of, over_datasets, what_decides
from seglossbench.analysis.words import count, difference, listed, number
from seglossbench.statistics.crossed import crossed
from seglossbench.statistics.multiplicity import holm

COLUMNS = [
    "id", "part_of", "question", "claim", "source", "scope", "verdict", "finding", "dataset", "network", "metric", "a",
    "b", "quantity", "scale", "estimate", "lo", "hi", "margin", "p", "p_adjusted", "family_size", "case_share",
    "seed_share", "networks", "runs", "seeds", "cases", "patients", "case_wins", "seed_wins", "decide_low",
    "decide_high", "decide_text",
]  # fmt: skip
FEWEST_SEEDS_FOR_SPREAD = 3


def judge(id: str, claim: Claim, evidence: Evidence) -> list[Row]:
    """The rows of a claim: its verdict first, then its comparisons."""
    datasets, own = claim.datasets_among(evidence.cubes.datasets)
    scope = _scope(datasets, own, evidence)
    head = {"question": claim.question, "claim": claim.claim, "source": claim.source}
    families = (
        [_on_dataset(claim, dataset, evidence) for dataset in datasets]
        if claim.dial is None
        else [dialled(claim, datasets, evidence)]
    )
    for family in families:
        _adjust(claim, family)
    comparisons = [row for family in families for row in family]
    for index, row in enumerate(comparisons, 1):
        row |= head | {"id": f"{id}.{index}", "part_of": id, "scope": scope}
    if not comparisons:
        why = _why_not(claim, datasets, evidence)
        whole: Row = {"verdict": "not tested", "finding": why, "decide_text": why}
        return [head | whole | {"id": id, "part_of": "", "scope": scope}]
    return [head | _whole(claim, comparisons) | {"id": id, "part_of": "", "scope": scope}, *comparisons]


def _on_dataset(claim: Claim, dataset: str, evidence: Evidence) -> list[Row]:
    """The comparisons on one dataset."""
    cubes = next((scored for m in claim.metrics if (scored := evidence.cubes.of(dataset, m))), [])
    losses = list(dict.fromkeys(loss for cube in cubes for loss in cube.losses))
    rows: list[Row] = []
    for a, b in claim.pairs_among(losses):
        if claim.test == "stability":
            rows += steadiness(claim, dataset, a, b, evidence)
            continue
        effect = effect_of(cubes, a, b, claim.networks)
        if effect is None or len(effect.networks) < claim.networks_at_least:
            continue
        found = slope_by_size(dataset, effect, evidence) if claim.test == "slope" else compared(claim, effect)
        head = {"dataset": dataset, "network": effect.network, "metric": effect.cube.measure.name}
        if found:
            rows.append(head | {"a": a, "b": b} | found)
    return rows


def _adjust(claim: Claim, rows: list[Row]) -> None:
    """Adjust the p-values of one dataset's comparisons, and give each its verdict and its sentence."""
    adjusted = holm([row["p"] for row in rows])
    for row, p in zip(rows, adjusted, strict=True):
        row |= {"p_adjusted": float(p), "family_size": int(np.isfinite(adjusted).sum())}
        row["verdict"] = _verdict(claim, row)
        row["finding"] = _sentence(claim, row)
        row |= _decide(claim, row)


def _verdict(claim: Claim, row: Row) -> Verdict:
    if claim.test == "stability":
        if np.isnan(row["p"]):
            return "not tested"
        if row["p_adjusted"] >= SIGNIFICANT:
            return "inconclusive"
        none = 0.0 if row["quantity"] in SHARES else 1.0
        return "supported" if row["estimate"] < none else "not supported"
    if row["seeds"] < 2 or np.isnan(row["p"]):
        return "inconclusive"
    if claim.test == "slope":
        if row["p_adjusted"] >= SIGNIFICANT:
            return "inconclusive"
        return "supported" if (row["estimate"] > 0) == (claim.expect == "rising") else "not supported"
    gain = row["_gain"]
    if claim.test == "non_inferiority":
        if row["p_adjusted"] < SIGNIFICANT / 2:
            return "supported"
        return "not supported" if float(crossed(gain).hi) < -row["_beyond"] else "inconclusive"
    if row["p_adjusted"] >= SIGNIFICANT:
        return "inconclusive"
    return "supported" if float(gain.mean) > 0 else "not supported"


def _sentence(claim: Claim, row: Row) -> str:
    """One comparison in words, with its numbers."""
    a, b = row["a"], row["b"]
    said = difference(row["estimate"], row["lo"], row["hi"], row["scale"])
    if claim.test == "stability":
        names = {
            "sd": "spread over seeds",
            "late_swing": "late oscillation",
            "failed": "share of failed runs",
            "restarted": "share of runs that began anew",
        }
        what = names.get(row["quantity"], row["quantity"])
        sign = "of" if row["scale"] == "ratio" else "difference of"
        return f"{a} against {b}: {sign} {what} {said}"
    if claim.test == "slope":
        return f"{a} against {b}: the gain changes by {said} {row['_what']}"
    text = f"{a} against {b}: {said}"
    if claim.margin is not None:
        margin = f"ratio {claim.margin:g}" if row["scale"] == "ratio" else f"−{claim.margin:g}"
        beyond = {"supported": "within", "not supported": "beyond"}.get(row["verdict"], "on both sides of")
        text += f", {beyond} the margin ({margin})"
    text += f", in {row['case_wins']} of {count(row['cases'], 'case')}"
    text += f" and {row['seed_wins']} of {count(row['seeds'], 'seed')}"
    if "_new_networks" in row:
        lo, hi = (number(end) for end in row["_new_networks"])
        text += f"; mean over the {row['networks']} networks run (for networks like these: {lo} to {hi})"
    return text


def _decide(claim: Claim, row: Row) -> Row:
    """What would decide a comparison that is open."""
    if row["verdict"] in ("supported", "not supported"):
        return {"decide_low": np.nan, "decide_high": np.nan, "decide_text": NOTHING_MORE}
    if claim.test == "stability":
        few = row["seeds"] < FEWEST_SEEDS_FOR_SPREAD
        text = (
            "3 seeds allow a test of spread"
            if few
            else "10 to 20 seeds, or 10 seeds on 3 networks (a ratio of 2)"
        )
        return {"decide_low": np.nan, "decide_high": np.nan, "decide_text": text}
    gain = float(row["_gain"].mean) + row.get("_beyond", 0.0)
    name = f"{row['dataset']} {row['network']} {row['metric']} {row['a']} {row['b']}"
    decide = what_decides(row["_gain"], gain, failures=row["_failures"], name=name)
    return {"decide_low": decide.low, "decide_high": decide.high, "decide_text": decide.text}


def _whole(claim: Claim, rows: list[Row]) -> Row:
    """The row of the claim: its verdict over datasets, what supports it least, and what was found in words."""
    by_dataset: dict[str, list[Row]] = {}
    for row in rows:
        by_dataset.setdefault(row["dataset"], []).append(row)
    verdicts: dict[str, Verdict] = {}
    for dataset, of_dataset in by_dataset.items():
        by_pair: dict[tuple[str, str], list[Verdict]] = {}
        for row in of_dataset:
            by_pair.setdefault((row["a"], row["b"]), []).append(row["verdict"])
        any_will_do = claim.test == "stability"
        verdicts[dataset] = one_of(one_of(found, any_will_do=any_will_do) for found in by_pair.values())
    verdict = over_datasets(verdicts.values())
    open_rows = [row for row in rows if row["verdict"] not in ("supported", "not tested")]
    weakest = max(open_rows or rows, key=lambda row: (np.nan_to_num(row["p_adjusted"], nan=2), row["a"]))
    whole = {key: value for key, value in weakest.items() if not key.startswith("_")}
    whole |= {"verdict": verdict, "finding": _summary(rows, verdicts)}
    if verdict == "not tested":
        whole["finding"] = f"{count(weakest['seeds'], 'seed')} allow no test of spread"
    return whole


def _summary(rows: list[Row], verdicts: Mapping[str, Verdict]) -> str:
    """What was found: how many comparisons hold, fail and are open, and the numbers of up to four."""
    words = {
        "supported": ("holds", "hold"),
        "not supported": ("does not hold", "do not hold"),
        "inconclusive": ("is open", "are open"),
        "not tested": ("is not tested", "are not tested"),
    }
    counts = [(sum(row["verdict"] == verdict for row in rows), said) for verdict, said in words.items()]
    told = [(found, said[found > 1]) for found, said in counts if found]
    if len(rows) == 1:
        text = f"The one comparison {told[0][1]}."
    elif len(told) == 1:
        text = f"{'Both' if len(rows) == 2 else f'All {len(rows)}'} comparisons {told[0][1]}."
    else:
        text = f"Of {len(rows)} comparisons, {listed([f'{found} {said}' for found, said in told])}."
    if len(set(verdicts.values())) > 1:
        text += " " + "; ".join(f"{dataset}: {verdict}" for dataset, verdict in verdicts.items()) + "."
    shown = rows[:4]
    several = len({row["dataset"] for row in rows}) > 1
    text += (
        " " + "; ".join((f"{row['dataset']}, " if several else "") + row["finding"] for row in shown) + "."
    )
    return text


def _scope(datasets: list[str], own: bool, evidence: Evidence) -> str:
    only = list(dict.fromkeys(evidence.scopes[name] for name in datasets if name in evidence.scopes))
    parts = (
        [*only, ", ".join(datasets)]
        if own
        else [*only, f"on other data than the claim's: {', '.join(datasets)}"]
    )
    return " · ".join(part for part in parts if part)


def _why_not(claim: Claim, datasets: list[str], evidence: Evidence) -> str:
    """Which runs are missing, or what else keeps a claim from being tested."""
    cubes = [cube for dataset in datasets for m in claim.metrics for cube in evidence.cubes.of(dataset, m)]
    if not cubes:
        return f"no scores of {listed(claim.metrics)}" + (f" on {listed(datasets)}" if datasets else "")
    losses = dict.fromkeys(loss for cube in cubes for loss in cube.losses)
    if not claim.pairs_among(losses):
        sides = [dict.fromkeys(pair[side] for pair in claim.wanted) for side in (0, 1)]
        lacks = [
            list(side)
            for side in sides
            if not any(fnmatchcase(loss, name) for loss in losses for name in side)
        ]
        names = " or ".join(lacks[0]) if lacks else "both sides of any pair"
        told = [why for (dataset, loss), why in evidence.missing.items() if lacks and loss in lacks[0]]
        return f"runs of {names} are missing" + (f": {'; '.join(told)}" if told else "")
    if claim.networks_at_least > 1:
        return f"needs {claim.networks_at_least} networks with both losses"
    if claim.test == "slope":
        return "needs the sizes of three classes" if claim.dial is None else "needs three tasks of the dial"
    return "no seed that both losses have"
