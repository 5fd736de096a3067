"""What a mean rests on, in the words that a cell says where it is pointed at."""

import math
from collections.abc import Iterator

from seglossbench.analysis.words import count
from seglossbench.reporting.parts import Row
from seglossbench.vocabulary.metrics import Metric

_MOST_SEEDS = 10
"""Whose values are said one by one."""


def told(row: Row, metric: Metric) -> str:
    """Of a row of ``means``: its seeds with their values, its cases, and between which its uncertainty lies."""
    return "; ".join(_facts(row, metric))


def _facts(row: Row, metric: Metric) -> Iterator[str]:
    seeds = str(row["seed_values"]).split()
    values = [metric.text(float(value)) for value in seeds] if len(seeds) <= _MOST_SEEDS else []
    networks = f" with each of {row['networks']:.0f} networks" if row["networks"] > 1 else ""
    said = ", ".join([*values, *_deviation(row["sd_seeds"], metric)])
    yield count(int(row["seeds"]), "seed") + networks + (f": {said}" if said else "")
    patients = "" if row["patients"] == row["cases"] else f" of {count(int(row['patients']), 'patient')}"
    yield ", ".join([count(int(row["cases"]), "case") + patients, *_deviation(row["sd_cases"], metric)])
    if math.isfinite(row["seed_share"]):
        yield f"{100 * row['seed_share']:.0f} % of the uncertainty is between seeds"
    for name, words in (
        ("missed", "masks left empty"),
        ("false_alarms", "false alarms"),
        ("undefined", "undefined"),
    ):
        if row[name] > 0:
            yield f"{row[name]:.0f} {words}"


def _deviation(sd: float, metric: Metric) -> list[str]:
    return [f"sd {metric.text(sd)}"] if math.isfinite(sd) else []
