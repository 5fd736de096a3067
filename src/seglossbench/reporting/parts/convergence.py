"""Convergence: the curves of every loss by epoch and by hour, read by pointer and by arrow keys."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from seglossbench.analysis.curves import POINTS
from seglossbench.drawing.names import slug
from seglossbench.reporting.curves import picture
from seglossbench.reporting.elements import joined, tag
from seglossbench.reporting.parts import Part, Row, Source, caption, figure_files, files_line, place_name

_WORDS = {"train_loss": "training loss", "gradient_norm": "norm of the gradient"}
_MOST_RUNS = 3
"""With more runs of a loss than that a band is drawn about its mean, else its single runs."""
_MOST_PANELS = 12
"""Of a figure for papers; the table has all."""
_KEY = ["dataset", "network", "curve"]


def convergence(source: Source) -> Part | None:
    """A panel per dataset and network of each curve; of few runs the runs themselves, of more their mean and band."""
    found = source.tables["curves"]
    if found.empty:
        return None
    kinds = list(dict.fromkeys(found[["curve", "axis"]].itertuples(index=False, name=None)))
    first = next((kind for kind in kinds if str(kind[0]).startswith("val_")), kinds[0])
    single = _single_runs(source.tables["curves_runs"])
    panels = []
    for (dataset, network, curve, axis), group in found.groupby(
        ["dataset", "network", "curve", "axis"], sort=False
    ):
        kind = f"{curve} {axis}"
        panel = tag(
            "figure",
            tag(
                "figcaption",
                tag("b", tag("bdi", place_name(str(dataset), str(network)))),
                f" · {_words(curve)}",
            ),
            picture(
                source.looks,
                group.to_dict("records"),
                str(axis),
                _words(curve),
                single.get((dataset, network, curve), {}),
            ),
            tag("p", class_="reading", aria_live="polite"),
            class_="plot",
            hidden=(curve, axis) != first,
            **source.view(dataset=str(dataset), network=str(network), curve=kind),
        )
        panels.append(panel)
    options = [
        tag(
            "option",
            f"{_words(curve)} by {axis.removesuffix('s')}",
            value=f"{curve} {axis}",
            selected=(curve, axis) == first,
        )
        for curve, axis in kinds
    ]
    return Part(
        "Convergence",
        "convergence",
        joined(
            [
                tag("label", "curves ", tag("select", *options, data_key="curve"), class_="control"),
                tag("div", *panels, class_="plots"),
                caption(
                    f"Line: mean over a loss's runs; band: its 95 % interval. Of up to {_MOST_RUNS} runs, which allow "
                    "no useful interval, thin lines are the runs themselves. A line ends where its last run does. "
                    "Point at a place, or use the arrow keys, to read the values there. Training losses have units "
                    "of their own: compare shapes, not heights."
                ),
                *_figures(source, found),
                files_line(
                    ("curves as CSV", source.table("curves", found)),
                    ("those of single runs", source.table("curves_runs", source.tables["curves_runs"])),
                ),
            ]
        ),
    )


def _words(curve: object) -> str:
    name = str(curve)
    kind, _, metric = name.partition("_")
    return _WORDS.get(name) or f"{'validation' if kind == 'val' else kind} {metric}"


def _figures(source: Source, found: pd.DataFrame) -> Iterator[Markup]:
    """Figures for papers of what the datasets' own leave out: scores by hour, and the gradient's norm by epoch."""
    from seglossbench.reporting.plots import curves

    by_hour = (found["axis"] == "hours") & found["curve"].str.match("val_|test_")
    wanted = found[by_hour | ((found["axis"] == "epoch") & (found["curve"] == "gradient_norm"))]
    for (curve, axis), own in wanted.groupby(["curve", "axis"], sort=False):
        places = own[["dataset", "network"]].itertuples(index=False, name=None)
        table = own.assign(panel=[place_name(*place) for place in places])
        shown = table[table["panel"].isin(table["panel"].unique()[:_MOST_PANELS])]
        figure = curves(shown, source.looks, across=str(axis), up=_words(curve))
        of = f"{_words(curve)} by {str(axis).removesuffix('s')}, for papers: "
        yield figure_files(source, f"curves/{slug(str(curve))}_{axis}", figure, table, of)


def _single_runs(runs: pd.DataFrame) -> dict[Any, dict[str, list[Row]]]:
    """The runs by curve and loss, of losses that have few, each thinned to what a figure can show."""
    found: dict[Any, dict[str, list[Row]]] = {}
    for (*key, loss), of_loss in runs.groupby([*_KEY, "loss"], sort=False):
        if not 2 <= of_loss["seed"].nunique() <= _MOST_RUNS:
            continue
        rows: list[Row] = []
        for _, run in of_loss.groupby("seed", sort=False):
            run = run.sort_values("epoch")
            places = np.unique(np.linspace(0, len(run) - 1, min(POINTS, len(run))).round().astype(int))
            rows += run.iloc[places].to_dict("records")
        found.setdefault(tuple(key), {})[str(loss)] = rows
    return found
