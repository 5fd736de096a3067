"""From checked scores to cubes: names to places, texts to numbers, and what is left out or filled in on the way."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from seglossbench.analysis.cubes import (
    ALL,
    BOTH_EMPTY,
    CODES,
    PREDICTION_EMPTY,
    TRUTH_EMPTY,
    Bools,
    Cube,
    Cubes,
    Excluded,
)
from seglossbench.analysis.measures import FALSE_ALARMS, MISSED, measure_of
from seglossbench.statistics.scales import Array, floor_of
from seglossbench.vocabulary.metrics import split_name
from seglossbench.vocabulary.tables import STATUS

AXES = ("network", "loss", "seed", "case", "class")
COMPLETE = 0.5
"""A run that lacks more than this share of its dataset's cases is left out, instead of its cases for all runs."""


def cubes_of(
    scores: pd.DataFrame,
    patients: Mapping[tuple[str, str], str] | None = None,
    *,
    absent_scored: Collection[str] = (),
    penalties: Mapping[str, float] | None = None,
) -> Cubes:
    """The cubes of checked scores (columns of ``vocabulary.tables.SCORES``, all text).

    ``patients`` names the patient of (dataset, case). ``absent_scored`` are the datasets whose policy for empty masks
    gives a class that the truth lacks a score, found or not, which then counts; a finite score of two empty masks shows
    such a policy, too. A missed class without a distance, or with an infinite one, counts as the metric's penalty, by
    default the largest distance there.
    """
    found = Cubes()
    for dataset, of_dataset in scores.groupby("dataset", sort=False, observed=True):
        arrays = _Arrays.of(str(dataset), of_dataset, patients or {})
        found.cubes += arrays.cubes(found.excluded, dataset in absent_scored, penalties or {})
    return found


