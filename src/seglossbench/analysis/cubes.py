"""Scores as arrays: of every dataset, network and metric one cube [loss, seed, case, class], with its statuses.

Whether a case has a class is a fact of its truth, so it is one for all losses and networks of a dataset. A case whose
truth lacks a class counts for no loss in that class's mean; what was predicted there is a rate of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from seglossbench.analysis.measures import Measure
from seglossbench.statistics.scales import Array, working
from seglossbench.vocabulary.tables import STATUSES

Bools = NDArray[np.bool_]

ALL = "*"
"""What stands for the mean over the classes, and for the mean over the networks run; a name like it becomes ``\\*``."""


def own_name(name: str) -> str:
    """The class or network that a table calls ``name``, as its user calls it."""
    return ALL if name == "\\*" else name


# Those from truth_empty on have a truth that lacks the class.
CODES = {status: code for code, status in enumerate(("", *STATUSES))}
PREDICTION_EMPTY, TRUTH_EMPTY, BOTH_EMPTY = (
    CODES[s] for s in ("prediction_empty", "truth_empty", "both_empty")
)


@dataclass(frozen=True)
class Cube:
    """All scores of one dataset, network and metric; names in the order of their first appearance.

    ``scores`` and ``status`` are [loss, seed, case, class], NaN where there is no value; ``counts`` [case, class] says
    which cells enter means; ``runs`` [loss, seed] which runs there are. ``units`` [case] are the patients. Distances
    below ``floor`` count as that when their logarithm is taken.
    """

    dataset: str
    network: str
    measure: Measure
    losses: tuple[str, ...]
    seeds: tuple[str, ...]
    cases: tuple[str, ...]
    classes: tuple[str, ...]
    scores: Array
    status: NDArray[np.int8]
    counts: Bools
    runs: Bools
    units: NDArray[np.int64]
    floor: float = 0.0

    @cached_property
    def working(self) -> Array:
        """The scores on the scale on which they are averaged and compared: distances as logarithms."""
        return working(self.scores, self.measure.mean, self.floor)

    @property
    def missed(self) -> Bools:
        """Cells whose class was there, and was not predicted at all."""
        found: Bools = self.status == PREDICTION_EMPTY
        return found

    @property
    def false_alarms(self) -> Bools:
        """Cells whose class was not there, and was predicted."""
        found: Bools = self.status == TRUTH_EMPTY
        return found


@dataclass(frozen=True)
class Excluded:
    """What entered no number, to be printed: where, how often, and why."""

    dataset: str
    network: str
    loss: str
    count: int
    why: str


@dataclass
class Cubes:
    """The cubes of all scores, and what was left out of them."""

    cubes: list[Cube] = field(default_factory=list)
    excluded: list[Excluded] = field(default_factory=list)

    def of(self, dataset: str, metric: str) -> list[Cube]:
        """The cubes of all networks of a dataset for one metric."""
        return [cube for cube in self.cubes if (cube.dataset, cube.measure.name) == (dataset, metric)]

    @property
    def datasets(self) -> list[str]:
        """The datasets in their order."""
        return list(dict.fromkeys(cube.dataset for cube in self.cubes))

    def metrics(self, dataset: str) -> list[str]:
        """The metrics of a dataset in their order, with those that are made of the statuses last."""
        return list(dict.fromkeys(cube.measure.name for cube in self.cubes if cube.dataset == dataset))
