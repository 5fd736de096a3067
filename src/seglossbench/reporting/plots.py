"""Statistical figures for papers, drawn from the tables that the page's parts leave beside it; nothing is computed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seglossbench.drawing.figure import STYLE, legend, legend_rows, new_figure
from seglossbench.drawing.looks import Look
from seglossbench.drawing.names import labels_of
from seglossbench.reporting import svg

Looks = Mapping[str, Look]
_MOST_COLUMNS = 3
_ONE_FONT: Any = {"axes.titleweight": "normal"}
"""Of figures that there are many of: a second font takes as long again."""
_EDGE = 0.4
"""Points, of the edge of a mark."""
_ASIDE = 0.012
"""Of an axis' width: how far the points of losses stand beside each other."""


def heat(table: pd.DataFrame, looks: Looks, title: str) -> Figure:
    """How often each loss has each place, ``loss, place, frequency``: a row per loss, the first one on top."""
    wide = table.pivot_table(index="loss", columns="place", values="frequency", sort=False)
    wide.index = [looks[loss].label for loss in wide.index]
    with mpl.rc_context({**STYLE, **_ONE_FONT, "axes.grid": False}):
        figure = new_figure(
            1.6 + 0.75 * wide.shape[1] + 0.06 * max(map(len, wide.index)), 1.1 + 0.34 * len(wide)
        )
        axes = figure.subplots()
        options: dict[str, Any] = {"vmin": 0, "vmax": 1, "cmap": "Blues", "cbar": False, "linewidths": 1}
        sns.heatmap(wide, ax=axes, annot=wide.map(_percent), fmt="", **options)
        axes.set(title=title, xlabel="place", ylabel="")
        axes.tick_params(length=0, rotation=0)
    return figure


def scattered(
    table: pd.DataFrame, looks: Looks, *, across: str, up: str, log: bool, none: Sequence[float] = ()
) -> Figure:
    """Points ``panel, loss, x, y, lo, hi, better`` with their intervals, a panel each; ``none`` is no difference.

    Marks of what is not told apart are hollow.
    """
    with _panels(table, looks, across, up, line=False) as (figure, panels, shown):
        for axes, own in panels:
            _points(axes, own, shown, log)
            if log:
                at = svg.powers(float(own["x"].min()) / 1.3, float(own["x"].max()) * 1.3)
                axes.set_xscale("log")
                axes.set_xticks(at, [svg.number(value) for value in at])
                axes.minorticks_off()
            ends = own[["lo", "hi"]].to_numpy(float)
            axes.set_ylim(svg.span([*own["y"].dropna(), *none], ends[np.isfinite(ends)].tolist()))
            for height in none:
                axes.axhline(height, color="#666666", linewidth=0.8, zorder=1)
    return figure


