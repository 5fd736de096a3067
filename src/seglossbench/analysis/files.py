"""The tables of an analysis as files, in a folder that is never half written."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from seglossbench.files import atomic_file, write_json

TEXT = {
    "part_of", "question", "claim", "source", "scope", "verdict", "finding", "decide_text", "kind", "text",
    "dataset", "network", "loss", "seed", "case", "patient", "class", "metric", "a", "b", "scale", "family", "better",
    "case_quantiles", "seed_values", "what", "dataset_a", "network_a", "metric_a", "dataset_b", "network_b", "metric_b",
    "curve", "axis", "quantity", "test", "steadier", "state", "reason", "variant", "column", "part",
    "other_network", "id", "device", "threads", "versions", "role", "started",
    "dial", "baseline", "form", "mlflow", "adopted",
}  # fmt: skip
"""The columns that hold words; all others hold numbers."""

COMPRESSED = {"curves_runs"}
"""Tables with a row per run and epoch, whose files end in ``.csv.gz``."""


def write_tables(out: Path, tables: Mapping[str, pd.DataFrame], provenance: Mapping[str, Any]) -> None:
    """Write every table as ``NAME.csv``, the means as ``metrics.json`` for DVC, and ``provenance.json``."""
    from seglossbench.analysis.whole import metrics_of  # with all statistics, which readers do not need

    out.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        write_table(out / (f"{name}.csv.gz" if name in COMPRESSED else f"{name}.csv"), table)
    write_json(out / "metrics.json", metrics_of(tables["means"]))
    write_json(out / "provenance.json", provenance)


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write one table with six digits, yes and no as 1 and 0; the same table always makes the same file."""
    flags = dict.fromkeys(table.select_dtypes(bool), int)
    text = table.astype(flags).to_csv(index=False, float_format="%.6g", lineterminator="\n").encode()
    with atomic_file(path) as temporary:
        # A time stamp, or the name of the temporary file, would make it another archive every time.
        temporary.write_bytes(gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)


def read_analysis(folder: Path) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """All tables in a folder of ``write_tables`` by name, and their provenance."""
    files = [*folder.glob("*.csv"), *folder.glob("*.csv.gz")]
    tables = {file.name.partition(".")[0]: read_table(file) for file in files}
    return tables, json.loads((folder / "provenance.json").read_text(encoding="utf-8"))


def with_texts(table: pd.DataFrame) -> pd.DataFrame:
    """The table as it is read from its file: what is not there is no text."""
    return table.assign(
        **{
            name: table[name].astype(object).where(table[name].notna(), "").astype(str)
            for name in table.columns
            if name in TEXT
        }
    )


def read_table(path: Path) -> pd.DataFrame:
    """A table of an analysis, with names as text whatever they are (``NA``, ``1``) and numbers as numbers."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    for column in [name for name in table.columns if name not in TEXT]:
        table[column] = pd.to_numeric(table[column].replace("", np.nan))
    return table
