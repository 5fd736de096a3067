"""One number with its uncertainty, of a loss or of two losses' difference: from cubes to mean squares.

All tables are made of these: a mean over classes or one class, of one network or of the mean over those run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from seglossbench.analysis.cubes import ALL, Bools, Cube
from seglossbench.statistics.influence import class_means, equal_weights, influence_values
from seglossbench.statistics.scales import Array


@dataclass(frozen=True)
class Paired:
    """Values [seed, case, class] on the working scale that may be averaged, and which cells of them count.

    ``dropped`` is the number of cells of which some seed has no value, so that the case counts in none.
    """

    values: Array
    counts: Bools
    units: NDArray[np.int64]
    seeds: tuple[str, ...]
    dropped: Bools

    def classes(self, names: Sequence[str], *, each: bool = True) -> Iterator[tuple[str, Array]]:
        """The mean over the classes and, if wanted, each class that any case has, with the weights of the sum."""
        if self.counts.any():
            yield ALL, equal_weights(self.counts)
        if not each:
            return
        for index, name in enumerate(names):
            if self.counts[:, index].any():
                yield name, np.eye(len(names))[index]

    def influence(self, weights: Array) -> Array:
        """The influence values [seed, patient] of a weighted sum of class means."""
        units = None if self.is_case_by_case else self.units
        return influence_values(self.values, self.counts, weights, units)

    def mean(self, weights: Array) -> float:
        """The weighted sum of the class means, which is the mean of the influence values."""
        used = weights != 0
        return float(weights[used] @ self._class_means[used])

    @cached_property
    def _class_means(self) -> Array:
        return class_means(self.values, self.counts)

    @cached_property
    def is_case_by_case(self) -> bool:
        """Whether no patient has several cases."""
        return len(np.unique(self.units)) == len(self.units)

    @cached_property
    def is_whole(self) -> bool:
        """Whether all classes that any case has are in the same cases, and no patient has several of these."""
        there = self.counts[:, self.counts.any(0)]
        return self.is_case_by_case and bool((there.all(1) == there.any(1)).all())

    def of_classes(self) -> Array:
        """The influence values [class, seed, case] of each class that any case has, where ``is_whole``: its values."""
        cases, classes = self.counts.any(1), self.counts.any(0)
        found: Array = np.moveaxis(self.values[:, cases][..., classes], -1, 0)
        return found

    def cases(self, weights: Array) -> Array:
        """What each case says by itself, over seeds and the classes that it has: [case]."""
        cells = self.counts[:, weights != 0]
        sums = np.where(cells, self.values[..., weights != 0].mean(0), 0.0).sum(-1)
        found = cells.any(-1)
        of_cases: Array = sums[found] / cells[found].sum(-1)
        return of_cases

    def of_seeds(self, seeds: Sequence[str]) -> Array:
        """The values [seed, case, class] of those seeds."""
        chosen: Array = self.values[[self.seeds.index(seed) for seed in seeds]]
        return chosen

    def with_cases(self, kept: Bools) -> Paired:
        """The same of a part of the cases."""
        return Paired(
            self.values[:, kept], self.counts[kept], self.units[kept], self.seeds, self.dropped[kept]
        )


def of_loss(cube: Cube, loss: int) -> Paired | None:
    """The scores of one loss, over its seeds; None without any."""
    return _paired(cube, cube.runs[loss], cube.working[loss])


def of_pair(cube: Cube, a: int, b: int) -> Paired | None:
    """The differences a - b over the seeds that both have; None without any."""
    return _paired(cube, cube.runs[a] & cube.runs[b], cube.working[a] - cube.working[b])


def over_networks(parts: Iterable[Paired | None]) -> Paired | None:
    """The mean over networks per seed and case, over the seeds that all have; None where one has nothing to give."""
    found = list(parts)
    if not found or any(part is None for part in found):
        return None
    given = [part for part in found if part is not None]
    seeds = [seed for seed in given[0].seeds if all(seed in part.seeds for part in given)]
    if not seeds:
        return None
    values = np.mean([part.of_seeds(seeds) for part in given], axis=0)
    counts = np.logical_and.reduce([part.counts for part in given])
    dropped = np.logical_or.reduce([part.counts | part.dropped for part in given]) & ~counts
    return Paired(values, counts, given[0].units, tuple(seeds), dropped)


def between_networks(one: Paired, other: Paired) -> Paired | None:
    """How much more one network gives than another, over the seeds that both have; None without any."""
    turned = Paired(-other.values, other.counts, other.units, other.seeds, other.dropped)
    mean = over_networks([one, turned])
    if mean is None or not mean.counts.any():
        return None
    return Paired(2 * mean.values, mean.counts, mean.units, mean.seeds, mean.dropped)


def _paired(cube: Cube, runs: Bools, values: Array) -> Paired | None:
    seeds = np.flatnonzero(runs)
    if not len(seeds):
        return None
    chosen = values[seeds]
    complete = ~np.isnan(chosen).any(0)
    return Paired(
        chosen,
        cube.counts & complete,
        cube.units,
        tuple(cube.seeds[seed] for seed in seeds),
        cube.counts & ~complete,
    )
