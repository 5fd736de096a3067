"""What people know of their cases and classes beside the scores: patients, columns that part the cases, sizes."""

from pathlib import Path

import pandas as pd

from seglossbench.analysis.reading import read_texts
from seglossbench.errors import InputError

Columns = dict[str, dict[tuple[str, str], str]]


def read_columns(path: Path, scores: pd.DataFrame) -> tuple[Columns, list[str]]:
    """The columns of a table of cases by (dataset, case), and the cases of the scores that it does not have.

    A table without the column ``dataset`` is of all; an empty cell says nothing. Raises InputError for a fault, and
    where the table has no case of the scores.
    """
    table = read_cases(path)
    known = list(scores[["dataset", "case"]].drop_duplicates().itertuples(index=False, name=None))
    datasets = list(dict(known))
    rows = {
        (str(dataset), str(row["case"])): row
        for row in table.to_dict("records")
        for dataset in ([row["dataset"]] if "dataset" in table else datasets)
    }
    lacking = [case for dataset, case in known if (dataset, case) not in rows]
    if known and len(lacking) == len(known):
        first = table["case"].iloc[0] if len(table) else "none"
        raise InputError(
            f"{path}: has no case of the scores; it has {first!r}, and they have {known[0][1]!r}"
        )
    columns = [str(name) for name in table.columns if name not in ("dataset", "case")]
    return {
        name: {key: str(row[name]) for key, row in rows.items() if row[name] != ""} for name in columns
    }, lacking


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


def read_sizes(path: Path, scores: pd.DataFrame) -> dict[tuple[str, str], float]:
    """The sizes of classes by (dataset, class), from a table ``class, size`` and, where they differ, ``dataset``.

    Raises InputError for a fault, and where it has no class of the scores.
    """
    table = read_texts(path, "a table of sizes")
    try:
        table["class"]
        sizes = pd.to_numeric(table["size"])
    except (KeyError, ValueError) as error:
        raise InputError(f"{path}: needs the columns class and size, a number: {error}") from None
    if not (sizes > 0).all():
        raise InputError(f"{path}: row {sizes.index[~(sizes > 0)][0] + 2}: the size of a class is above 0")
    found = {
        (dataset, str(row["class"])): float(size)
        for row, size in zip(table.to_dict("records"), sizes, strict=True)
        for dataset in ([str(row["dataset"])] if "dataset" in table else scores["dataset"].unique())
    }
    known = set(scores[["dataset", "class"]].drop_duplicates().itertuples(index=False, name=None))
    if not known & found.keys():
        raise InputError(f"{path}: has no class of the scores, such as {next(iter(known))[1]!r}")
    return found
