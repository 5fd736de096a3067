"""At a glance: every loss on every dataset and network, in which all that cannot be told from the best look alike."""

import pandas as pd
from markupsafe import Markup

from seglossbench.analysis.cubes import ALL
from seglossbench.drawing.names import slug
from seglossbench.files import write_text
from seglossbench.reporting import svg
from seglossbench.reporting.at_a_glance import Glance, Place, interval_of, rank_of
from seglossbench.reporting.elements import joined, number_cell, scrolled, tag
from seglossbench.reporting.formats import markdown_table
from seglossbench.reporting.latex import longtable
from seglossbench.reporting.parts import (
    Part,
    Source,
    caption,
    dataset_name,
    files_line,
    network_name,
    place_name,
)
from seglossbench.reporting.told import told

_MOST_COLUMNS = 6
_MEAN_RANK = "mean rank"
DOT = "●"


def glance(source: Source) -> Part | None:
    """A table per metric; losses are its rows up to six datasets and networks, else its columns."""
    if source.means.empty:
        return None
    tables, files = [], []
    for name in source.metrics:
        shown = Glance.of(source, name)
        if not shown.rows:
            continue
        made = _by_place(shown) if len(shown.of_place) > _MOST_COLUMNS else _by_loss(shown)
        hidden = name != source.decides
        tables.append(scrolled(made, f"At a glance, {name}", hidden=hidden, data_metric=name))
        files += _files(shown)
    some_told = any(not cell for cell in source.means["tied_with_best"])
    words = (
        "All losses that cannot be told from the best of their column are marked alike",
        ", so that none is crowned by chance. "
        + (
            "Tinted: where some losses can be told from the best."
            if some_told
            else "Here no column has a leader."
        ),
    )
    return Part(
        "At a glance",
        "glance",
        joined(
            [
                tag("p", tag("b", words[0]), words[1], class_="lead"),
                *tables,
                caption(
                    f"{DOT} cannot be told from the best (5 %, corrected by Holm for all pairs of losses there). Below "
                    "each mean, over classes, cases and seeds, its 95 % interval for new cases and new trainings; of "
                    "distances geometric means. †n: n masks left empty where the truth has the class. Rank: of the "
                    "mean, and the ranks that tested pairs allow; its mean is over all datasets and single networks."
                ),
                files_line(*files, ("all means as CSV", source.table("means", source.tables["means"]))),
            ]
        ),
    )


def _by_loss(shown: Glance) -> Markup:
    """A row per loss, a column per dataset and network."""
    source, ranks = shown.source, shown.mean_ranks
    views = {place: source.view(dataset=place[0], network=place[1]) for place in shown.of_place}
    columns = [tag("th", _head(shown, place), scope="col", **view) for place, view in views.items()]
    lines = [
        tag(
            "tr",
            tag("th", svg.named(source.looks[loss], loss), scope="row"),
            *(_cell(shown, place, loss, with_picture=True, **view) for place, view in views.items()),
            number_cell(ranks[loss]) if ranks else None,
            data_loss=loss,
        )
        for loss in shown.losses
    ]
    last = tag("th", _MEAN_RANK, scope="col") if ranks else None
    foot = None
    if shown.told_apart:
        cells = [_apart(shown, place, **view) for place, view in views.items()]
        foot = tag("tr", tag("th", "pairs told apart", scope="row"), *cells, tag("td") if ranks else None)
    return _whole(
        shown, tag("tr", tag("th", "loss", scope="col"), *columns, last), [tag("tbody", *lines)], foot
    )


def _by_place(shown: Glance) -> Markup:
    """A row per dataset and network, those of a dataset together, a column per loss."""
    source, losses, ranks = shown.source, shown.losses, shown.mean_ranks
    columns = [tag("th", svg.named(source.looks[loss], loss), scope="col", data_loss=loss) for loss in losses]
    bodies = []
    for dataset in dict.fromkeys(dataset for dataset, _ in shown.of_place):
        own = [place for place in shown.of_place if place[0] == dataset]
        several = len(own) > 1 and dataset != "-"
        group = tag("th", tag("bdi", dataset_name(dataset)), colspan=len(losses) + 2, scope="rowgroup")
        rows = [
            tag(
                "tr",
                tag("th", _head(shown, place, whole=not several), scope="row"),
                *(_cell(shown, place, loss, with_picture=False, **source.view(loss=loss)) for loss in losses),
                _apart(shown, place),
                **source.view(dataset=place[0], network=place[1]),
            )
            for place in own
        ]
        named = tag("tr", group) if several else None
        bodies.append(tag("tbody", named, *rows, **source.view(dataset=dataset)))
    top = tag(
        "tr",
        tag("th", "dataset · network", scope="col"),
        *columns,
        tag("th", "pairs told apart", scope="col"),
    )
    foot = None
    if ranks:
        cells = [number_cell(ranks[loss], data_loss=loss) for loss in losses]
        foot = tag("tr", tag("th", _MEAN_RANK, scope="row"), *cells, tag("td"))
    return _whole(shown, top, bodies, foot)