@dataclass(frozen=True)
class _Arrays:
    """All scores of a dataset, [network, loss, seed, case, class].

    ``values`` are by metric, NaN where there is none, and ``statuses`` by what was scored besides (``split_name``).
    ``networks`` of a metric are those that it was scored of; ``scored`` says which cells have any usual score.
    """

    dataset: str
    names: dict[str, tuple[str, ...]]
    values: dict[str, Array]
    networks: dict[str, list[int]]
    statuses: dict[str, NDArray[np.int8]]
    scored: Bools
    units: NDArray[np.int64]

    @classmethod
    def of(cls, dataset: str, scores: pd.DataFrame, patients: Mapping[tuple[str, str], str]) -> _Arrays:
        codes, names = {}, {}
        for axis in AXES:
            codes[axis], found = pd.factorize(scores[axis])
            names[axis] = tuple(
                "\\*" if axis in ("network", "class") and name == ALL else str(name) for name in found
            )
        shape = tuple(len(names[axis]) for axis in AXES)
        place = np.ravel_multi_index(tuple(codes[axis] for axis in AXES), shape)
        of_metric, metrics = pd.factorize(scores["metric"])
        values, networks, statuses = {}, {}, {"": np.zeros(shape, np.int8)}
        scored = np.zeros(shape, bool)
        for code, metric in enumerate(map(str, metrics)):
            usual, besides = split_name(metric)
            rows = np.flatnonzero(of_metric == code)
            texts = scores["value"].iloc[rows]
            if not besides:
                scored.flat[place[rows]] = True
            if usual == STATUS:
                statuses[besides] = np.zeros(shape, np.int8)
                statuses[besides].flat[place[rows]] = texts.map(CODES)
            else:
                values[metric] = np.full(shape, np.nan)
                values[metric].flat[place[rows]] = pd.to_numeric(texts)
                networks[metric] = sorted(set(codes["network"][rows].tolist()))
        units = pd.factorize(pd.Series([patients.get((dataset, case), case) for case in names["case"]]))[0]
        return cls(dataset, names, values, networks, statuses, scored, units)

    def cubes(
        self, excluded: list[Excluded], absent_scored: bool, penalties: Mapping[str, float]
    ) -> Iterator[Cube]:
        """The cubes of every network by metric, with those of rates last; ``excluded`` gets what is left out."""
        counts, floors = {}, {}
        for metric, values in self.values.items():
            status = self._status(metric)
            of_metric = self.networks[metric]
            # A class of which no run has a score or misses it in a case is taken to be absent there.
            there = ~np.isnan(values[of_metric]) | (status[of_metric] == PREDICTION_EMPTY)
            floors[metric] = self._fill_worst(metric, excluded, penalties.get(metric))
            # A right nothing that has a score shows that the policy has absent classes count.
            all_count = absent_scored or bool(np.isfinite(values[status == BOTH_EMPTY]).any())
            counts[metric] = there.any((0, 1, 2)) & (all_count | ~_lacking(status))
        runs = self._complete_runs(excluded)
        for network, name in enumerate(self.names["network"]):
            used = np.flatnonzero(runs[network].any(1))
            losses = tuple(self.names["loss"][loss] for loss in used)
            base = Cube(
                self.dataset,
                name,
                measure_of("-"),
                losses,
                seeds=self.names["seed"],
                cases=self.names["case"],
                classes=self.names["class"],
                scores=np.empty(0),
                status=self.statuses[""][network, used],
                counts=~_lacking(self.statuses[""]),
                runs=runs[network, used],
                units=self.units,
            )
            for metric, values in self.values.items():
                if network in self.networks[metric]:
                    yield replace(
                        base,
                        measure=measure_of(metric),
                        scores=values[network, used],
                        status=self._status(metric)[network, used],
                        counts=counts[metric],
                        runs=base.runs & ~np.isnan(values[network, used]).all((2, 3)),
                        floor=floors[metric],
                    )
            yield from _rates(base, self.scored[network, used])

    def _status(self, metric: str) -> NDArray[np.int8]:
        """The statuses of the masks that a metric is of."""
        return self.statuses.get(split_name(metric)[1], np.zeros_like(self.statuses[""]))

    def _fill_worst(self, metric: str, excluded: list[Excluded], penalty: float | None) -> float:
        """Give missed classes without a value, and infinite distances, the worst one; returns the floor of distances.

        Where there is no finite distance at all, nothing is known of the worst.
        """
        values, measure = self.values[metric], measure_of(metric)
        if measure.kind == "number":
            return 0.0
        finite = values[np.isfinite(values)]
        lacks = np.isposinf(values) | (np.isnan(values) & (self._status(metric) == PREDICTION_EMPTY))
        floor = floor_of(finite)
        if measure.kind == "share":
            values[lacks] = 0.0
        elif lacks.any():
            worst = penalty if penalty is not None else float(finite.max(initial=-np.inf))
            values[lacks] = worst if np.isfinite(worst) else np.nan
            how = "as asked" if penalty is not None else "the largest in these scores"
            told = f"counts as {worst:g}, {how}" if np.isfinite(worst) else "and no other is known: left out"
            why = f"{metric} undefined or infinite {told}"
            excluded.append(Excluded(self.dataset, ALL, ALL, int(lacks.sum()), why))
        return floor

    def _complete_runs(self, excluded: list[Excluded]) -> Bools:
        """Which runs [network, loss, seed] are there and have enough of the dataset's cases; the others are told."""
        share = self.scored.any(-1).mean(-1)
        cases = len(self.names["case"])
        for network, loss, seed in zip(*np.nonzero((share > 0) & (share < COMPLETE)), strict=True):
            lacks = round(float((1 - share[network, loss, seed]) * cases))
            why = f"seed {self.names['seed'][seed]} lacks {lacks} of {cases} cases, so the run is left out"
            excluded.append(
                Excluded(self.dataset, self.names["network"][network], self.names["loss"][loss], lacks, why)
            )
        complete: Bools = share >= COMPLETE
        return complete


def _lacking(status: NDArray[np.int8]) -> Bools:
    """Which cases [case, class] lack a class, by any prediction of any run."""
    found: Bools = np.asarray((status >= TRUTH_EMPTY).any((0, 1, 2)))
    return found


def _rates(base: Cube, scored: Bools) -> Iterator[Cube]:
    """The cubes of the share of present classes that were missed and of absent ones that were found, where any were."""
    present = base.counts
    if (base.status > 0).any():
        missed = np.where(scored, base.missed, np.nan)
        yield replace(base, measure=measure_of(MISSED), scores=missed, counts=present & scored.any((0, 1)))
    if not present.all():
        alarms = np.where(base.status >= TRUTH_EMPTY, base.false_alarms, np.nan)
        yield replace(base, measure=measure_of(FALSE_ALARMS), scores=alarms, counts=~present)
