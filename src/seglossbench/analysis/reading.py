"""Tables that people have, as text: CSV with commas, semicolons or tabs, as it is or gzipped, and Parquet."""

from pathlib import Path

import pandas as pd

from seglossbench.errors import InputError

_SEPARATORS = (";", "\t")


def read_texts(path: Path, what: str) -> pd.DataFrame:
    """The table in a file, all of it text; ``what`` it should hold is told by InputError if it cannot be read.

    Where semicolons part the columns, as spreadsheets write them where numbers have a decimal comma, the comma of a
    column ``value`` or ``size`` is one.
    """
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        head = _read(path, ",", rows=0).columns
        separator = next((s for s in _SEPARATORS if len(head) == 1 and s in head[0]), ",")
        table = _read(path, separator)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not {what} in CSV: not in UTF-8; save it as such") from None
    except (pd.errors.EmptyDataError, pd.errors.ParserError, ValueError) as error:
        raise InputError(f"{path}: not {what} in CSV: {' '.join(str(error).split())}") from None
    # Of too many fields pandas takes the first for names of rows.
    if not isinstance(table.index, pd.RangeIndex):
        raise InputError(
            f"{path}: not {what} in CSV: its rows have more fields than the first line has names"
        )
    table.columns = table.columns.str.strip()
    if separator == ";":
        for column in {"value", "size"} & set(table.columns):
            table[column] = table[column].str.replace(",", ".", regex=False)
    return table


def _read(path: Path, separator: str, rows: int | None = None) -> pd.DataFrame:
    return pd.read_csv(
        path, sep=separator, nrows=rows, dtype=str, keep_default_na=False, encoding="utf-8-sig"
    )
