"""Scores as arrays: of every dataset, network and metric one cube [loss, seed, case, class], with its statuses.

Whether a case has a class is a fact of its truth, so it is one for all losses and networks of a dataset. A case whose
truth lacks a class counts for no loss in that class's mean; what was predicted there is a rate of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from seglossbench.analysis.measures import FALSE_ALARMS, MISSED, Measure, measure_of
from seglossbench.vocabulary.metrics import split_name
from seglossbench.vocabulary.tables import STATUS, STATUSES

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]

ALL = "*"
"""What stands for the mean over the classes, and for the mean over the networks run; a name like it becomes ``\\*``."""


def own_name(name: str) -> str:
    """The class or network that a table calls ``name``, as its user calls it."""
    return ALL if name == "\\*" else name


# Those from truth_empty on have a truth that lacks the class.
_CODES = {status: code for code, status in enumerate(("", *STATUSES))}
_PREDICTION_EMPTY, _TRUTH_EMPTY, _BOTH_EMPTY = (
    _CODES[s] for s in ("prediction_empty", "truth_empty", "both_empty")
)
COMPLETE = 0.5
"""A run that lacks more than this share of its dataset's cases is left out, instead of its cases for all runs."""


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
        if self.measure.kind != "distance":
            return self.scores
        logs: Array = np.log(np.maximum(self.scores, self.floor))
        return logs

    @property
    def missed(self) -> Bools:
        """Cells whose class was there, and was not predicted at all."""
        found: Bools = self.status == _PREDICTION_EMPTY
        return found

    @property
    def false_alarms(self) -> Bools:
        """Cells whose class was not there, and was predicted."""
        found: Bools = self.status == _TRUTH_EMPTY
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
        _add_dataset(
            found, str(dataset), of_dataset, patients or {}, dataset in absent_scored, penalties or {}
        )
    return found


def _add_dataset(
    found: Cubes,
    dataset: str,
    scores: pd.DataFrame,
    patients: Mapping[tuple[str, str], str],
    absent_scored: bool,
    penalties: Mapping[str, float],
) -> None:
    codes, names = {}, {}
    for column in ("network", "loss", "seed", "case", "class"):
        codes[column], found_names = pd.factorize(scores[column])
        names[column] = tuple(str(name) for name in found_names)
        if column in ("network", "class"):
            names[column] = tuple("\\*" if name == ALL else name for name in names[column])
    axes = ("loss", "seed", "case", "class")
    shape = tuple(len(names[axis]) for axis in axes)
    place = np.ravel_multi_index(tuple(codes[axis] for axis in axes), shape)
    metric, metrics = pd.factorize(scores["metric"])
    split = [split_name(str(name)) for name in metrics]
    is_status = np.isin(metric, [number for number, (usual, _) in enumerate(split) if usual == STATUS])
    numbers = pd.to_numeric(scores["value"].where(~is_status), errors="coerce").to_numpy(float)
    of_status = scores["value"].where(is_status, "").map(_CODES)
    status_codes = of_status.fillna(0).to_numpy(np.int8)

    is_usual = np.isin(metric, [number for number, (_, besides) in enumerate(split) if not besides])
    # By what was scored besides, and the usual scores in any case, as rates are made of their statuses.
    statuses_of: dict[str, dict[int, NDArray[np.int8]]] = {}
    lacking_of: dict[str, Bools] = {}
    for besides in dict.fromkeys(["", *(besides for _, besides in split)]):
        rows_of = is_status & np.isin(metric, [n for n, (_, other) in enumerate(split) if other == besides])
        statuses_of[besides] = {}
        for network in range(len(names["network"])):
            of_network = np.zeros(np.prod(shape), np.int8)
            here = rows_of & (codes["network"] == network)
            of_network[place[here]] = status_codes[here]
            statuses_of[besides][network] = of_network.reshape(shape)
        lacking_of[besides] = np.any(
            [(s >= _TRUTH_EMPTY).any((0, 1)) for s in statuses_of[besides].values()], axis=0
        )
    units = pd.factorize(pd.Series([patients.get((dataset, case), case) for case in names["case"]]))[0]

    present_by_metric: dict[int, Bools] = {}
    floors: dict[int, float] = {}
    arrays: dict[tuple[int, int], Array] = {}
    for number, name in enumerate(metrics):
        usual, besides = split[number]
        if usual == STATUS:
            continue
        statuses = statuses_of[besides]
        known = np.zeros(shape[2:], bool)
        for network in range(len(names["network"])):
            here = (metric == number) & (codes["network"] == network)
            if not here.any():
                continue
            values = np.full(np.prod(shape), np.nan)
            values[place[here]] = numbers[here]
            arrays[network, number] = values.reshape(shape)
            # A class of which no run has a score or misses it in a case is taken to be absent there.
            known |= (~np.isnan(arrays[network, number]) | (statuses[network] == _PREDICTION_EMPTY)).any(
                (0, 1)
            )
        present_by_metric[number] = known
        of_metric = {n: values for (n, m), values in arrays.items() if m == number}
        floors[number] = _fill_worst(
            found, dataset, measure_of(str(name)), of_metric, statuses, penalties.get(str(name))
        )
    for network, network_name in enumerate(names["network"]):
        rows = np.zeros(np.prod(shape), bool)
        rows[place[is_usual & (codes["network"] == network)]] = True
        runs = _complete_runs(found, dataset, network_name, names["loss"], rows.reshape(shape), names["seed"])
        used = np.flatnonzero(runs.any(1))
        base = Cube(
            dataset,
            network_name,
            measure_of("-"),
            tuple(names["loss"][loss] for loss in used),
            names["seed"],
            names["case"],
            names["class"],
            np.empty(0),
            statuses_of[""][network][used],
            ~lacking_of[""],
            runs[used],
            units,
        )
        for number, name in enumerate(metrics):
            if (network, number) not in arrays:
                continue
            statuses, lacking = statuses_of[split[number][1]], lacking_of[split[number][1]]
            # A right nothing that has a score shows that the policy has absent classes count.
            scores_nothing = any(
                np.isfinite(arrays[n, number][statuses[n] == _BOTH_EMPTY]).any()
                for n in statuses
                if (n, number) in arrays
            )
            counts = present_by_metric[number] & (absent_scored | scores_nothing | ~lacking)
            values = arrays[network, number][used]
            scored = base.runs & ~np.isnan(values).all((2, 3))
            found.cubes.append(
                replace(
                    base,
                    measure=measure_of(str(name)),
                    scores=values,
                    status=statuses[network][used],
                    counts=counts,
                    runs=scored,
                    floor=floors[number],
                )
            )
        found.cubes += _rates(base, rows.reshape(shape)[used], lacking_of[""])


