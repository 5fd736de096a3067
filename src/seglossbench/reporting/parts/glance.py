"""At a glance: every loss on every dataset and network, in which all that cannot be told from the best look alike."""

import math
from typing import Any

import pandas as pd
from markupsafe import Markup

from seglossbench.analysis.cubes import ALL
from seglossbench.drawing.names import slug
from seglossbench.files import write_text
from seglossbench.reporting import svg
from seglossbench.reporting.elements import joined, number_cell, scrolled, tag
from seglossbench.reporting.formats import markdown_table
from seglossbench.reporting.latex import longtable
from seglossbench.reporting.parts import (
    Part,
    Row,
    Source,
    caption,
    dataset_name,
    files_line,
    network_name,
    place_name,
)
from seglossbench.vocabulary.metrics import Metric

_MOST_COLUMNS = 6
_MEAN_RANK = "mean rank"
DOT = "●"

Place = tuple[str, str]


def glance(source: Source) -> Part | None:
    """A table per metric; losses are its rows up to six datasets and networks, else its columns."""
    if source.means.empty:
        return None
    tables, files = [], []
    for name in source.metrics:
        own = source.means[source.means["metric"] == name]
        if own.empty:
            continue
        cells = {(row["dataset"], row["network"], row["loss"]): row for row in own.to_dict("records")}
        places = list(dict.fromkeys(own[["dataset", "network"]].itertuples(index=False, name=None)))
        hidden = name != source.decides
        made = _table(source, name, places, cells)
        tables.append(scrolled(made, f"At a glance, {name}", hidden=hidden, data_metric=name))
        files += _files(source, name, places, cells)
    told = any(not cell for cell in source.means["tied_with_best"])
    words = (
        "All losses that cannot be told from the best of their column are marked alike",
        ", so that none is crowned by chance. "
        + (
            "Tinted: where some losses can be told from the best." if told else "Here no column has a leader."
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


def _table(source: Source, name: str, places: list[Place], cells: dict[Any, Row]) -> Markup:
    of_place: dict[Place, list[Row]] = {}
    for key, row in cells.items():
        of_place.setdefault(key[:2], []).append(row)
    axes = {place: _axis(rows) for place, rows in of_place.items()}
    losses = _by_rank([loss for loss in source.losses if any(key[2] == loss for key in cells)], cells)
    wide = len(places) > _MOST_COLUMNS
    ranks, told_apart = _mean_ranks(losses, cells), _told_apart(source, name)

    def cell(place: Place, loss: str) -> Markup:
        found, own = cells.get((*place, loss)), of_place[place]
        shown = source.view(loss=loss) if wide else source.view(dataset=place[0], network=place[1])
        if found is None:
            return tag("td", "—", class_="num word", **shown)
        metric = source.metric(name, place[0])
        ranked = found["rank"] == found["rank"]
        tied = ranked and bool(found["tied_with_best"])
        told = any(row["rank"] == row["rank"] and not row["tied_with_best"] for row in own)
        missed = int(found["missed"]) if found["missed"] == found["missed"] else 0
        picture = svg.svg(
            124, 14, svg.interval(axes[place], *_ends(found), source.looks[loss], 7, hollow=False)
        )
        return tag(
            "td",
            tag("span", f"{DOT} ", class_="dot") if tied else None,
            tag("b", metric.text(found["mean"])),
            tag("sup", f"†{missed}") if missed else None,
            tag("small", _interval(found, metric)),
            picture if not wide else None,
            tag("small", f"rank {_rank(found)}") if ranked and len(own) > 1 else None,
            class_="num" + (" leads" if tied and told else " behind" if not tied and ranked else ""),
            **shown,
        )

    def head(place: Place, *, whole: bool = True) -> Markup:
        networks = sum(1 for other in places if other[0] == place[0] and other[1] != ALL)
        return tag("bdi", place_name(*place, networks) if whole else network_name(place[1], networks))

    def apart(place: Place, **shown: str) -> Markup:
        return tag("td", told_apart.get(place, ""), class_="num word", **shown)

    foot: Markup | None = None
    if wide:
        columns = [
            tag("th", svg.named(source.looks[loss], loss), scope="col", data_loss=loss) for loss in losses
        ]
        bodies = []
        for dataset in dict.fromkeys(dataset for dataset, _ in places):
            own = [place for place in places if place[0] == dataset]
            several = len(own) > 1 and dataset != "-"
            group = tag("th", tag("bdi", dataset_name(dataset)), colspan=len(losses) + 2, scope="rowgroup")
            rows = [
                tag(
                    "tr",
                    tag("th", head(place, whole=not several), scope="row"),
                    *(cell(place, loss) for loss in losses),
                    apart(place),
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
        if ranks:
            shown = [number_cell(ranks[loss], data_loss=loss) for loss in losses]
            foot = tag("tr", tag("th", _MEAN_RANK, scope="row"), *shown, tag("td"))
    else:
        columns = [
            tag("th", head(place), scope="col", **source.view(dataset=place[0], network=place[1]))
            for place in places
        ]
        lines = [
            tag(
                "tr",
                tag("th", svg.named(source.looks[loss], loss), scope="row"),
                *(cell(place, loss) for place in places),
                number_cell(ranks[loss]) if ranks else None,
                data_loss=loss,
            )
            for loss in losses
        ]
        bodies = [tag("tbody", *lines)]
        last = tag("th", _MEAN_RANK, scope="col") if ranks else None
        top = tag("tr", tag("th", "loss", scope="col"), *columns, last)
        if told_apart:
            shown = [apart(place, **source.view(dataset=place[0], network=place[1])) for place in places]
            foot = tag("tr", tag("th", "pairs told apart", scope="row"), *shown, tag("td") if ranks else None)
    title = tag("caption", source.metric(name, places[0][0]).title)
    below = tag("tfoot", foot) if foot else None
    return tag("table", title, tag("thead", top), *bodies, below, class_="data glance")


def _mean_ranks(losses: list[str], cells: dict[Any, Row]) -> dict[str, str]:
    """The mean rank of each loss over several datasets and single networks; none of a loss that is not in all."""
    ranks = {
        loss: [row["rank"] for key, row in cells.items() if key[2] == loss and key[1] != ALL]
        for loss in losses
    }
    places = max((len(of_loss) for of_loss in ranks.values()), default=0)
    if places < 2 or len(losses) < 2:
        return {}
    return {
        loss: f"{sum(of_loss) / places:.2f}"
        if len(of_loss) == places and not math.isnan(sum(of_loss))
        else "—"
        for loss, of_loss in ranks.items()
    }


def _told_apart(source: Source, metric: str) -> dict[Place, str]:
    """How many pairs of losses are told apart by a metric on each dataset with each network."""
    pairs = source.tables["differences"]
    own = pairs[(pairs["metric"] == metric) & (pairs["class"] == ALL)]
    return {
        (str(dataset), str(network)): f"{(group['better'] != '').sum()} of {len(group)}"
        for (dataset, network), group in own.groupby(["dataset", "network"], sort=False)
    }


def _rank(row: Row) -> str:
    """The rank of a mean and, where any pair was tested, the ranks that are allowed."""
    allowed = f" ({row['rank_lo']:.0f} to {row['rank_hi']:.0f})" if row["rank_lo"] == row["rank_lo"] else ""
    return f"{row['rank']:.0f}{allowed}"


def _by_rank(losses: list[str], cells: dict[Any, Row]) -> list[str]:
    """The losses by their mean rank; those without one last."""

    def mean_rank(loss: str) -> float:
        ranks = [
            row["rank"]
            for key, row in cells.items()
            if key[2] == loss and key[1] != ALL and row["rank"] == row["rank"]
        ]
        return sum(ranks) / len(ranks) if ranks else math.inf

    return sorted(losses, key=mean_rank)


def _ends(row: Row) -> tuple[float, float, float]:
    return float(row["mean"]), float(row["lo"]), float(row["hi"])


def _axis(rows: list[Row]) -> svg.Axis:
    """An axis that holds the means of a column, and of their intervals what leaves the means apart."""
    means = [float(row["mean"]) for row in rows if math.isfinite(row["mean"])] or [0.0]
    ends = [float(row[end]) for row in rows for end in ("lo", "hi") if math.isfinite(row[end])] or means
    reach = max(max(means) - min(means), 1e-9 * abs(means[0]), 1e-12)
    widths = sorted(
        float(row["hi"]) - float(row["lo"]) for row in rows if math.isfinite(row["hi"] - row["lo"])
    )
    reach = max(reach, widths[len(widths) // 2] if widths else reach)
    lo, hi = max(min(ends), min(means) - reach), min(max(ends), max(means) + reach)
    return svg.Axis(lo, hi, 6, 118)


def _interval(row: Row, metric: Metric) -> str:
    if not math.isfinite(row["lo"]) or not math.isfinite(row["hi"]):
        return "no interval"
    return f"{metric.text(row['lo'])} to {metric.text(row['hi'])}"


def _files(source: Source, name: str, places: list[Place], cells: dict[Any, Row]) -> list[tuple[str, str]]:
    """The table as CSV, Markdown and LaTeX, a row per loss; in bold those marked alike, where others are told."""
    head = ["dataset", "network", "loss", source.metric(name).name, "95 % interval", "rank"]
    rows: list[list[str]] = []
    leading: list[bool] = []
    for place in places:
        own = [row for key, row in cells.items() if key[:2] == place]
        told = any(row["rank"] == row["rank"] and not row["tied_with_best"] for row in own)
        for row in sorted(own, key=lambda row: row["rank"]):
            metric, ranked = source.metric(name, place[0]), row["rank"] == row["rank"]
            network = network_name(place[1], int(row["networks"])) or "-"
            rank = _rank(row) if ranked else ""
            rows.append(
                [place[0], network, row["loss"], metric.text(row["mean"]), _interval(row, metric), rank]
            )
            leading.append(bool(told and ranked and row["tied_with_best"]))
    losses = list(dict.fromkeys(loss for *_, loss in cells))
    for loss, mean_rank in _mean_ranks(losses, cells).items():
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