def _whole(shown: Glance, top: Markup, bodies: list[Markup], foot: Markup | None) -> Markup:
    title = tag("caption", shown.source.metric(shown.name, next(iter(shown.of_place))[0]).title)
    below = tag("tfoot", foot) if foot else None
    return tag("table", title, tag("thead", top), *bodies, below, class_="data glance")


def _cell(shown: Glance, place: Place, loss: str, *, with_picture: bool, **view: str) -> Markup:
    """A mean with its interval and rank, and a mark where it cannot be told from the best."""
    row = shown.cells.get((*place, loss))
    if row is None:
        return tag("td", "—", class_="num word", **view)
    metric, ranked = shown.source.metric(shown.name, place[0]), row["rank"] == row["rank"]
    tied = ranked and bool(row["tied_with_best"])
    missed = int(row["missed"]) if row["missed"] == row["missed"] else 0
    picture = None
    if with_picture:
        ends = float(row["mean"]), float(row["lo"]), float(row["hi"])
        look = shown.source.looks[loss]
        picture = svg.svg(124, 14, svg.interval(shown.axis(place), *ends, look, 7, hollow=False))
    leads = " leads" if tied and shown.has_leaders(place) else " behind" if not tied and ranked else ""
    return tag(
        "td",
        tag("span", f"{DOT} ", class_="dot") if tied else None,
        tag("b", metric.text(row["mean"])),
        tag("sup", f"†{missed}") if missed else None,
        tag("small", interval_of(row, metric)),
        picture,
        tag("small", f"rank {rank_of(row)}") if ranked and len(shown.of_place[place]) > 1 else None,
        class_="num" + leads,
        data_tell=told(row, metric),
        **view,
    )


def _head(shown: Glance, place: Place, *, whole: bool = True) -> Markup:
    networks = sum(1 for other in shown.of_place if other[0] == place[0] and other[1] != ALL)
    return tag("bdi", place_name(*place, networks) if whole else network_name(place[1], networks))


def _apart(shown: Glance, place: Place, **view: str) -> Markup:
    return tag("td", shown.told_apart.get(place, ""), class_="num word", **view)


def _files(shown: Glance) -> list[tuple[str, str]]:
    """The table as CSV, Markdown and LaTeX, a row per loss; in bold those marked alike, where others are told."""
    source, name = shown.source, shown.name
    head = ["dataset", "network", "loss", source.metric(name).name, "95 % interval", "rank"]
    rows: list[list[str]] = []
    leading: list[bool] = []
    for place, own in shown.of_place.items():
        for row in sorted(own, key=lambda row: row["rank"]):
            metric, ranked = source.metric(name, place[0]), row["rank"] == row["rank"]
            network = network_name(place[1], int(row["networks"])) or "-"
            rank = rank_of(row) if ranked else ""
            rows.append(
                [place[0], network, row["loss"], metric.text(row["mean"]), interval_of(row, metric), rank]
            )
            leading.append(bool(shown.has_leaders(place) and ranked and row["tied_with_best"]))
    for loss, mean_rank in shown.mean_ranks.items():
        rows.append(["all", _MEAN_RANK, loss, "", "", mean_rank])
        leading.append(False)
    kind = "mean" if metric.mean == "arithmetic" else "geometric mean"
    words = (
        f"{metric.title}: {kind}, and 95 % interval for new cases and new trainings. Bold: cannot be told from "
        "the best, where other losses can (5 %, corrected by Holm)."
    )
    stem = f"glance_{slug(name)}"
    address = source.table(stem, pd.DataFrame(rows, columns=head))
    write_text(source.folder / f"tables/{stem}.md", markdown_table(words, head, rows, leading))
    write_text(source.folder / f"tables/{stem}.tex", longtable(words, stem, head, rows, leading))
    others = [
        (f"{name} as {form}", f"tables/{stem}.{end}") for form, end in (("Markdown", "md"), ("LaTeX", "tex"))
    ]
    return [(f"{name} as CSV", address), *others]