def _fill_worst(
    found: Cubes,
    dataset: str,
    measure: Measure,
    arrays: Mapping[int, Array],
    statuses: Mapping[int, NDArray[np.int8]],
    penalty: float | None,
) -> float:
    """Give missed classes without a value, and infinite distances, the worst one; returns the floor of distances."""
    if measure.kind == "number":
        return 0.0
    finite = np.concatenate([values[np.isfinite(values)] for values in arrays.values()])
    worst = 0.0
    if measure.kind == "distance":
        worst = penalty if penalty is not None else float(finite.max(initial=0.0))
    filled = 0
    for network, values in arrays.items():
        lacks = np.isposinf(values) | (np.isnan(values) & (statuses[network] == _PREDICTION_EMPTY))
        values[lacks] = worst
        filled += int(lacks.sum())
    if filled and measure.kind == "distance":
        how = "as asked" if penalty is not None else "the largest in these scores"
        why = f"{measure.name} undefined or infinite counts as {worst:g}, {how}"
        found.excluded.append(Excluded(dataset, ALL, ALL, filled, why))
    positive = finite[finite > 0]
    return float(positive.min()) / 2 if len(positive) else 1.0


def _rates(base: Cube, rows: Bools, lacking: Bools) -> Iterator[Cube]:
    """The cubes of the share of present classes that were missed and of absent ones that were found, where any were."""
    if (base.status > 0).any():
        missed = np.where(rows, base.missed, np.nan)
        yield replace(base, measure=measure_of(MISSED), scores=missed, counts=~lacking & rows.any((0, 1)))
    if lacking.any():
        alarms = np.where(base.status >= _TRUTH_EMPTY, base.false_alarms, np.nan)
        yield replace(base, measure=measure_of(FALSE_ALARMS), scores=alarms, counts=lacking)


def _complete_runs(
    found: Cubes, dataset: str, network: str, losses: tuple[str, ...], rows: Bools, seeds: tuple[str, ...]
) -> Bools:
    """Which runs [loss, seed] are there and have enough of their dataset's cases; the others are told."""
    share = rows.any(-1).mean(-1)
    for loss, seed in zip(*np.nonzero((share > 0) & (share < COMPLETE)), strict=True):
        lacks = round(float((1 - share[loss, seed]) * rows.shape[2]))
        why = f"seed {seeds[seed]} lacks {lacks} of {rows.shape[2]} cases, so the run is left out"
        found.excluded.append(Excluded(dataset, network, losses[loss], lacks, why))
    complete: Bools = share >= COMPLETE
    return complete
