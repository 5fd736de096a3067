"""The parts of a report's page: each is a function in a module of its own, named in ``registry.PARTS``.

A part reads the tables of an analysis and computes nothing; what it draws it also leaves as a table beside the page.
"""

import os
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pandas as pd
from markupsafe import Markup

from seglossbench.analysis.cubes import ALL
from seglossbench.drawing.looks import Look
from seglossbench.drawing.names import csv_text
from seglossbench.files import write_text
from seglossbench.inspection.scans import Scans
from seglossbench.registry import PARTS
from seglossbench.reporting.elements import joined, tag
from seglossbench.reporting.facts import Facts
from seglossbench.reporting.section import Section
from seglossbench.vocabulary.metrics import Metric, metric_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

register = PARTS.register
Row = dict[Hashable, Any]
"""A row of a table by the names of its columns."""
NAMES = (
    "dataset", "network", "loss", "seed", "class", "case", "metric", "a", "b", "better", "steadier", "reason",
    "question", "claim", "source", "scope", "finding", "decide_text", "text", "id", "panel", "name",
    "patient", "variant", "column", "part",
)  # fmt: skip
"""The columns of tables that hold users' names, or words around them."""


@dataclass(frozen=True)
class Source:
    """What parts read: the tables of the analysis by name, its provenance, facts, and the cases' files.

    Files go into ``folder``.
    """

    tables: Mapping[str, pd.DataFrame]
    provenance: Mapping[str, Any]
    facts: Facts
    looks: Mapping[str, Look]
    folder: Path
    metrics: tuple[str, ...]
    decides: str
    scores: pd.DataFrame
    sections: Sequence[Section] = ()
    scans: Scans = field(default_factory=Scans)
    out: Path = Path()
    """Where the folder will be in the end, from which links to other files lead."""

    @cached_property
    def means(self) -> pd.DataFrame:
        """The means over the classes of the metrics that are shown."""
        table = self.tables["means"]
        return table[(table["class"] == ALL) & table["metric"].isin(self.metrics)]

    @cached_property
    def losses(self) -> list[str]:
        """The losses that have scores, in their order."""
        scored = set(self.tables["means"]["loss"])
        return [loss for loss in self.looks if loss in scored]

    @cached_property
    def baseline(self) -> str:
        """The loss beside which others are put until a reader chooses another one."""
        named = str(self.provenance.get("baseline") or "")
        return named if named in self.losses else next(iter(self.losses), "")

    def metric(self, name: str, dataset: str = "") -> Metric:
        """A metric with the unit of the dataset's distances."""
        described = next((found for found in self.facts.datasets if found.name == dataset), None)
        return metric_of(name, described.distance_unit if described else self.facts.distance_unit)

    def networks(self, dataset: str) -> int:
        """How many networks a dataset was trained with."""
        return len({network for of, network in self._places if of == dataset and network != ALL})

    @cached_property
    def _places(self) -> list[tuple[str, str]]:
        places = self.means[["dataset", "network"]].drop_duplicates()
        return list(places.itertuples(index=False, name=None))

    def view(self, **keys: str) -> dict[str, str]:
        """The attributes by which the page's script shows an element: those of its dataset, network, metric, loss."""
        return {f"data_{key}": value for key, value in keys.items()}

    def table(self, name: str, table: pd.DataFrame) -> str:
        """Leave a table beside the page, in which no spreadsheet takes a name for a formula; returns its address."""
        file = f"tables/{name}.csv"
        names = [column for column in NAMES if column in table]
        text = table.assign(
            **{
                column: table[column].astype(object).where(table[column].notna(), "").astype(str)
                for column in names
            }
        )
        write_text(self.folder / file, csv_text(text, names))
        return file


@dataclass(frozen=True)
class Part:
    """A section of the page: its title, its anchor, and what stands below the title."""

    title: str
    anchor: str
    body: Markup
    links: tuple[tuple[str, str], ...] = ()
    """Below the title in the contents: anchor and words."""


def network_name(network: str, networks: int = 0) -> str:
    """A network in words; ``*`` is the mean over those run."""
    if network == ALL:
        return f"mean over the {networks} networks run" if networks else "mean over networks"
    return "" if network == "-" else network


def dataset_name(dataset: str) -> str:
    """A dataset in words; scores that name none have ``-``."""
    return "Scores" if dataset == "-" else dataset


def place_name(dataset: str, network: str, networks: int = 0) -> str:
    """A dataset and network in words."""
    return " · ".join(part for part in (dataset_name(dataset), network_name(network, networks)) if part)


def turned(pair: Row, as_it_is: bool) -> tuple[float, float, float]:
    """Estimate and ends of a - b, or of b - a: of ratios the inverse."""
    estimate, lo, hi = (float(pair[name]) for name in ("estimate", "lo", "hi"))
    if as_it_is:
        return estimate, lo, hi
    if pair["scale"] == "ratio":
        inverse = [1 / value if value else float("inf") for value in (estimate, hi, lo)]
        return inverse[0], inverse[1], inverse[2]
    return -estimate, -hi, -lo


def against(source: Source, metric: str, *, classes: bool) -> Iterator[Row]:
    """The rows of ``differences`` by a metric that are with the baseline, turned so that it is what is subtracted.

    Of the mean over the classes, or of each of the ``classes``; with ``loss``, ``estimate``, ``lo``, ``hi``.
    """
    pairs = source.tables["differences"]
    base = source.baseline
    chosen = pairs[(pairs["metric"] == metric) & ((pairs["class"] != ALL) == classes)]
    for pair in chosen[(chosen["a"] == base) | (chosen["b"] == base)].to_dict("records"):
        estimate, lo, hi = turned(pair, pair["b"] == base)
        other = pair["a"] if pair["b"] == base else pair["b"]
        yield pair | {"loss": other, "estimate": estimate, "lo": lo, "hi": hi}


def figure_files(source: Source, name: str, figure: "Figure", table: pd.DataFrame, of: str = "") -> Markup:
    """Leave a figure for papers and its data beside the page; returns the line of their addresses, below ``of``."""
    from seglossbench.drawing.figure import save

    (source.folder / "figures" / name).parent.mkdir(parents=True, exist_ok=True)
    save(figure, source.folder / "figures" / name)
    links = [(end.upper(), f"figures/{name}.{end}") for end in ("png", "pdf")]
    return files_line(*links, ("data as CSV", source.table(name, table)), of=of)


def link_to(file: Path, folder: Path) -> str:
    """The address of a file from a page in ``folder``."""
    return quote(Path(os.path.relpath(file, folder)).as_posix())


def files_line(*links: tuple[str, str], of: str = "") -> Markup:
    """The files below a table or figure: words and address of each, after what they are ``of``."""
    shown = [tag("a", words, href=quote(address)) for words, address in links]
    return tag("p", tag("bdi", of) if of else None, Markup(" · ").join(shown), class_="files")


def caption(*sentences: str | None) -> Markup:
    """Small print below or above a table."""
    return tag("p", joined(sentences), class_="caption")
