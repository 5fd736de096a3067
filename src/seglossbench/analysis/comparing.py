"""The comparisons that claims ask for, as rows of numbers: differences, slopes, and ratios of restlessness.

Keys that begin with an underscore are for the verdict, and stand in no table: ``_gain`` are the mean squares of the
difference turned so that more is better, ``_beyond`` the margin on that scale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import pandas as pd

from seglossbench.analysis.claims import Claim
from seglossbench.analysis.cubes import ALL, Cube, Cubes
from seglossbench.analysis.differences import describe
from seglossbench.analysis.effects import Paired, of_pair, over_networks
from seglossbench.analysis.measures import Measure
from seglossbench.analysis.stability import SHARES, compare, values_of
from seglossbench.analysis.words import count
from seglossbench.statistics.comparison import over_new_networks, p_non_inferior
from seglossbench.statistics.crossed import MeanSquares, crossed, mean_squares
from seglossbench.statistics.influence import class_means
from seglossbench.statistics.scales import Array
from seglossbench.statistics.slope import FEWEST_POINTS, slope_over_classes, slope_over_tasks, slope_weights

Row = dict[str, Any]


@dataclass(frozen=True)
class Evidence:
    """What claims are judged by: cubes, the numbers of each run, sizes of classes, and what each dataset stands for.

    ``sizes`` are by (dataset, class) in any one unit; ``scopes`` say of a dataset what a verdict on it is of only;
    ``missing`` says of a (dataset, loss) which of its runs are not there.
    """

    cubes: Cubes
    numbers: pd.DataFrame
    sizes: Mapping[tuple[str, str], float] = field(default_factory=dict)
    scopes: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[tuple[str, str], str] = field(default_factory=dict)


@dataclass(frozen=True)
class Effect:
    """The paired difference of two losses over the networks run, and its parts by network."""

    paired: Paired
    parts: tuple[Paired, ...]
    networks: tuple[str, ...]
    cube: Cube
    failures: bool

    @property
    def network(self) -> str:
        """The network, or the star for the mean over several."""
        return self.networks[0] if len(self.networks) == 1 else ALL


def effect_of(cubes: list[Cube], a: str, b: str, networks: tuple[str, ...] = (ALL,)) -> Effect | None:
    """The paired difference a - b over those networks that have both losses; None without any."""
    found = [
        (cube, part)
        for cube in cubes
        if a in cube.losses and b in cube.losses and any(fnmatchcase(cube.network, n) for n in networks)
        if (part := of_pair(cube, cube.losses.index(a), cube.losses.index(b))) is not None
    ]
    if not found:
        return None
    parts = tuple(part for _, part in found)
    paired = parts[0] if len(parts) == 1 else over_networks(parts)
    if paired is None or not paired.counts.any():
        return None
    failures = any(cube.missed[cube.losses.index(loss)].any() for cube, _ in found for loss in (a, b))
    return Effect(paired, parts, tuple(cube.network for cube, _ in found), found[0][0], failures)


def compared(claim: Claim, effect: Effect) -> Row:
    """A difference with its interval, of non-inferiority with the one-sided p-value against the margin."""
    measure, paired = effect.cube.measure, effect.paired
    weights = next(paired.classes(effect.cube.classes))[1]
    row, squares = describe(paired, weights, measure)
    gain = _turned(squares, measure)
    beyond = _margin(claim, measure)
    interval = crossed(squares)
    row |= {
        "estimate": float(measure.natural(interval.estimate)),
        "lo": float(measure.natural(interval.lo)),
        "hi": float(measure.natural(interval.hi)),
        "margin": claim.margin if claim.margin is not None else np.nan,
        "p": float(interval.p if claim.margin is None else p_non_inferior(gain, -beyond)),
        "case_share": float(interval.case_share),
        "seed_share": float(interval.seed_share),
        "networks": len(effect.networks),
        "runs": 2 * len(paired.seeds) * len(effect.networks),
        "_gain": gain,
        "_beyond": beyond,
        "_failures": effect.failures,
    }
    if len(effect.parts) > 1:
        ends = over_new_networks([part.mean(weights) for part in effect.parts])
        row["_new_networks"] = [float(end) for end in measure.natural(np.array(ends[:2]))]
    return row


def slope_by_size(dataset: str, effect: Effect, evidence: Evidence) -> Row:
    """The change of the gain with log10 of the classes' size, over cases, trainings and classes."""
    cube, paired = effect.cube, effect.paired
    known = np.array(
        [
            (dataset, name) in evidence.sizes and paired.counts[:, k].any()
            for k, name in enumerate(cube.classes)
        ]
    )
    if known.sum() < FEWEST_POINTS:
        return {}
    at = np.log10(
        [evidence.sizes[dataset, name] for name, use in zip(cube.classes, known, strict=True) if use]
    )
    weights = np.zeros(len(known))
    weights[known] = slope_weights(at)
    sign = cube.measure.sign or 1
    values = sign * class_means(paired.values, paired.counts)[known]
    x = sign * paired.influence(weights)
    squares = mean_squares(x)
    slope, lo, hi, p = slope_over_classes(values, at, squares)
    return _of_slope(slope, lo, hi, p, squares, effect) | {
        "_what": f"per tenfold size of a class, over {count(int(known.sum()), 'class', 'classes')}"
    }


