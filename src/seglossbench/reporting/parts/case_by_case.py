"""Case by case: every loss's score of each case, over seeds and classes, those first on which losses differ most."""

import pandas as pd
from markupsafe import Markup

from seglossbench.analysis.words import count
from seglossbench.drawing.names import Stems, isolated
from seglossbench.reporting import svg
from seglossbench.reporting.elements import joined, scrolled, tag
from seglossbench.reporting.parts import Part, Source, caption, figure_files, files_line, place_name

_MOST_CASES = 40
_MOST_FIGURES = 12
_LEFT, _WIDTH = 170, 640


def case_by_case(source: Source) -> Part | None:
    """A row per case with a mark per loss, of each dataset and network."""
    table = source.tables["by_case"]
    if table.empty:
        return None
    blocks, stems = [], Stems()
    for place, (key, own) in enumerate(table.groupby(["dataset", "network"], sort=False)):
        dataset, network = str(key[0]), str(key[1])
        where = place_name(dataset, network)
        shown = _most_apart(own)
        inside = [
            scrolled(_picture(source, shown), f"Case by case, {where}"),
            _files(source, shown, where, f"case_by_case/{stems.new(dataset, network)}")
            if place < _MOST_FIGURES
            else None,
        ]
        cases = own["case"].nunique()
        summary = Markup("{} · {}").format(
            tag("bdi", where),
            count(cases, "case") if cases <= _MOST_CASES else f"{_MOST_CASES} of {cases} cases",
        )
        view = source.view(dataset=dataset, network=network)
        blocks.append(tag("details", tag("summary", summary), *inside, open=place == 0, **view))
    return Part(
        "Case by case",
        "cases",
        joined(
            [
                *blocks,
                caption(
                    f"{source.metric(source.decides).title}: the mean over seeds and the classes that a case has. The "
                    "line reaches from the lowest loss to the highest. Cases on which losses differ most come first."
                ),
                files_line(("all cases as CSV", source.table("by_case", table))),
            ]
        ),
    )


def _most_apart(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the cases with the largest range, largest first."""
    by_case = table.groupby("case", sort=False)["value"]
    reach = (by_case.max() - by_case.min()).sort_values(ascending=False, kind="stable")
    kept = list(reach.index[:_MOST_CASES])
    place = {case: index for index, case in enumerate(kept)}
    chosen = table[table["case"].isin(kept)]
    return chosen.iloc[chosen["case"].map(place).argsort(kind="stable")]


def _picture(source: Source, table: pd.DataFrame) -> Markup:
    values = table["value"].dropna()
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    margin = 0.03 * (high - low) or 0.05
    axis = svg.Axis(low - margin, high + margin, _LEFT, _WIDTH - 10)
    cases = list(dict.fromkeys(table["case"]))
    metric = source.metric(source.decides)
    bottom = 20 * len(cases) + 4
    parts = []
    for value in svg.ticks(axis.lo, axis.hi):
        x = axis.at(value)
        parts.append(tag("line", x1=x, x2=x, y1=0, y2=bottom, class_="grid"))
        parts.append(tag("text", svg.number(value), x=x, y=bottom + 13, text_anchor="middle"))
    for row, case in enumerate(cases):
        own = table[table["case"] == case]["value"].dropna()
        y = 14 + 20 * row
        name = case if len(case) < 24 else f"{case[:22]}…"
        parts.append(tag("text", isolated(name), x=0, y=y + 4, class_="label"))
        if len(own):
            ends = {"x1": axis.at(float(own.min())), "x2": axis.at(float(own.max()))}
            parts.append(tag("line", y1=y, y2=y, class_="join", **ends))
    places = {case: 14 + 20 * row for row, case in enumerate(cases)}
    for loss in source.losses:
        own_rows = table[(table["loss"] == loss) & table["value"].notna()].to_dict("records")
        marks = [
            tag(
                "g",
                tag("title", f"{loss}, {row['case']}: {metric.text(row['value'])}"),
                svg.glyph(source.looks[loss], axis.at(row["value"]), places[row["case"]]),
            )
            for row in own_rows
        ]
        if marks:
            parts.append(tag("g", *marks, class_=svg.colour_class(source.looks[loss]), data_loss=loss))
    words = f"{metric.name} of each case by loss; the numbers are in the file below"
    return svg.svg(_WIDTH, bottom + 20, *parts, label=words)


def _files(source: Source, shown: pd.DataFrame, where: str, stem: str) -> Markup:
    from seglossbench.reporting.plots import dots

    table = shown.rename(columns={"case": "name"})
    figure = dots(
        table, source.looks, title=where, across=f"{source.metric(source.decides).title}, mean over classes"
    )
    return figure_files(source, stem, figure, table)
