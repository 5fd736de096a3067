"""The report of an experiment: one page with tables and figures beside it, written whole or not at all."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from seglossbench.analysis.inputs import check_histories, check_scores
from seglossbench.errors import InputError, nearest
from seglossbench.files import write_text
from seglossbench.reporting.facts import Dataset, Facts, Run, convention_of
from seglossbench.reporting.formats import template
from seglossbench.reporting.looks import looks_of
from seglossbench.reporting.names import Stems, csv_text
from seglossbench.reporting.published import Published
from seglossbench.reporting.section import Material, Section, write_section
from seglossbench.reporting.tables import Row
from seglossbench.statistics.means import fold_status
from seglossbench.statistics.summaries import summarise
from seglossbench.vocabulary.conventions import explained
from seglossbench.vocabulary.metrics import in_order

__all__ = ["Dataset", "Facts", "Run", "write_report"]


@dataclass(frozen=True)
class Overview:
    """The means of every table of a metric side by side: a column per dataset and network, a row per loss."""

    title: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, tuple[Row | None, ...]], ...]

    @property
    def mark_widths(self) -> list[int]:
        """Per column, the length of its longest footnote signs."""
        columns = zip(*(rows for _, rows in self.rows), strict=True)
        return [max(len(row.cells[0].signs) if row else 0 for row in column) for column in columns]


def write_report(
    out: Path,
    scores: pd.DataFrame,
    histories: pd.DataFrame,
    facts: Facts,
    metrics: Sequence[str] | None = None,
    published: Mapping[str, Published] | None = None,
) -> Path:
    """Write the report into the folder ``out`` and return its page, ``out/index.html``.

    ``metrics`` are those that get a table, by default all that the scores have.
    ``published`` are the scores of others to be shown beside ours, by dataset. A
    report that fails leaves the former one as it was. Files of ``out`` that no report wrote are left alone.
    """
    out = Path(out)
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: not a folder; give the report a folder of its own")
    material = _prepare(scores, histories, facts, metrics, published or {})
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".tmp-report-") as name:
        folder = Path(name)
        stems = Stems()
        sections = [write_section(folder, dataset, stems, material) for dataset in _datasets(material)]
        names = ["dataset", "metric", "network", "loss", "class"]
        write_text(folder / "tables" / "summary.csv", csv_text(material.summaries, names))
        write_text(folder / "index.html", _page(material, sections))
        _publish(folder, out)
    return out / "index.html"


def _prepare(
    scores: pd.DataFrame,
    histories: pd.DataFrame,
    facts: Facts,
    metrics: Sequence[str] | None,
    published: Mapping[str, Published],
) -> Material:
    folded = fold_status(check_scores(scores))
    found = list(dict.fromkeys(folded["metric"]))
    for name in metrics or ():
        if found and name not in found:
            raise InputError(f"metrics: no scores of {name!r}; {nearest(name, found)}")
    shown = tuple(metrics or in_order(found))
    checked = check_histories(histories)
    losses = dict.fromkeys([*(run.loss for run in facts.runs), *folded["loss"], *checked["loss"]])
    folded = folded[folded["metric"].isin(shown)]
    looks = looks_of(list(losses))
    theirs = {
        name: replace(found, scores=fold_status(check_scores(found.scores, f"published scores of {name}")))
        for name, found in published.items()
    }
    return Material(folded, summarise(folded), checked, facts, shown, looks, theirs)


def _datasets(material: Material) -> list[str]:
    """The datasets in their order."""
    facts = material.facts
    names = [
        *(dataset.name for dataset in facts.datasets),
        *(run.dataset for run in facts.runs),
        *material.scores["dataset"],
        *material.histories["dataset"],
    ]
    return list(dict.fromkeys(names))


def _page(material: Material, sections: Sequence[Section]) -> str:
    facts = material.facts
    runs = pd.DataFrame([vars(run) for run in facts.runs], columns=list(Run.__dataclass_fields__))
    described: list[Dataset | None] = [*facts.datasets] or [None]
    units = [dataset.distance_unit for dataset in facts.datasets]
    conventions = {
        "HD95": _stated(facts, [convention_of(facts, dataset, "hd95") for dataset in described]),
        "Empty masks": _stated(
            facts, [convention_of(facts, dataset, "empty_policy") for dataset in described]
        ),
        "Distances": _stated(
            facts, [f"in {unit}" if unit else "" for unit in units] or [f"in {facts.distance_unit}"]
        ),
        **{name: [text] for name, text in facts.conventions.items()},
    }
    return template("page.html").render(
        facts=facts,
        sections=sections,
        overviews=_overviews(sections),
        conventions=conventions,
        phantoms=[dataset.name for dataset in facts.datasets if dataset.phantom],
        runs=sorted(facts.runs, key=lambda run: run.state == "DONE"),
        states=runs["state"].value_counts(sort=False).to_dict(),
        sizes={name: runs[name].nunique() for name in ("dataset", "network", "loss", "seed")},
    )


def _overviews(sections: Sequence[Section]) -> list[Overview]:
    """One overview per metric, where there is more than one dataset or network to put side by side."""
    found: dict[str, dict[tuple[str, str], dict[str, Row]]] = {}
    for section in sections:
        for _, table in section.tables:
            for row in table.rows:
                column = found.setdefault(table.metric.title, {}).setdefault((section.title, row.network), {})
                column[row.loss] = row
    return [
        Overview(
            title,
            tuple(columns),
            tuple(
                (loss, tuple(column.get(loss) for column in columns.values()))
                for loss in dict.fromkeys(loss for column in columns.values() for loss in column)
            ),
        )
        for title, columns in found.items()
        if len(columns) > 1
    ]


def _stated(facts: Facts, by_dataset: Sequence[str]) -> list[str]:
    """Each convention in words, with its datasets where they differ; nothing where no dataset needs one."""
    if not facts.datasets:
        return [explained(name) or "not stated by whoever computed the scores" for name in by_dataset]
    datasets: dict[str, list[str]] = {}
    for dataset, name in zip(facts.datasets, by_dataset, strict=True):
        if name:
            datasets.setdefault(name, []).append(dataset.name)
    if len(datasets) == 1 and all(by_dataset):
        return [explained(name) for name in datasets]
    return [f"{', '.join(of)}: {explained(name)}" for name, of in datasets.items()]


def _publish(folder: Path, out: Path) -> None:
    """Move the files of a whole report to ``out``, the page last, and remove what the former report alone had."""
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    listing = out / "tables" / "files.txt"
    former = listing.read_text(encoding="utf-8").split("\n") if listing.is_file() else []
    for name in sorted(files, key=lambda name: name == "index.html"):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).replace(out / name)
    write_text(listing, "\n".join(files))
    for name in former:
        if name.startswith(("tables/", "figures/")) and ".." not in name and name not in files:
            (out / name).unlink(missing_ok=True)
