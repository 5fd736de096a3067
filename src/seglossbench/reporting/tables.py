"""From summaries to tables: one per dataset and metric, a row per loss and network, a column per class and the mean."""

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd

from seglossbench.analysis.cubes import ALL, own_name
from seglossbench.drawing.names import isolated
from seglossbench.reporting.table_notes import DAGGER, DOUBLE_DAGGER, absence_notes, caption_of, empty_notes
from seglossbench.vocabulary.metrics import Metric
from seglossbench.vocabulary.tables import MEAN

Leading = tuple[str, str, str, str, str]
"""Dataset, network, metric, class and loss."""
WORDS = NO_SCORES, ABSENT, UNDEFINED = "—", "absent", "undefined"
"""What a cell says where there is no number to show."""


@dataclass(frozen=True)
class Cell:
    """What a table says about one loss and class: a mean with its spread, or the word that stands in for it."""

    mean: str
    sd: str = ""
    decided: int = 0
    undefined: int = 0
    best: bool = False
    detail: str = ""

    @property
    def marks(self) -> list[tuple[str, int]]:
        """The footnote signs with their counts: scores decided by the empty policy, scores left out."""
        return [pair for pair in ((DAGGER, self.decided), (DOUBLE_DAGGER, self.undefined)) if pair[1]]

    @property
    def text(self) -> str:
        """Mean and deviation, without footnote signs."""
        return f"{self.mean} ± {self.sd}" if self.sd else self.mean

    @property
    def signs(self) -> str:
        """The footnote signs as text."""
        return " ".join(f"{sign}{count}" for sign, count in self.marks)

    @property
    def is_word(self) -> bool:
        """Whether there is no number to show."""
        return self.mean in WORDS


@dataclass(frozen=True)
class Row:
    """A loss with one network; ``remark`` says when it has fewer seeds than others."""

    network: str
    loss: str
    cells: tuple[Cell, ...]
    remark: str = ""


