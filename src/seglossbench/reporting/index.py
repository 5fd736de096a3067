"""The list of all reports in a folder: what each is of, how far its runs are, and when it was made."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from seglossbench.files import write_json, write_text
from seglossbench.records import now
from seglossbench.reporting.formats import template

_NOTE = "report.json"


@dataclass(frozen=True)
class Entry:
    """What the list says of a report; ``experiment`` is empty where it is of anybody's scores."""

    folder: str
    title: str
    experiment: str
    finished: int
    runs: int
    datasets: Sequence[str]
    made: str


def enter(
    page: Path, *, title: str, experiment: str, finished: int, runs: int, datasets: Sequence[str]
) -> None:
    """Note beside a page what it is of, and write the list of all reports that lie in the folder above, index.html."""
    folder = page.parent
    write_json(folder / _NOTE, asdict(Entry(folder.name, title, experiment, finished, runs, datasets, now())))
    entries = [entry for other in folder.parent.iterdir() if (entry := read(other)) is not None]
    entries.sort(key=lambda entry: (entry.made, entry.folder), reverse=True)
    write_text(folder.parent / "index.html", template("index.html").render(entries=entries))


def read(folder: Path) -> Entry | None:
    """What was noted of the report in a folder; None where there is no report, or no whole note."""
    with suppress(OSError, ValueError, TypeError):
        # Who copied a report calls it as he likes.
        return Entry(**json.loads((folder / _NOTE).read_text(encoding="utf-8")) | {"folder": folder.name})
    return None
