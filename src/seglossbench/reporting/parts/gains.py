"""Where a loss gains and at what price: its difference to the baseline against class size, and against its time."""

import math

import pandas as pd
from markupsafe import Markup

from seglossbench.analysis.cubes import ALL
from seglossbench.analysis.words import difference
from seglossbench.reporting.elements import joined, tag
from seglossbench.reporting.parts import Part, Row, Source, against, caption, figure_files, place_name
from seglossbench.reporting.scatter import Point, scatter

_COLUMNS = ["panel", "dataset", "network", "class", "loss", "scale", "x", "y", "lo", "hi", "better"]
_MOST_PANELS = 24


def gains(source: Source) -> Part | None:
    """Two groups of panels, one per dataset and network; each is left out where nothing is known for it."""
    by_class = _by_size(source)
    by_cost = _by_cost(source)
    if by_class.empty and by_cost.empty:
        return None
    metric, base = source.decides, source.baseline
    up = f"{metric}, difference to {base}"
    if _is_ratio(by_class) or _is_ratio(by_cost):
        up = f"{metric}, ratio to {base}"
    blocks: list[Markup | None] = []
    if not by_class.empty:
        blocks += [
            tag("h3", "Class size against gain", id="gain-by-size"),
            *_panels(source, by_class, "size of the class (mean, log)", up, "gain_by_size", log=True),
        ]
    if not by_cost.empty:
        blocks += [
            tag("h3", "Cost against gain", id="gain-by-cost"),
            *_panels(source, by_cost, "seconds per epoch", up, "gain_by_cost", log=False),
        ]
    return Part(
        "Where and at what price",
        "gains",
        joined(
            [
                *blocks,
                caption(
                    f"Differences to {base} with their 95 % intervals. Filled: told apart after correction; classes "
                    "are secondary, each a family of its own. Claim A3 asks whether gains grow as classes get "
                    "smaller; its slope and interval stand among the answers."
                ),
            ]
        ),
    )


def _by_size(source: Source) -> pd.DataFrame:
    sizes = {
        (row["dataset"], row["class"]): float(row["size"])
        for row in source.tables["sizes"].to_dict("records")
    }
    rows = [
        row | {"x": sizes[row["dataset"], row["class"]]}
        for row in against(source, source.decides, classes=True)
        if (row["dataset"], row["class"]) in sizes
    ]
    return _table(rows)


def _by_cost(source: Source) -> pd.DataFrame:
    seconds = {
        (row["dataset"], row["network"], row["loss"]): float(row["s_per_epoch"])
        for row in source.tables["stability"].to_dict("records")
    }
    rows = [
        row | {"x": seconds.get((row["dataset"], row["network"], row["loss"]), math.nan)}
        for row in against(source, source.decides, classes=False)
    ]
    return _table([row for row in rows if math.isfinite(row["x"])])


def _table(rows: list[Row]) -> pd.DataFrame:
    """The rows of single networks, with what their panel is called."""
    shown = [
        row | {"panel": place_name(row["dataset"], row["network"]), "y": row["estimate"]}
        for row in rows
        if row["network"] != ALL
    ]
    return pd.DataFrame(shown).reindex(columns=_COLUMNS)


def _panels(
    source: Source, table: pd.DataFrame, across: str, up: str, name: str, *, log: bool
) -> list[Markup]:
    from seglossbench.reporting.plots import scattered

    figures = []
    none = 1.0 if _is_ratio(table) else 0.0
    panels = list(dict.fromkeys(table["panel"]))
    for panel in panels[:_MOST_PANELS]:
        rows = table[table["panel"] == panel].to_dict("records")
        picture = scatter(
            [_point(row, none) for row in rows], source.looks, across=across, up=up, log=log, none=none
        )
        figures.append(
            tag(
                "figure",
                tag("figcaption", tag("b", tag("bdi", panel))),
                picture,
                class_="plot",
                **source.view(dataset=rows[0]["dataset"], network=rows[0]["network"]),
            )
        )
    drawn = table[table["panel"].isin(panels[:_MOST_PANELS])]
    figure = scattered(drawn, source.looks, across=across, up=up, log=log, none=[none])
    return [tag("div", *figures, class_="plots"), figure_files(source, name, figure, table)]


def _is_ratio(table: pd.DataFrame) -> bool:
    return bool((table["scale"] == "ratio").any())


def _point(row: Row, none: float) -> Point:
    said = difference(row["y"], row["lo"], row["hi"], "ratio" if none else "raw")
    name = row["loss"] if row["class"] == ALL else f"{row['loss']}, {row['class']}"
    words = f"{name}: {said}, at {row['x']:.4g}"
    return Point(row["loss"], row["x"], row["y"], row["lo"], row["hi"], bool(row["better"]), words)
