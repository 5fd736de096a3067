"""What the tables and figures of datasets are made of, and where their files go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd
from matplotlib.figure import Figure

from seglossbench.data.published import Published
from seglossbench.drawing.figure import save
from seglossbench.drawing.looks import Look
from seglossbench.drawing.names import Stems
from seglossbench.reporting.facts import Facts


@dataclass(frozen=True)
class Material:
    """The inputs, checked and put in order."""

    scores: pd.DataFrame
    summaries: pd.DataFrame
    histories: pd.DataFrame
    facts: Facts
    metrics: tuple[str, ...]
    looks: dict[str, Look]
    published: Mapping[str, Published]


@dataclass(frozen=True)
class Picture:
    """A figure on the page: the stem of its files, its size there, and how to read it."""

    stem: str
    title: str
    caption: str
    width: int
    height: int


@dataclass(frozen=True)
class Files:
    """Where the files of a dataset go: into the report's folder, under names that no other file of it has."""

    folder: Path
    stems: Stems
    dataset: str
    anchor: str

    def stem(self, kind: Literal["tables", "figures"], *names: str) -> str:
        """A new name for a file of the dataset, without its ending, relative to the report's folder."""
        return f"{kind}/{self.stems.new(self.anchor, *names)}"

    def picture(self, figure: Figure, names: Sequence[str], title: str, caption: str) -> Picture:
        """Save a figure for the page and for papers."""
        stem = self.stem("figures", *names)
        return Picture(stem, title, caption, *save(figure, self.folder / stem))