@contextmanager
def _panels(
    table: pd.DataFrame, looks: Looks, across: str, up: str, *, line: bool = True
) -> Iterator[tuple[Figure, list[tuple[Axes, pd.DataFrame]], dict[str, Look]]]:
    """A figure, the axes and rows of each of its panels, to be drawn on, and its losses; then it gets a legend."""
    names = list(dict.fromkeys(table["panel"]))
    shown = {loss: look for loss, look in looks.items() if loss in set(table["loss"])}
    columns = min(_MOST_COLUMNS, len(names))
    rows = -(-len(names) // columns)
    with mpl.rc_context(STYLE):
        width = max(4.6, 3.4 * columns)
        figure = new_figure(width, 2.6 * rows + 0.3 * legend_rows(shown, width))
        grid = list(figure.subplots(rows, columns, squeeze=False).flat)
        yield (
            figure,
            [(axes, table[table["panel"] == name]) for axes, name in zip(grid, names, strict=False)],
            shown,
        )
        titles = labels_of(names)
        for axes, name in zip(grid, names, strict=False):
            axes.set(title=titles[name], xlabel=across, ylabel=up)
        for axes in grid[len(names) :]:
            axes.remove()
        legend(figure, shown, "outside lower center", width, line=line)


def _points(axes: Axes, table: pd.DataFrame, looks: Looks, log: bool) -> None:
    reach = np.ptp(np.log(table["x"]) if log else table["x"]) or 1.0
    for place, (loss, look) in enumerate(looks.items()):
        own = table[table["loss"] == loss]
        if own.empty:
            continue
        aside = _ASIDE * reach * (place - (len(looks) - 1) / 2)
        x = own["x"].to_numpy(float)
        x = x * np.exp(aside) if log else x + aside
        y = own["y"].to_numpy(float)
        ends = np.nan_to_num(np.abs(own[["lo", "hi"]].to_numpy(float).T - y))
        axes.errorbar(x, y, yerr=ends, fmt="none", ecolor=look.colour, elinewidth=0.9, zorder=2)
        told = (own["better"] != "").to_numpy()
        for chosen, fill in ((told, look.colour), (~told, "white")):
            style: dict[str, Any] = {"marker": look.marker, "facecolors": fill, "edgecolors": look.colour}
            axes.scatter(x[chosen], y[chosen], s=28, linewidths=_EDGE, zorder=3, **style)


def dots(table: pd.DataFrame, looks: Looks, *, title: str, across: str) -> Figure:
    """``name, loss, value``: a row per name with a mark per loss, joined by a line from the lowest to the highest."""
    names = list(dict.fromkeys(table["name"]))
    shown = {loss: look for loss, look in looks.items() if loss in set(table["loss"])}
    place = {name: row for row, name in enumerate(names)}
    with mpl.rc_context({**STYLE, **_ONE_FONT}):
        figure = new_figure(7.0, 1.1 + 0.2 * len(names) + 0.3 * legend_rows(shown, 7.0))
        axes = figure.subplots()
        by_name = table.groupby("name", sort=False)["value"]
        axes.hlines(
            list(place.values()), by_name.min(), by_name.max(), color="#bbbbbb", linewidth=1, zorder=1
        )
        for loss, look in shown.items():
            own = table[table["loss"] == loss]
            y = own["name"].map(place)
            style: dict[str, Any] = {"marker": look.marker, "color": look.colour, "edgecolors": "white"}
            axes.scatter(own["value"], y, s=26, linewidths=_EDGE, **style)
        axes.set_yticks(range(len(names)), labels_of(names).values(), fontsize=7)
        axes.set(title=title, xlabel=across, ylabel="")
        axes.set_ylim(len(names) - 0.4, -0.6)
        legend(figure, shown, "outside lower center", 7.0, line=False)
    return figure


def forest(table: pd.DataFrame, looks: Looks, *, across: str, ratio: bool) -> Figure:
    """``panel, loss, estimate, lo, hi, better``: a row per loss below its panel's name, with its interval.

    Marks of what is not told apart are hollow; an arrow is at an end that lies beyond the axis.
    """
    panels = list(dict.fromkeys(table["panel"]))
    titles = {panel: " · ".join(labels_of([part])[part] for part in panel.split(" · ")) for panel in panels}
    none = 1.0 if ratio else 0.0
    ends = table[["estimate", "lo", "hi"]].to_numpy(float)
    axis = svg.symmetric(ends.ravel().tolist(), 0, 1, ratio=ratio)
    low, high = axis.lo, axis.hi
    if not ratio:
        high = min(1.0, 1.05 * float(np.nanmax(np.abs(ends), initial=0.01)))
        low = -high
    with mpl.rc_context(STYLE):
        figure = new_figure(6.6, 0.9 + 0.21 * (len(table) + len(panels)))
        axes = figure.subplots()
        if ratio:
            axes.set_xscale("log")
        row, ticks = 0, []
        for panel in panels:
            ticks.append((row, titles[panel], True))
            for point in table[table["panel"] == panel].to_dict("records"):
                row += 1
                look = looks[point["loss"]]
                axes.plot([point["lo"], point["hi"]], [row, row], color=look.colour, linewidth=1.4)
                for beyond, end, marker in ((point["lo"] < low, low, "<"), (point["hi"] > high, high, ">")):
                    if beyond:
                        axes.plot(end, row, marker, color=look.colour, markersize=5, clip_on=False)
                fill = look.colour if point["better"] else "white"
                axes.plot(
                    point["estimate"],
                    row,
                    look.marker,
                    color=look.colour,
                    markerfacecolor=fill,
                    markersize=5.5,
                )
                ticks.append((row, look.label, False))
            row += 1
        axes.axvline(none, color="#666666", linewidth=0.8, zorder=1)
        axes.set_xlim(low, high)
        if ratio:
            at = svg.powers(low, high)
            axes.set_xticks(at, [svg.number(value) for value in at])
            axes.minorticks_off()
        axes.set_yticks([place for place, *_ in ticks], [words for _, words, _ in ticks])
        for label, (_, _, is_panel) in zip(axes.get_yticklabels(), ticks, strict=True):
            label.set_fontweight("bold" if is_panel else "normal")
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", visible=False)
        axes.set(xlabel=across, ylim=(row - 0.4, -0.7))
    return figure


def stability(table: pd.DataFrame, looks: Looks, title: str) -> Figure:
    """``panel, loss, seed, x, value``: lines against ``x`` where there is one, else a row per loss, a mark per run."""
    panels = list(dict.fromkeys(table["panel"]))
    shown = {loss: look for loss, look in looks.items() if loss in set(table["loss"])}
    width, named = 3.3 * len(panels) + 1.0, False
    with mpl.rc_context(STYLE):
        figure = new_figure(width, max(2.9, 1.3 + 0.24 * len(shown)) + 0.3 * legend_rows(shown, width))
        figure.suptitle(title, fontsize=9, fontweight="bold")
        for panel, axes in zip(panels, figure.subplots(1, len(panels), squeeze=False)[0], strict=True):
            own = table[table["panel"] == panel]
            by_epoch = bool(own["x"].notna().any())
            for place, (loss, look) in enumerate(shown.items()):
                of_loss = own[own["loss"] == loss]
                style: dict[str, Any] = {"color": look.colour, "markersize": 4.5}
                if by_epoch:
                    every = max(1, len(of_loss) // 6)
                    axes.plot(
                        of_loss["x"],
                        of_loss["value"],
                        linestyle=look.line,
                        marker=look.marker,
                        markevery=every,
                        **style,
                    )
                else:
                    axes.plot(of_loss["value"], [place] * len(of_loss), look.marker, **style)
            if by_epoch:
                axes.set(xlabel="epoch", ylabel=panel)
                axes.set_ylim(bottom=0)
            else:
                axes.set_yticks(
                    range(len(shown)), [look.label for look in shown.values()] if not named else []
                )
                axes.set(xlabel=panel, ylim=(len(shown) - 0.5, -0.5))
                axes.margins(x=0.1)
                named = True
        legend(figure, shown, "outside lower center", width)
    return figure


def curves(table: pd.DataFrame, looks: Looks, *, across: str, up: str) -> Figure:
    """``panel, loss, x, mean, lo, hi``: a panel each of mean curves with their bands."""
    with _panels(table, looks, across, up) as (figure, panels, shown):
        for axes, own in panels:
            for loss, look in shown.items():
                line = own[own["loss"] == loss]
                every = max(1, len(line) // 6)
                style: dict[str, Any] = {"color": look.colour, "linestyle": look.line, "markersize": 4}
                axes.plot(
                    line["x"], line["mean"], marker=look.marker, markevery=every, linewidth=1.3, **style
                )
                axes.fill_between(
                    line["x"], line["lo"], line["hi"], color=look.colour, alpha=0.15, linewidth=0
                )
    return figure


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.005 else ""
