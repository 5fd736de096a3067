"""The means of the scores of single runs as MLflow shows them: the very numbers of the analysis."""

import time
from collections.abc import Sequence
from functools import cached_property

import pandas as pd

from seglossbench.analysis.arrays import cubes_of
from seglossbench.analysis.by_run import by_run
from seglossbench.analysis.cubes import ALL, own_name
from seglossbench.analysis.inputs import load_scores
from seglossbench.errors import InputError
from seglossbench.evaluation.empty import policy_named
from seglossbench.experiment import Run
from seglossbench.files import digest
from seglossbench.tracking.content import Point, milliseconds
from seglossbench.tracking.keys import metric_key
from seglossbench.vocabulary.tables import IDENTITY

Means = dict[tuple[str, ...], list[tuple[str, str, float]]]


class MeansOfRuns:
    """The means of runs of one dataset, from the table ``by_run`` of their analysis or, without one, their scores.

    What a distance of 0 counts as depends on the other runs of the dataset (``statistics.scales``), so the numbers of
    an analysis are part of what is written, and a run is written anew where they changed.
    """

    def __init__(self, runs: Sequence[Run], table: pd.DataFrame | None = None) -> None:
        self._runs = runs
        self._table = table

    def of(self, run: Run) -> list[Point]:
        """The means of a run by metric and class, none of one that was left out; InputError for damaged scores."""
        if _key(run) not in self._means:
            load_scores([run.scores])
        evaluate, now = run.evaluate, milliseconds(time.time())
        conventions = (evaluate.hd95, evaluate.empty, evaluate.classes)
        points = []
        for metric, name, mean in self._means.get(_key(run), []):
            of_class = "" if name == ALL else f"/{own_name(name)}"
            points.append(Point(metric_key("test", f"{metric}{of_class}", *conventions), mean, now, 0))
        return points

    def digest_of(self, run: Run) -> str:
        """What tells whether a run's means are those that were written."""
        scores = run.scores.read_text(encoding="utf-8")
        return digest(scores if self._table is None else [scores, self._means.get(_key(run), [])])

    @cached_property
    def _means(self) -> Means:
        table = self._table if self._table is not None else self._of_scores()
        found: Means = {}
        columns = [*IDENTITY, "metric", "class", "mean"]
        for *key, metric, name, mean in (
            table[columns].dropna(subset="mean").itertuples(index=False, name=None)
        ):
            found.setdefault(tuple(map(str, key)), []).append((str(metric), str(name), float(mean)))
        return found

    def _of_scores(self) -> pd.DataFrame:
        """The table of the runs that are scored by now; one that is damaged keeps no other from it."""
        tables = []
        for run in self._runs:
            if run.scores.exists():
                try:
                    tables.append(
                        load_scores([run.scores]).assign(**dict(zip(IDENTITY, _key(run), strict=True)))
                    )
                except InputError:
                    continue  # told where its turn comes
        if not tables:
            return pd.DataFrame(columns=[*IDENTITY, "metric", "class", "mean"])
        scored = {
            run.dataset.name for run in self._runs if policy_named(run.evaluate.empty).scores_absent_classes
        }
        return by_run(cubes_of(pd.concat(tables, ignore_index=True), absent_scored=scored))


def _key(run: Run) -> tuple[str, ...]:
    return tuple(str(run.identity[name]) for name in IDENTITY)
