"""Predictions: the worst failures first, then of each class where the best loss gains least, as usual and most."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from seglossbench.analysis.cases import FAILURE
from seglossbench.analysis.cubes import own_name
from seglossbench.errors import InputError
from seglossbench.inspection.cuts import Cut, cuts, errors_of, masks_of
from seglossbench.inspection.scans import OpenScan, Scan
from seglossbench.reporting import svg
from seglossbench.reporting.elements import joined, tag
from seglossbench.reporting.panels import Album, keys
from seglossbench.reporting.parts import (
    Part,
    Row,
    Source,
    caption,
    dataset_name,
    files_line,
    link_to,
    network_name,
)
from seglossbench.reporting.slices import slider

_MOST = 120
"""Cases of a dataset that are drawn beside its failures; with more, networks are left out, the last ones first."""
_SLICES = 9
"""Slices of the first failures, from one end of the class to the other."""
_WITH_SLICES = 2
_ROLES = {"worst": "gains least", "median": "gains as usual", "best": "gains most"}


@dataclass
class _Drawing:
    """What is drawn of one dataset, and what cannot be."""

    source: Source
    album: Album
    lacking: list[str] = field(default_factory=list)


def predictions(source: Source) -> Part | None:
    """Per dataset its failures in the open, its classes folded up; a line says what cannot be drawn, and why."""
    chosen = source.tables["cases"]
    if not source.scans.runs or chosen.empty:
        return None
    album = Album(source.folder, source.looks)
    blocks = []
    for dataset, of_dataset in chosen.groupby("dataset", sort=False):
        drawing = _Drawing(source, album)
        shown = of_dataset[of_dataset["network"].isin(_networks(of_dataset))]
        figures = _figures(drawing, shown)
        failures = [figure for row, figure in figures if row["role"] == FAILURE]
        block = [
            tag("h3", tag("bdi", dataset_name(str(dataset)))),
            tag("h4", "Worst failures") if failures else None,
            *failures,
            tag("h4", "Class by class") if len(figures) > len(failures) else None,
            *_by_class(source, [(row, figure) for row, figure in figures if row["role"] != FAILURE]),
            *_left_out(drawing.lacking, of_dataset, shown),
        ]
        blocks.append(tag("div", *block, **source.view(dataset=str(dataset))))
    return Part(
        "Predictions",
        "predictions",
        joined(
            [
                keys(),
                *blocks,
                caption(
                    f"Chosen by {source.decides}, never by eye. A failure: one of the lowest scores of a single run, "
                    "and among equal ones that on which the other losses do best. Gains are paired, over all seeds; "
                    "pictures are of one seed. Each is the slice on which truth and losses disagree most, around the "
                    "class, so that what is false elsewhere may lie outside; outlines follow the edges of the voxels."
                ),
                files_line(("chosen cases as CSV", source.table("cases", chosen))),
            ]
        ),
    )


def _networks(table: pd.DataFrame) -> list[str]:
    """As many networks as have no more pictures together than a page can carry, the first one in any case."""
    own = table[table["role"] != FAILURE]
    sizes = own.drop_duplicates(["network", "class", "role"]).groupby("network", sort=False).size().cumsum()
    kept = [str(name) for place, (name, size) in enumerate(sizes.items()) if size <= _MOST or place == 0]
    return kept or list(table["network"].unique())


def _left_out(lacking: Sequence[str], of_dataset: pd.DataFrame, shown: pd.DataFrame) -> Iterator[Markup]:
    """What is not drawn, and why."""
    names = [name for name in of_dataset["network"].unique() if name not in set(shown["network"])]
    if names:
        yield caption(f"Too many to be drawn, and so in the table only: those of {', '.join(names)}.")
    reasons = list(dict.fromkeys(lacking))
    if reasons:
        more = f", and {len(reasons) - 1} more reasons" if len(reasons) > 1 else ""
        yield tag("p", tag("b", f"Not drawn: {len(lacking)}. "), f"{reasons[0]}{more}.", class_="caption")


def _figures(drawing: _Drawing, shown: pd.DataFrame) -> list[tuple[Row, Markup]]:
    """A figure per chosen case, in the order of the table; a case's files are opened once."""
    scans = drawing.source.scans
    figures: dict[int, tuple[Row, Markup]] = {}
    for (dataset, case), of_case in shown.groupby(["dataset", "case"], sort=False):
        scan = scans.cases.get((str(dataset), str(case)))
        if scan is None:
            drawing.lacking.append(scans.missing.get(str(dataset), f"{case} is no test case any more"))
            continue
        opened = OpenScan(scan)
        for _, group in of_case.groupby(["network", "role", "place", "class"], sort=False):
            rows = group.to_dict("records")
            try:
                figure = _figure(drawing, opened, rows)
            except InputError as error:
                drawing.lacking.append(str(error))
                continue
            if figure is not None:
                figures[int(group.index[0])] = rows[0], figure
    return [figures[place] for place in sorted(figures)]


