"""What a dial does: mean, gain over baselines and spread over seeds, by loss, at each value of a phantom's dial.

They speak of mechanisms: of what makes a loss gain or scatter where one thing alone is made harder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from seglossbench.analysis.cubes import ALL

MEAN, GAIN, SPREAD = "mean", "gain", "seed_sd"
COLUMNS = [
    "dial",
    "value",
    "form",
    "dataset",
    "network",
    "quantity",
    "loss",
    "baseline",
    "estimate",
    "lo",
    "hi",
    "seeds",
]


@dataclass(frozen=True)
class Setting:
    """The dials of a dataset, the ``form`` in words of the maps that its losses see, and all else by ``kind``."""

    dials: Mapping[str, float]
    form: str = ""
    kind: str = ""


def dials(
    set_to: Mapping[str, Setting],
    neutral: Mapping[str, float],
    tables: Mapping[str, pd.DataFrame],
    decides: str,
    baselines: Sequence[str],
) -> pd.DataFrame:
    """A row per dial, value, form, network, loss and quantity, with the intervals of the ``tables`` of the analysis.

    ``set_to`` are the settings of each dataset. A dataset is of a dial if all others are ``neutral``; a loss that has
    one value alone of the dial, among the datasets that are equal in all else, has no rows. Means and gains are those
    in the mean over the classes of the metric ``decides``; a gain above 0 is one of the loss over the baseline.
    """
    found = [
        *_means(tables["means"], decides),
        *_gains(tables["differences"], decides, baselines),
        *_spreads(tables["stability"]),
    ]
    rows: list[dict[str, Any]] = []
    for dial in neutral:
        for row in found:
            own = set_to.get(row["dataset"])
            if own and all(own.dials[other] == neutral[other] for other in neutral if other != dial):
                place = {"dial": dial, "value": own.dials[dial], "form": own.form, "kind": own.kind}
                rows.append(place | row)
    table = pd.DataFrame(rows, columns=[*COLUMNS, "kind"])
    lines = table.groupby(["dial", "form", "kind", "network", "quantity", "loss", "baseline"])
    table = table[lines["value"].transform("nunique") > 1].drop(columns="kind")
    return table.sort_values(["dial", "form", "value"], kind="stable", ignore_index=True)


def _means(means: pd.DataFrame, decides: str) -> Iterator[dict[str, Any]]:
    for row in _of_all_classes(means, decides):
        yield {
            **{name: row[name] for name in ("dataset", "network", "loss", "seeds")},
            **{"quantity": MEAN, "baseline": ""},
            **{"estimate": row["mean"], "lo": row["lo"], "hi": row["hi"]},
        }


def _gains(differences: pd.DataFrame, decides: str, baselines: Sequence[str]) -> Iterator[dict[str, Any]]:
    for row in _of_all_classes(differences, decides):
        sides = ((row["a"], row["b"], False), (row["b"], row["a"], True))
        for loss, baseline, is_turned in sides:
            if baseline in baselines:
                ends = _turned(row) if is_turned else (row["estimate"], row["lo"], row["hi"])
                yield {
                    **{name: row[name] for name in ("dataset", "network", "seeds")},
                    **{"quantity": GAIN, "loss": loss, "baseline": baseline},
                    **dict(zip(("estimate", "lo", "hi"), ends, strict=True)),
                }


def _of_all_classes(table: pd.DataFrame, decides: str) -> list[dict[Any, Any]]:
    """The rows of the metric's mean over the classes, each of one network."""
    chosen = (table["metric"] == decides) & (table["class"] == ALL) & (table["network"] != ALL)
    return table[chosen].to_dict("records")


def _turned(row: Mapping[Any, Any]) -> tuple[float, float, float]:
    """The difference or ratio of a pair the other way round."""
    if row["scale"] == "ratio":
        return 1 / row["estimate"], 1 / row["hi"], 1 / row["lo"]
    return -row["estimate"], -row["hi"], -row["lo"]


def _spreads(stability: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for row in stability[stability["network"] != ALL].to_dict("records"):
        yield {
            **{name: row[name] for name in ("dataset", "network", "loss", "seeds")},
            **{"quantity": SPREAD, "baseline": ""},
            **{"estimate": row["sd"], "lo": row["sd_lo"], "hi": row["sd_hi"]},
        }
