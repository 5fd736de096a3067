"""The report of an experiment: one page with tables and figures beside it, written whole or not at all."""

import base64
import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from seglossbench.analysis.claims import OF_THE_PAPERS, read_claims
from seglossbench.analysis.files import with_texts
from seglossbench.analysis.inputs import check_histories, check_scores
from seglossbench.analysis.summaries import summarise
from seglossbench.analysis.whole import Options, analyse, decisive
from seglossbench.data.published import Published
from seglossbench.drawing.looks import looks_of
from seglossbench.drawing.names import Stems, csv_text
from seglossbench.errors import InputError, nearest
from seglossbench.files import write_text
from seglossbench.inspection.scans import Scans
from seglossbench.registry import PARTS
from seglossbench.reporting import svg
from seglossbench.reporting.facts import Dataset, Facts, Run, convention_of
from seglossbench.reporting.formats import template, template_text
from seglossbench.reporting.material import Material
from seglossbench.reporting.parts import Part, Source, network_name
from seglossbench.reporting.section import write_section
from seglossbench.reporting.tables import leading_of
from seglossbench.reporting.verdict import facts_of, notices_of, title_of
from seglossbench.statistics.means import fold_status
from seglossbench.vocabulary.conventions import explained
from seglossbench.vocabulary.metrics import in_order

__all__ = ["Dataset", "Facts", "Run", "write_report"]


_TAKEN = ("main", "conventions", "curves")
"""Anchors and files of the page beside those of its parts, which no dataset may have."""
_SCRIPTS = ("tables.js", "pictures.js", "view.js")
"""The last one tells the others what is chosen."""


def write_report(
    out: Path,
    scores: pd.DataFrame,
    histories: pd.DataFrame,
    facts: Facts,
    metrics: Sequence[str] | None = None,
    published: Mapping[str, Published] | None = None,
    tables: Mapping[str, pd.DataFrame] | None = None,
    provenance: Mapping[str, Any] | None = None,
    scans: Scans | None = None,
    *,
    are_checked: bool = False,
) -> Path:
    """Write the report into the folder ``out`` and return its page, ``out/index.html``.

    ``metrics`` are those that get a table, by default all that the scores have.
    ``published`` are the scores of others to be shown beside ours, by dataset. ``tables`` are those of an analysis with
    its ``provenance``; without them the scores are analysed as anybody's are. ``scans`` are the files of which
    predictions are drawn. ``are_checked`` says that ``check_scores`` has seen the scores. A report
    that fails leaves the former one as it was. Files of ``out`` that no report wrote are left alone.
    """
    out = Path(out)
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: not a folder; give the report a folder of its own")
    scores = scores if are_checked else check_scores(scores)
    found = tables if tables is not None else _analysed(scores, histories, facts)
    material = _prepare(scores, found["means"], histories, facts, metrics, published or {})
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".tmp-report-") as name:
        folder = Path(name)
        stems = Stems()
        for taken in (*PARTS, *_TAKEN):
            stems.new(taken)
        leading = leading_of(found["means"])
        sections = [
            write_section(folder, dataset, stems, material, leading) for dataset in _datasets(material)
        ]
        names = ["dataset", "metric", "network", "loss", "class"]
        write_text(folder / "tables" / "summary.csv", csv_text(material.summaries, names))
        known = provenance or {}
        source = Source(
            tables=found,
            provenance=known,
            facts=replace(facts, conventions=_conventions(facts)),
            looks=material.looks,
            folder=folder,
            metrics=material.metrics,
            decides=str(known.get("decides") or decisive(material.scores, None)),
            scores=scores,
            sections=sections,
            scans=scans or Scans(),
            out=out,
        )
        parts = [part for name in PARTS if (part := PARTS.load(name)(source)) is not None]
        write_text(folder / "index.html", _page(source, parts))
        _publish(folder, out)
    return out / "index.html"


