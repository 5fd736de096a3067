"""Whether conclusions hold under other conventions: the same losses by every policy for empty masks, metric of one
family, with and without the runs that failed; between networks; and in parts of the cases.

Nothing is scored again: what a policy gives an empty mask follows from the stored statuses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from seglossbench.analysis.cubes import ALL, Cube, Cubes
from seglossbench.analysis.differences import FAMILY, describe, differences, finish
from seglossbench.analysis.effects import Paired, between_networks, of_pair, over_networks
from seglossbench.analysis.means import means
from seglossbench.analysis.measures import FALSE_ALARMS, MISSED, Measure
from seglossbench.evaluation.empty import POLICIES, Policy
from seglossbench.statistics.crossed import MeanSquares
from seglossbench.statistics.influence import class_means
from seglossbench.statistics.ranks import kendall_tau
from seglossbench.vocabulary.metrics import metric_of
from seglossbench.vocabulary.tables import STATUSES

AS_ANALYSED = "as analysed"
COLUMNS = [
    *FAMILY[:3], "variant", "loss", "mean", "lo", "hi", "case_share", "seed_share", "seeds", "cases", "rank",
    "rank_lo", "rank_hi", "tied_with_best", "missed_rate", "false_alarm_rate", "tau", "told_apart", "changed", "pairs",
]  # fmt: skip
INTERACTIONS = [
    "dataset", "metric", "a", "b", "network", "other_network", "scale", "estimate", "lo", "hi", "p", "p_adjusted",
    "family_size", "differ", "case_share", "seed_share", "seeds", "cases", "patients",
]  # fmt: skip
SUBGROUPS = [
    "dataset", "network", "metric", "column", "part", "a", "b", "scale", "estimate", "lo", "hi", "p", "p_adjusted",
    "family_size", "better", "case_share", "seed_share", "case_wins", "cases", "patients", "seed_wins", "seeds",
]  # fmt: skip


def sensitivity(cubes: Cubes, numbers: pd.DataFrame) -> pd.DataFrame:
    """Every loss's mean over the classes and rank under each variant, and what changes of the conclusions with it.

    ``missed_rate`` and ``false_alarm_rate`` are those of the variant's masks, NaN where no statuses are known or no
    class is absent. ``told_apart`` counts the pairs that are, ``changed`` those that are told otherwise than as
    analysed; ``tau`` is Kendall's between both orders of losses. ``numbers`` say which runs failed.
    """
    tables = []
    for cube in cubes.cubes:
        if not cube.measure.better or cube.measure.name in (MISSED, FALSE_ALARMS) or len(cube.losses) < 2:
            continue
        variants = {AS_ANALYSED: cube} | dict(_variants(cube, cubes, numbers))
        if len(variants) > 1:
            tables += list(_compared(variants, cubes))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)


def interactions(cubes: Cubes, decides: str) -> pd.DataFrame:
    """Whether the difference of two losses is another on one network than on another, by the metric that decides.

    Holm's family is all of a dataset.
    """
    rows: list[dict[str, Any]] = []
    squares: list[MeanSquares] = []
    for dataset in cubes.datasets:
        scored = cubes.of(dataset, decides)
        for one, other in combinations(scored, 2):
            for a, b in combinations([loss for loss in one.losses if loss in other.losses], 2):
                here, there = (of_pair(c, c.losses.index(a), c.losses.index(b)) for c in (one, other))
                paired = between_networks(here, there) if here and there else None
                if paired is None:
                    continue
                described, of_row = describe(paired, next(paired.classes(one.classes))[1], one.measure)
                head = {"dataset": dataset, "network": ALL, "metric": decides, "class": ALL, "a": a, "b": b}
                rows.append(head | {"first": one.network, "other_network": other.network} | described)
                squares.append(of_row)
    if not rows:
        return pd.DataFrame(columns=INTERACTIONS)
    table = finish(rows, squares, decides)
    table["network"] = [row["first"] for row in rows]
    table["other_network"] = [row["other_network"] for row in rows]
    table["differ"] = table["better"] != ""
    return table.reindex(columns=INTERACTIONS)


def subgroups(
    cubes: Cubes, decides: str, columns: Mapping[str, Mapping[tuple[str, str], str]]
) -> pd.DataFrame:
    """The differences of losses in parts of the cases, by ``columns`` of values by (dataset, case).

    Holm's family is the pairs of one dataset, network, column and part of it.
    """
    tables = []
    for column, values in columns.items():
        for value in dict.fromkeys(values.values()):
            rows: list[dict[str, Any]] = []
            squares: list[MeanSquares] = []
            for dataset in cubes.datasets:
                scored = cubes.of(dataset, decides)
                for network, a, b, measure, classes, paired in _pairs(scored):
                    kept = np.array([values.get((dataset, case)) == value for case in scored[0].cases])
                    part = paired.with_cases(kept)
                    if not part.counts.any():
                        continue
                    head = {
                        "dataset": dataset,
                        "network": network,
                        "metric": decides,
                        "class": ALL,
                        "a": a,
                        "b": b,
                    }
                    described, of_row = describe(part, next(part.classes(classes))[1], measure)
                    rows.append(head | described)
                    squares.append(of_row)
            if rows:
                tables.append(finish(rows, squares, decides).assign(column=column, part=value))
    if not tables:
        return pd.DataFrame(columns=SUBGROUPS)
    return pd.concat(tables, ignore_index=True).reindex(columns=SUBGROUPS)


def _pairs(cubes: list[Cube]) -> Iterator[tuple[str, str, str, Measure, tuple[str, ...], Paired]]:
    """Every pair of losses on every network, and over those run where there are several."""
    losses = list(dict.fromkeys(loss for cube in cubes for loss in cube.losses))
    for a, b in combinations(losses, 2):
        parts = []
        for cube in cubes:
            if a in cube.losses and b in cube.losses:
                part = of_pair(cube, cube.losses.index(a), cube.losses.index(b))
                if part is not None:
                    parts.append(part)
                    yield cube.network, a, b, cube.measure, cube.classes, part
        if len(parts) > 1 and (whole := over_networks(parts)) is not None:
            yield ALL, a, b, cubes[0].measure, cubes[0].classes, whole


def _variants(cube: Cube, cubes: Cubes, numbers: pd.DataFrame) -> Iterator[tuple[str, Cube]]:
    """The same runs by other conventions, where these can change anything."""
    if (cube.status > 0).any():
        alike: dict[tuple[object, ...], dict[str, Policy]] = {}
        for policy_name, policy in POLICIES.items():
            given = _given(cube, policy)
            if given is not None:
                alike.setdefault(given, {})[policy_name] = policy
        for policies in alike.values():
            yield f"empty masks: {', '.join(policies)}", _by_policy(cube, next(iter(policies.values())))
    if cube.measure.kind == "distance":
        yield "arithmetic means", replace(cube, measure=Measure(cube.measure.name, "number", "lower"))
    family = cube.measure.name.partition("@")[0].partition("_")[0]
    for other in cubes.cubes:
        same_runs = (other.dataset, other.network) == (cube.dataset, cube.network)
        name = other.measure.name
        if same_runs and name != cube.measure.name and name.partition("@")[0].partition("_")[0] == family:
            yield f"metric: {name}", replace(other, measure=replace(other.measure, name=cube.measure.name))
    failed = numbers[
        (numbers["dataset"] == cube.dataset) & (numbers["network"] == cube.network) & numbers["failed"]
    ]
    if len(failed):
        runs = cube.runs.copy()
        for loss, seed in failed[["loss", "seed"]].itertuples(index=False, name=None):
            if loss in cube.losses and seed in cube.seeds:
                runs[cube.losses.index(loss), cube.seeds.index(seed)] = False
        yield "without failed runs", replace(cube, runs=runs)


def _given(cube: Cube, policy: Policy) -> tuple[object, ...] | None:
    """What a policy gives a missed class and, if they count, absent ones; None where that takes more than statuses."""
    kind = metric_of(cube.measure.name).kind
    if kind is None or (policy.in_voxels and kind != "overlap"):
        return None
    if not policy.defined_of([cube.measure.name])[0]:
        return None
    values = [policy.score(status, kind, np.nan) for status in STATUSES]
    if not policy.scores_absent_classes:
        values = values[:1]
    return None if any(value is not None and not np.isfinite(value) for value in values) else tuple(values)


def _by_policy(cube: Cube, policy: Policy) -> Cube:
    """The cube as another policy for empty masks would have scored it; a missed class without a distance is a gap."""
    kind = metric_of(cube.measure.name).kind
    assert kind is not None
    scores = cube.scores.copy()
    for code, status in enumerate(STATUSES, 1):
        value = policy.score(status, kind, np.nan)
        scores[cube.status == code] = np.nan if value is None else value
    lacking = (cube.status > 1).any((0, 1))
    counts = cube.counts | lacking if policy.scores_absent_classes else cube.counts & ~lacking
    return replace(cube, scores=scores, counts=counts)


def _rates(cubes: Cubes, cube: Cube) -> dict[str, dict[str, float]]:
    """How often each loss of a cube misses a class and finds an absent one: means over the classes."""
    found = {}
    for rate, cells in ((MISSED, cube.missed), (FALSE_ALARMS, cube.false_alarms)):
        of_rate = [each for each in cubes.of(cube.dataset, rate) if each.network == cube.network]
        counts = of_rate[0].counts if of_rate else np.zeros(cube.counts.shape, bool)
        found[rate] = {
            loss: float(np.nanmean(class_means(cells[index][cube.runs[index]], counts)))
            for index, loss in enumerate(cube.losses)
            if counts.any() and cube.runs[index].any()
        }
    return found


def _compared(variants: Mapping[str, Cube], cubes: Cubes) -> Iterator[pd.DataFrame]:
    first: pd.DataFrame | None = None
    told_first: dict[tuple[str, str], str] = {}
    for name, cube in variants.items():
        only = Cubes([cube])
        pairs = differences(only, cube.measure.name, each_class=False)
        told = {
            (a, b): better for a, b, better in pairs[["a", "b", "better"]].itertuples(index=False, name=None)
        }
        table = means(only, pairs, each_class=False).assign(variant=name)
        if first is None:
            first, told_first = table, told
        both = table.set_index("loss")["mean"], first.set_index("loss")["mean"].reindex(table["loss"])
        yield table.assign(
            **{rate: table["loss"].map(of_losses) for rate, of_losses in _rates(cubes, cube).items()},
            tau=kendall_tau(*both),
            told_apart=sum(better != "" for better in told.values()),
            changed=sum(better != told_first.get(pair, "") for pair, better in told.items()),
            pairs=len(told),
        ).reindex(columns=COLUMNS)