@dataclass(frozen=True)
class Table:
    """A table as every format prints it."""

    dataset: str
    metric: Metric
    classes: tuple[str, ...]
    rows: tuple[Row, ...]
    caption: str
    notes: tuple[str, ...] = field(default=())

    @property
    def labels(self) -> list[str]:
        """The names of the columns that name a row; that of the network only where networks have names."""
        return ["network", "loss"] if {row.network for row in self.rows} != {"-"} else ["loss"]

    @property
    def groups(self) -> list[tuple[str, list[Row]]]:
        """The rows of each network."""
        return [(name, list(rows)) for name, rows in groupby(self.rows, lambda row: row.network)]

    @cached_property
    def mark_widths(self) -> list[int]:
        """Per column of numbers, the length of its longest footnote signs, so that the numbers stand in line."""
        columns = zip(*(row.cells for row in self.rows), strict=True)
        return [max(len(cell.signs) for cell in column) for column in columns]

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns of numbers: the mean, where there are several classes, and the classes."""
        return tuple(name or mean_name(self.classes) for name in columns_of(self.classes))

    @property
    def header(self) -> list[str]:
        """The names of all columns."""
        return [*self.labels, *self.columns]


def build_table(
    scores: pd.DataFrame,
    summaries: pd.DataFrame,
    dataset: str,
    metric: Metric,
    rows: Sequence[tuple[str, str]],
    classes: Sequence[str],
    *,
    planned_seeds: int = 0,
    reasons: Mapping[tuple[str, str], str] | None = None,
    empty_policy: str = "",
    leading: Collection[Leading] = (),
) -> Table:
    """The table of one dataset and metric.

    ``rows`` are the (network, loss) pairs in their order, with or without scores; ``reasons`` say why one has none.
    ``leading`` are the losses to stand out, of all tables.
    """
    own = scores[(scores["dataset"] == dataset) & (scores["metric"] == metric.name)]
    found = summaries[(summaries["dataset"] == dataset) & (summaries["metric"] == metric.name)]
    by_key = {(row["network"], row["loss"], row["class"]): row for row in found.to_dict("records")}
    present = [name for name in classes if not found.loc[found["class"] == name, "absent"].all()]
    best = {key[1:2] + key[3:] for key in leading if (key[0], key[2]) == (dataset, metric.name)}
    over = str(found["spread_over"].iloc[0]) if len(found) else "cases"
    most_seeds, cases = max([planned_seeds, own["seed"].nunique()]), own["case"].nunique()
    built = []
    for network, loss in rows:
        mean = by_key.get((network, loss, MEAN))
        cells = tuple(
            _cell(by_key.get((network, loss, name)), metric, best, len(present))
            for name in columns_of(classes)
        )
        remark = _remark(mean, most_seeds, cases, len(present))
        built.append(Row(network, loss, cells, remark))
    notes = [
        *absence_notes(own, classes),
        *empty_notes(found, empty_policy),
        *_missing_notes(built, reasons or {}),
    ]
    caption = caption_of(
        dataset,
        metric,
        own,
        over,
        len({network for network, _ in rows}) > 1,
        mean_name(classes) if len(classes) != 1 else "",
    )
    return Table(dataset, metric, tuple(classes), tuple(built), caption, tuple(notes))


def columns_of(classes: Sequence[str]) -> tuple[str, ...]:
    """MEAN and the classes; of one class alone the mean would say the same again."""
    return tuple(classes) if len(classes) == 1 else (MEAN, *classes)


def mean_name(classes: Sequence[str]) -> str:
    """What the column of the mean is called, which a class may be called, too."""
    return "mean" if "mean" not in classes else "mean over classes"


def _cell(
    row: Mapping[Hashable, Any] | None, metric: Metric, best: Collection[tuple[str, ...]], classes: int
) -> Cell:
    if row is None:
        return Cell(NO_SCORES, detail="no scores")
    if row["absent"]:
        return Cell(ABSENT, detail="no test case has this class in its truth")
    counts = {name: int(row[name]) for name in ("missed", "false_alarms", "both_empty", "undefined")}
    detail = ", ".join(f"{count} {_SAID[name]}" for name, count in counts.items() if count)
    undefined = counts.pop("undefined")
    mean, sd = float(row["mean"]), float(row["sd"])
    if np.isnan(mean):
        return Cell(UNDEFINED, undefined=undefined, detail=detail)
    text = metric.text(mean)
    is_best = (row["network"], row["class"], row["loss"]) in best and row["classes"] >= classes * (
        row["class"] == MEAN
    )
    deviation = "" if np.isnan(sd) else metric.text(sd)
    return Cell(text, deviation, sum(counts.values()), undefined, is_best, detail)


def _remark(mean: Mapping[Hashable, Any] | None, seeds: int, cases: int, classes: int) -> str:
    """What a row lacks that the table has, because its means compare with no others then."""
    if mean is None:
        return "no scores"
    wanted = {"seeds": seeds, "cases": cases, "classes": classes}
    return ", ".join(
        f"{mean[what]} of {count} {what}" for what, count in wanted.items() if mean[what] < count
    )


_SAID = {
    "missed": "missed (empty prediction)",
    "false_alarms": "false alarm (empty truth)",
    "both_empty": "both masks empty",
    "undefined": "undefined",
}


def leading_of(means: pd.DataFrame) -> set[Leading]:
    """The losses that cannot be told from the best of their class, where other losses can; ``means`` of an analysis.

    So equal losses stand out together or not at all, and none is crowned by chance.
    """
    ranked = means[means["rank"].notna()]
    key = ["dataset", "network", "metric", "class"]
    told = ~ranked["tied_with_best"].astype(bool).groupby([ranked[name] for name in key]).transform("all")
    found = ranked[told & ranked["tied_with_best"].astype(bool)]
    return {
        (
            dataset,
            network,
            metric,
            MEAN if name == ALL else own_name(name),
            loss,
        )
        for dataset, network, metric, name, loss in found[[*key, "loss"]].itertuples(index=False, name=None)
    }


def _missing_notes(rows: Sequence[Row], reasons: Mapping[tuple[str, str], str]) -> list[str]:
    notes = []
    if any(row.remark.endswith("classes") for row in rows):
        notes.append("A mean over fewer classes than the table has compares with no other and is never bold.")
    for row in rows:
        reason = reasons.get((row.network, row.loss), "")
        if row.remark and reason:
            network = "" if row.network == "-" else f" with {isolated(row.network)}"
            notes.append(f"{isolated(row.loss)}{network}: {row.remark}; {reason}.")
    return notes