def _figure(drawing: _Drawing, opened: OpenScan, rows: Sequence[Row]) -> Markup | None:
    source, first = drawing.source, rows[0]
    files = {row["loss"]: _file(source, opened.scan, row) for row in rows}
    there = {loss: file for loss, file in files.items() if file is not None}
    if not there:
        of = " ".join(part for part in (network_name(first["network"]), f"seed {first['seed']}") if part)
        raise InputError(f"no file of a prediction of {of} is there")
    volumes = {loss: opened.prediction(file) for loss, file in there.items()}
    masks = masks_of(opened, own_name(first["class"]), volumes)
    cut = next(cuts(opened, masks), None)
    if cut is None:
        return None
    by_loss = {row["loss"]: row for row in rows}
    words = {
        loss: _below(source, by_loss[loss], there.get(loss)) for loss in source.losses if loss in by_loss
    }
    about = f"{first['class']} of {first['case']}"
    shown, slides = drawing.album.panels(cut, words, about), None
    if first["role"] == FAILURE and first["place"] <= _WITH_SLICES:
        through = list(cuts(opened, masks, _SLICES))
        if len(through) > 1:
            panels = [drawing.album.panels(each, words, about) for each in through]
            slides = slider(through, panels, errors_of(masks), source.looks, about)
    return tag(
        "figure",
        tag("figcaption", _words(source, first, by_loss, cut), _links(source, opened.scan)),
        shown,
        slides,
        class_="case",
        **source.view(network=first["network"]),
    )


def _file(source: Source, scan: Scan, row: Row) -> Path | None:
    return source.scans.prediction((row["dataset"], row["network"], row["loss"], row["seed"]), scan)


def _below(source: Source, row: Row, file: Path | None) -> Markup:
    """What stands below a loss's panel: its name, its score, and its file."""
    loss = row["loss"]
    score = tag("span", _score(source, row, row["value"]))
    if file is None:
        link = tag("span", "no file of the prediction")
    else:
        link = tag("a", "file", href=link_to(file, source.out), aria_label=f"file of {loss}, {row['case']}")
    return joined([svg.named(source.looks[loss], loss), score, link])


def _words(source: Source, first: Row, by_loss: Mapping[str, Row], cut: Cut) -> Markup:
    """What the picture is of, and why it was chosen."""
    patient = "" if first["patient"] == first["case"] else f" ({first['patient']})"
    case = tag("bdi", f"{first['case']}{patient}")
    a, b, name = (tag("bdi", text) for text in (first["a"], first["b"], own_name(first["class"])))
    if first["role"] == FAILURE:
        value = by_loss[first["a"]]["value"] if first["a"] in by_loss else float("nan")
        bold = Markup("{}: {} of {} by {}").format(case, _score(source, first, value), name, a)
    else:
        ratio = first["scale"] == "ratio"
        gain = f"×{first['gain']:.2f}" if ratio else f"{first['gain']:+.3f}".replace("-", "−")
        bold = Markup("{} {} over {}: {} in {}").format(a, _ROLES[first["role"]], b, gain, case)
    where = [network_name(first["network"]), f"seed {first['seed']}", cut.channel]
    return Markup(" · ").join([tag("b", bold), *(words for words in where if words), ""])


def _score(source: Source, row: Row, value: float) -> str:
    metric = source.metric(row["metric"], row["dataset"])
    return f"{row['metric']} {metric.text(value)}" if value == value else f"no {row['metric']}"


def _links(source: Source, scan: Scan) -> Markup:
    names = scan.channels if len(scan.channels) == len(scan.images) > 1 else ["image"] * len(scan.images)
    files = [("truth", scan.truth), *zip(names, scan.images, strict=True)]
    links = [tag("a", words, href=link_to(file, source.out)) for words, file in files if file.is_file()]
    return tag("span", Markup(" · ").join(links), class_="links")


def _by_class(source: Source, figures: Sequence[tuple[Row, Markup]]) -> Iterator[Markup]:
    """A folded block per class and network."""
    groups: dict[tuple[str, str], list[tuple[Row, Markup]]] = {}
    for row, figure in figures:
        groups.setdefault((row["class"], row["network"]), []).append((row, figure))
    for (name, network), own in groups.items():
        where = " · ".join(part for part in (name, network_name(network)) if part)
        a, b = (tag("bdi", own[0][0][key]) for key in ("a", "b"))
        title = Markup("{}: {} against {}").format(tag("b", tag("bdi", where)), a, b)
        inside = [figure for _, figure in own]
        yield tag("details", tag("summary", title), *inside, class_="aside", **source.view(network=network))