def _prepare(
    scores: pd.DataFrame,
    means: pd.DataFrame,
    histories: pd.DataFrame,
    facts: Facts,
    metrics: Sequence[str] | None,
    published: Mapping[str, Published],
) -> Material:
    folded = fold_status(scores)
    found = list(folded["metric"].unique())
    for name in metrics or ():
        if found and name not in found:
            raise InputError(f"metrics: no scores of {name!r}; {nearest(name, found)}")
    shown = tuple(metrics or in_order(found))
    checked = check_histories(histories)
    losses = dict.fromkeys(
        [*(run.loss for run in facts.runs), *folded["loss"].unique(), *checked["loss"].unique()]
    )
    folded = folded[folded["metric"].isin(shown)]
    looks = looks_of(list(losses))
    theirs = {
        name: replace(found, scores=fold_status(check_scores(found.scores, f"published scores of {name}")))
        for name, found in published.items()
    }
    return Material(folded, summarise(folded, means), checked, facts, shown, looks, theirs)


def _datasets(material: Material) -> list[str]:
    """The datasets in their order."""
    facts = material.facts
    names = [
        *(dataset.name for dataset in facts.datasets),
        *(run.dataset for run in facts.runs),
        *material.scores["dataset"].unique(),
        *material.histories["dataset"].unique(),
    ]
    return list(dict.fromkeys(names))


def _analysed(scores: pd.DataFrame, histories: pd.DataFrame, facts: Facts) -> dict[str, pd.DataFrame]:
    """The tables of scores that nobody has analysed, with verdicts on those claims that concern their losses."""
    runs = pd.DataFrame([vars(run) for run in facts.runs]) if facts.runs else None
    options = Options(
        claims=read_claims(OF_THE_PAPERS),
        scopes={dataset.name: "these phantoms only" for dataset in facts.datasets if dataset.phantom},
    )
    tables = analyse(scores, options, check_histories(histories), runs)
    return {name: with_texts(table) for name, table in tables.items()}


def _page(source: Source, parts: Sequence[Part]) -> str:
    """The page around the parts; nothing of it comes from elsewhere, and nothing that a name says can run."""
    style, noscript = (template_text(name) for name in ("style.css", "noscript.css"))
    script = "\n".join(map(template_text, _SCRIPTS))
    policy = "default-src 'none'; img-src 'self' file: data:; base-uri 'none'; form-action 'none'; "
    policy += f"style-src {_hash(style)} {_hash(noscript)}; script-src {_hash(script)}"
    notices, remarks = notices_of(source.tables["notices"], source.facts)
    means = source.means
    return template("page.html").render(
        policy=policy,
        style=Markup(style),
        noscript=Markup(noscript),
        script=Markup(script),
        experiment=source.facts.experiment,
        title=title_of(source.tables["answers"], means, source.facts.experiment),
        facts=facts_of(source.facts, source.tables["means"], source.decides),
        notices=notices,
        remarks=remarks,
        losses=[(loss, svg.named(source.looks[loss], loss)) for loss in source.losses],
        choices=_choices(source),
        parts=parts,
    )


def _hash(text: str) -> str:
    """What a Content-Security-Policy allows this very text by."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _choices(source: Source) -> list[tuple[str, str, list[tuple[str, str]], str]]:
    """What the bar lets a reader choose: key, title, values with their words, and the first choice."""
    means = source.means
    metrics = [(name, name) for name in source.metrics if name in set(means["metric"])]
    found: list[tuple[str, str, list[tuple[str, str]], str]] = []
    if len(metrics) > 1:
        found.append(("metric", "metric", metrics, source.decides))
    for key in ("dataset", "network"):
        names = list(dict.fromkeys(means[key]))
        words = [(name, network_name(name) if key == "network" else name) for name in names]
        if len(names) > 1:
            found.append((key, key, [("", "all"), *words], ""))
    return found


def _conventions(facts: Facts) -> dict[str, str]:
    """Every convention of the scores in words."""
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
    }
    return {name: "\n".join(texts) for name, texts in conventions.items() if texts} | dict(facts.conventions)


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
