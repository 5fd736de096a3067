"""The parents of MLflow's runs: one for each network and loss, with the means and intervals over its seeds."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pandas as pd

from seglossbench.analysis.cubes import ALL, own_name
from seglossbench.experiment import Run
from seglossbench.files import digest
from seglossbench.records import State, period_seconds, state, working_folder
from seglossbench.tracking.content import Content, Point, content_of_group, milliseconds
from seglossbench.tracking.keys import metric_key

CONTENT_TAG = "seglossbench.content"


def parent_of(runs: Sequence[Run], means: pd.DataFrame | None = None) -> Content:
    """The parent of runs that differ in their seed alone; ``means`` is the table of that name of their analysis."""
    run = runs[0]
    states = [state(each.folder) for each in runs]
    periods = [
        period_seconds(each.folder if known.is_finished else working_folder(each.folder))
        for each, known in zip(runs, states, strict=True)
        if known is not State.NOT_LAUNCHED
    ]
    is_over = all(known.is_finished for known in states)
    started = min((began for began, _ in periods), default=0.0)
    ended = max((end for _, end in periods), default=0.0) if is_over else None
    parent = content_of_group(run)
    counted = Counter(known.value for known in states)
    parent.tags["state"] = ", ".join(f"{number} {name}" for name, number in counted.items())
    parent.tags["seeds"] = ", ".join(str(each.seed) for each in runs)
    points = list(_points(run, means, ended or started)) if means is not None else []
    status = "FINISHED" if is_over else "RUNNING" if State.RUNNING in states else "SCHEDULED"
    claims = {CONTENT_TAG: digest([parent.tags, parent.params, points, status, started, ended])}
    return replace(parent, claims=claims, points=points, status=status, started=started, ended=ended)


def _points(run: Run, means: pd.DataFrame, at: float) -> Iterable[Point]:
    """Mean and both ends of its interval, ``test/DSC``, ``test/DSC low`` and ``test/DSC high``, also of each class."""
    evaluate = run.evaluate
    chosen = means[
        (means["dataset"] == run.dataset.name)
        & (means["network"] == run.network)
        & (means["loss"] == run.loss)
    ]
    for row in chosen.to_dict("records"):
        of_class = "" if row["class"] == ALL else f"/{own_name(row['class'])}"
        for column, end in (("mean", ""), ("lo", " low"), ("hi", " high")):
            if pd.notna(row[column]):
                key = metric_key(
                    "test", f"{row['metric']}{of_class}", evaluate.hd95, evaluate.empty, evaluate.classes, end
                )
                yield Point(key, float(row[column]), milliseconds(at), 0)
