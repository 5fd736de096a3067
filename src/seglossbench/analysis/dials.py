"""What a dial does: the gain over a baseline and the spread over seeds, by loss, at each value of a phantom's dial.

They speak of mechanisms: of what makes a loss gain or scatter where one thing alone is made harder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from seglossbench.analysis.cubes import ALL

GAIN, SPREAD = "gain", "seed_sd"
COLUMNS = [
    "dial",
    "value",
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

Dials = Mapping[str, float]


def dials(
    set_to: Mapping[str, Dials],
    neutral: Dials,
    differences: pd.DataFrame,
    stability: pd.DataFrame,
    decides: str,
    baseline: str,
) -> pd.DataFrame:
    """A row per dial, value, network, loss and quantity, with the intervals of the tables that are given.

    ``set_to`` are the dials of each dataset; a dataset is of a dial if all others are ``neutral``, and a dial that is
    the same everywhere has no rows. The gain is that in the mean over the classes of the metric ``decides``, above 0
    where the loss is higher than the ``baseline``.
    """
    rows: list[dict[str, Any]] = []
    for dial in neutral:
        values = {
            dataset: own[dial]
            for dataset, own in set_to.items()
            if all(own[other] == neutral[other] for other in neutral if other != dial)
        }
        if len(set(values.values())) < 2:
            continue
        for row in (*_gains(differences, decides, baseline), *_spreads(stability)):
            if row["dataset"] in values:
                rows.append({"dial": dial, "value": values[row["dataset"]], **row})
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.sort_values(["dial", "value"], kind="stable", ignore_index=True)


def _gains(differences: pd.DataFrame, decides: str, baseline: str) -> Iterator[dict[str, Any]]:
    chosen = differences[
        (differences["metric"] == decides) & (differences["class"] == ALL) & (differences["network"] != ALL)
    ]
    for row in chosen.to_dict("records"):
        if row["b"] == baseline:
            loss, ends = row["a"], (row["estimate"], row["lo"], row["hi"])
        elif row["a"] == baseline:
            loss, ends = row["b"], _turned(row)
        else:
            continue
        yield {
            **{name: row[name] for name in ("dataset", "network", "seeds")},
            **{"quantity": GAIN, "loss": loss, "baseline": baseline},
            **dict(zip(("estimate", "lo", "hi"), ends, strict=True)),
        }


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