def dialled(claim: Claim, datasets: list[str], evidence: Evidence) -> list[Row]:
    """The change of the gain along a dial, over datasets that differ in nothing else."""
    assert claim.dial is not None
    rows: list[Row] = []
    losses = dict.fromkeys(loss for cube in evidence.cubes.cubes for loss in cube.losses)
    for a, b in claim.pairs_among(losses):
        found = []
        for dataset in datasets:
            cubes = next((c for m in claim.metrics if (c := evidence.cubes.of(dataset, m))), [])
            effect = effect_of(cubes, a, b, claim.networks)
            if effect is not None:
                found.append((claim.dial[dataset], effect))
        if len({dial for dial, _ in found}) < FEWEST_POINTS:
            continue
        squares = MeanSquares.stack(_squares(effect) for _, effect in found)
        slope, lo, hi, p = slope_over_tasks(squares, [dial for dial, _ in found])
        last = found[-1][1]
        row = {"dataset": ALL, "network": last.network, "metric": last.cube.measure.name, "a": a, "b": b}
        rows.append(
            row
            | _of_slope(slope, lo, hi, p, _squares(last), last)
            | {"_what": f"per step of the dial, over {count(len(found), 'task')}"}
        )
    return rows


def _squares(effect: Effect) -> MeanSquares:
    """The mean squares of the gain, positive where a is better."""
    weights = next(effect.paired.classes(effect.cube.classes))[1]
    return _turned(mean_squares(effect.paired.influence(weights)), effect.cube.measure)


def _of_slope(slope: float, lo: float, hi: float, p: float, squares: MeanSquares, effect: Effect) -> Row:
    return {
        "scale": "slope", "estimate": slope, "lo": lo, "hi": hi, "p": p, "margin": np.nan, "_gain": squares,
        "seeds": int(squares.seeds), "cases": len(effect.paired.counts), "patients": int(squares.cases),
        "networks": len(effect.networks), "runs": 2 * len(effect.paired.seeds) * len(effect.networks),
        "_failures": effect.failures,
    }  # fmt: skip


def steadiness(claim: Claim, dataset: str, a: str, b: str, evidence: Evidence) -> list[Row]:
    """The ratios of two losses' restlessness, by each quantity that can be had."""
    numbers = evidence.numbers[evidence.numbers["dataset"] == dataset]
    networks = [n for n in numbers["network"].unique() if any(fnmatchcase(n, p) for p in claim.networks)]
    numbers = numbers[numbers["network"].isin(networks)]
    rows = []
    for quantity in claim.quantities:
        found = compare(values_of(numbers, quantity), quantity, a, b)
        if not found:
            continue
        network = networks[0] if found["networks"] == 1 else ALL
        runs = int(numbers["loss"].isin([a, b]).sum())
        rows.append(
            {
                "dataset": dataset,
                "network": network,
                "metric": claim.metrics[0],
                "runs": runs,
                "margin": np.nan,
            }
            | {"scale": "difference of shares" if quantity in SHARES else "ratio"}
            | {key: value for key, value in found.items() if key != "test"}
        )
    return rows


def _margin(claim: Claim, measure: Measure) -> float:
    """The margin on the working scale: how much worse still counts as no worse."""
    if claim.margin is None:
        return 0.0
    return float(np.log(claim.margin)) if measure.kind == "distance" else claim.margin


def _turned(squares: MeanSquares, measure: Measure) -> MeanSquares:
    """Of a difference, the gain: positive where a is better."""
    mean: Array = (measure.sign or 1) * squares.mean
    return MeanSquares(mean, squares.seed, squares.case, squares.residual, squares.seeds, squares.cases)
