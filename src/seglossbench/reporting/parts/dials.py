"""Dose and effect: what a dial of the phantoms, turned alone, does to each loss's gain and to its spread."""

import pandas as pd
from markupsafe import Markup

from seglossbench.analysis.dials import GAIN, MEAN
from seglossbench.analysis.words import number
from seglossbench.reporting.dial_figure import DIALS, LOGARITHMIC, dial_figure
from seglossbench.reporting.elements import joined, tag
from seglossbench.reporting.parts import Part, Row, Source, caption, figure_files, network_name
from seglossbench.reporting.scatter import Point, scatter


def dials(source: Source) -> Part | None:
    """Two panels per dial and network; nothing where no dial is turned."""
    table = source.tables.get("dials")
    if table is None or table.empty:
        return None
    blocks: list[Markup] = []
    for dial, own in table.groupby("dial", sort=False):
        words = DIALS.get(str(dial), str(dial))
        panels = own.groupby(["network", "quantity", "baseline"], sort=False)
        figures = [_panel(source, panel, words) for _, panel in panels]
        figure = dial_figure(own, str(dial), source.looks, source.decides)
        blocks += [
            tag("h3", words[:1].upper() + words[1:]),
            tag("div", *figures, class_="plots"),
            figure_files(source, f"dial-{dial}", figure, own),
        ]
    return Part(
        "Dose and effect",
        "dials",
        joined(
            [
                *blocks,
                caption(
                    "Each dial makes one thing alone harder. Gains with their 95 % intervals, spreads over seeds with "
                    "chi² intervals, right only where trainings scatter normally. Synthetic discs: how losses behave, "
                    "and nothing about anatomy."
                ),
            ]
        ),
    )


def _panel(source: Source, table: pd.DataFrame, across: str) -> Markup:
    rows = table.to_dict("records")
    quantity, base, network = (rows[0][name] for name in ("quantity", "baseline", "network"))
    up = f"sd of {source.decides} over seeds"
    if quantity in (GAIN, MEAN):
        up = f"{source.decides} over {base}" if quantity == GAIN else f"mean {source.decides}"
    values = [row["value"] for row in rows if row["value"] > 0]
    log = bool(values) and len(values) == len(rows) and max(values) / min(values) >= LOGARITHMIC
    none = 0.0 if quantity == GAIN else None
    points = [_point(row) for row in rows]
    picture = scatter(points, source.looks, across=across, up=up, log=log, none=none, joined=True)
    title = " · ".join(part for part in (network_name(network), up) if part)
    return tag(
        "figure",
        tag("figcaption", tag("b", tag("bdi", title))),
        picture,
        class_="plot",
        **source.view(network=network),
    )


def _point(row: Row) -> Point:
    """A point, filled where its interval leaves out no gain; that of a form of the maps of its own is hollow."""
    told = row["quantity"] != GAIN or row["lo"] > 0 or row["hi"] < 0
    ends = f" [{number(row['lo'])}, {number(row['hi'])}]" if row["lo"] == row["lo"] else ""
    form = f" ({row['form']})" if row["form"] else ""
    words = f"{row['loss']}{form} at {row['value']:g}: {number(row['estimate'])}{ends}"
    where = row["value"], row["estimate"], row["lo"], row["hi"]
    return Point(row["loss"], *where, told and not form, words, row["form"])
