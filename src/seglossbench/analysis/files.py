"""The tables of an analysis as files, in a folder that is never half written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from seglossbench.analysis.reading import read_texts
from seglossbench.errors import InputError
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
    # A time stamp in the archive would make it another file every time.
    how = {"method": "gzip", "mtime": 0} if path.suffix == ".gz" else None
    with atomic_file(path) as temporary:
        table.astype(flags).to_csv(
            temporary, index=False, float_format="%.6g", compression=how, lineterminator="\n"
        )


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


def read_cases(path: Path) -> pd.DataFrame:
    """A table of cases with a column ``case`` (or ``ID``) and others of one's own; raises InputError for a fault."""
    table = read_texts(path, "a table of cases").fillna("").astype(str)
    if "case" not in table:
        table = table.rename(columns={"ID": "case"})
    if "case" not in table:
        found = ", ".join(table.columns)
        raise InputError(f"{path}: no column 'case'; it names the case of each row; found: {found}")
    repeated = table.index[table.duplicated([c for c in ("dataset", "case") if c in table])]
    if len(repeated):
        row = repeated[0]
        raise InputError(f"{path}: row {row + 2}: case {table.loc[row, 'case']} stands there twice")
    return table


def columns_of(cases: pd.DataFrame, datasets: Sequence[str]) -> dict[str, dict[tuple[str, str], str]]:
    """The columns of a table of cases by dataset and case; a table without the column ``dataset`` is of all."""
    return {
        str(column): {
            (str(dataset), str(row["case"])): str(row[column])
            for row in cases.to_dict("records")
            for dataset in ([row["dataset"]] if "dataset" in cases else datasets)
        }
        for column in cases.columns
        if column not in ("dataset", "case")
    }


def read_sizes(path: Path, datasets: Sequence[str]) -> dict[tuple[str, str], float]:
    """The sizes of classes by (dataset, class), from a table ``class, size`` and, where they differ, ``dataset``."""
    table = read_texts(path, "a table of sizes")
    try:
        sizes = pd.to_numeric(table["size"])
        names = table["class"]
    except (KeyError, ValueError) as error:
        raise InputError(f"{path}: needs the columns class and size, a number: {error}") from None
    if not (sizes > 0).all():
        raise InputError(f"{path}: row {sizes.index[~(sizes > 0)][0] + 2}: the size of a class is above 0")
    of = table.get("dataset")
    return {
        (dataset, str(name)): float(size)
        for row, (name, size) in enumerate(zip(names, sizes, strict=True))
        for dataset in ([str(of[row])] if of is not None else datasets)
    }


def read_table(path: Path) -> pd.DataFrame:
    """A table of an analysis, with names as text whatever they are (``NA``, ``1``) and numbers as numbers."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    for column in [name for name in table.columns if name not in TEXT]:
        table[column] = pd.to_numeric(table[column].replace("", np.nan))
    return table
