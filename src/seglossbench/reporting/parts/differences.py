"""Paired differences: every loss against a baseline of the reader's choice, a forest in a table."""

from collections.abc import Iterator

import pandas as pd
from markupsafe import Markup

from seglossbench.analysis.cubes import ALL
from seglossbench.analysis.words import difference
from seglossbench.reporting import svg
from seglossbench.reporting.elements import joined, number_cell, scrolled, tag
from seglossbench.reporting.parts import (
    Part,
    Row,
    Source,
    against,
    caption,
    figure_files,
    files_line,
    place_name,
    turned,
)

MOST_BASELINES = 12
"""With more losses than that the page holds the differences to one baseline only; the file has all."""
_MOST_PANELS = 16
"""Datasets and networks in the figure for papers; the file has all."""
_COLUMNS = [
    "panel",
    "dataset",
    "network",
    "metric",
    "loss",
    "scale",
    "estimate",
    "lo",
    "hi",
    "p_adjusted",
    "better",
]
_HEAD = (
    "loss against baseline",
    "95 % interval, and a tick per case",
    "difference",
    "p (Holm)",
    "cases",
    "seeds",
)


def differences(source: Source) -> Part | None:
    """The same cases and seeds under two losses, by metric, dataset and network."""
    pairs = source.tables["differences"]
    shown = pairs[(pairs["class"] == ALL) & pairs["metric"].isin(source.metrics)]
    if shown.empty:
        return None
    bases = source.losses if len(source.losses) <= MOST_BASELINES else [source.baseline]
    tables = []
    for metric, of_metric in shown.groupby("metric", sort=False):
        rows = of_metric.to_dict("records")
        ratio = rows[0]["scale"] == "ratio"
        ends = [row[end] for row in rows for end in ("estimate", "lo", "hi")]
        axis = svg.symmetric(ends, 22, 398, ratio=ratio)
        groups = [
            _group(source, rows, base, place, axis)
            for base in bases
            for place in dict.fromkeys((row["dataset"], row["network"]) for row in rows)
        ]
        worse = source.metric(str(metric)).better == "lower"
        words = ("better", "worse") if worse else ("worse", "better")
        picture = svg.svg(420, 30, svg.scale_below(axis, 1, words))
        heads = [
            tag("th", name, picture if place == 1 else None, scope="col") for place, name in enumerate(_HEAD)
        ]
        title = tag("caption", f"{source.metric(str(metric)).title}, mean over the classes")
        made = tag("table", title, tag("thead", tag("tr", *heads)), *groups, class_="data forest")
        tables.append(
            scrolled(
                made, f"Differences of {metric}", hidden=metric != source.decides, data_metric=str(metric)
            )
        )
    chosen = [tag("option", base, value=base, selected=base == source.baseline) for base in bases]
    return Part(
        "Paired differences",
        "differences",
        joined(
            [
                tag(
                    "p",
                    "The same cases and the same seeds under two losses. ",
                    tag("b", "Filled mark: told apart, after correction. Hollow mark: open"),
                    ", even where the interval of this pair alone leaves out no difference. Where all ticks lie on one "
                    "side of a wide interval, the cases agree, and more seeds are what is missing.",
                    class_="lead",
                ),
                tag("label", "baseline ", tag("select", *chosen, data_key="base"), class_="control"),
                *tables,
                caption(
                    "Cases, seeds: in how many of them the loss is better than the baseline. Distances are compared by "
                    "ratios: below 1 the loss has the smaller ones. p: adjusted by Holm for all pairs of losses of the "
                    "same dataset, network and metric; * below 0.05."
                ),
                *_figure(source),
                files_line(("all pairs, of every class, as CSV", source.table("differences", pairs))),
            ]
        ),
    )


def _figure(source: Source) -> Iterator[Markup]:
    """The forest of the metric that decides against the baseline, for papers."""
    from seglossbench.reporting.plots import forest

    rows = [
        row | {"panel": place_name(row["dataset"], row["network"], int(row["networks"]))}
        for row in against(source, source.decides, classes=False)
    ]
    if not rows:
        return
    table = pd.DataFrame(rows).reindex(columns=_COLUMNS)
    ratio = rows[0]["scale"] == "ratio"
    across = f"{source.decides}, {'ratio' if ratio else 'difference'} to {source.baseline}"
    panels = list(dict.fromkeys(table["panel"]))[:_MOST_PANELS]
    figure = forest(table[table["panel"].isin(panels)], source.looks, across=across, ratio=ratio)
    yield figure_files(source, "paired_differences", figure, table)


def _group(
    source: Source, rows: list[Row], base: str, place: tuple[str, str], axis: svg.Axis
) -> Markup | None:
    own = [row for row in rows if (row["dataset"], row["network"]) == place and base in (row["a"], row["b"])]
    if not own:
        return None
    head = tag(
        "tr",
        tag(
            "th",
            tag("bdi", place_name(*place, int(own[0]["networks"]))),
            colspan=len(_HEAD),
            scope="rowgroup",
        ),
    )
    lines = [_row(source, row, base, axis) for row in own]
    shown = source.view(base=base, dataset=place[0], network=place[1])
    return tag("tbody", head, *lines, hidden=base != source.baseline, **shown)


def _row(source: Source, row: Row, base: str, axis: svg.Axis) -> Markup:
    as_it_is = row["b"] == base
    loss = row["a"] if as_it_is else row["b"]
    estimate, lo, hi = turned(row, as_it_is)
    told = bool(row["better"])
    ticks = [float(text) for text in str(row["case_quantiles"]).split() if text]
    if not as_it_is:
        ticks = [1 / tick if axis.log and tick else tick if axis.log else -tick for tick in ticks]
    none = axis.at(1.0 if axis.log else 0.0)
    marks = "".join(f"M{axis.at(tick):g} 17v6" for tick in ticks)
    picture = svg.svg(
        420,
        26,
        tag("line", x1=none, x2=none, y1=0, y2=26, class_="zero"),
        svg.interval(axis, estimate, lo, hi, source.looks[loss], 9, hollow=not told),
        tag("path", d=marks, class_=f"tick {svg.colour_class(source.looks[loss])}") if marks else "",
    )
    p = float(row["p_adjusted"])
    said = "none" if p != p else ("< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}")
    wins = [
        (
            int(row[f"{what}_wins"]) if as_it_is else int(row[f"{what}s"]) - int(row[f"{what}_wins"]),
            int(row[f"{what}s"]),
        )
        for what in ("case", "seed")
    ]
    cells = [number_cell(f"{first} of {count}") for first, count in wins]
    return tag(
        "tr",
        tag("th", svg.named(source.looks[loss], loss), scope="row"),
        tag("td", picture),
        number_cell(difference(estimate, lo, hi, str(row["scale"]))),
        number_cell(said + (" *" if told else "")),
        *cells,
        data_loss=loss,
    )
