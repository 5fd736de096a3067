"""What a phantom's dial does to each loss: mean, gain over baselines and spread over seeds, against the dial."""

from collections.abc import Mapping
from math import ceil
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from seglossbench.analysis.dials import GAIN, MEAN, SPREAD
from seglossbench.drawing.figure import REMARK, STYLE, new_figure
from seglossbench.drawing.looks import Look
from seglossbench.vocabulary.metrics import metric_of

DIALS = {
    "disc_share": "share of the pixels that the target has",
    "empty_share": "share of the patches without the target",
    "rim_noise": "noise of the training labels' edges (pixels)",
}
LOGARITHMIC = 20.0  # from which ratio of the ends on a dial has a logarithmic axis
COLUMNS = 2
WIDTH = 9.0  # inches
BELOW = 0.03  # of the axis: room below 0, for marks that stand on it
ASIDE = 0.012  # of the axis' width: how far lines stand beside each other, so that no interval hides another


def dial_figure(table: pd.DataFrame, dial: str, looks: Mapping[str, Look], decides: str) -> Figure:
    """Panels against the dial, a line with 95 % intervals per loss and form; ``table`` is one of ``analysis.dials``.

    They show the mean, the difference to each baseline, and the standard deviation over seeds with its chi² interval.
    A form of the maps of its own has hollow marks. Each network has panels of its own.
    """
    rows = table[table["dial"] == dial]
    unit = metric_of(decides).name
    panels = [
        (network, quantity, baseline)
        for network in dict.fromkeys(rows["network"])
        for quantity, baseline in [
            (MEAN, ""),
            *((GAIN, name) for name in looks if (rows["baseline"] == name).any()),
            (SPREAD, ""),
        ]
    ]
    said = {MEAN: f"mean {unit}", GAIN: f"difference in {unit}", SPREAD: f"standard deviation of {unit}"}
    lines = {
        (loss, form): _style(look, form)
        for loss, look in looks.items()
        for form in dict.fromkeys(rows["form"])
        if ((rows["loss"] == loss) & (rows["form"] == form)).any()
    }
    with mpl.rc_context(STYLE):
        height = ceil(len(panels) / COLUMNS)
        figure = new_figure(WIDTH, 0.8 + 2.8 * height)
        grid = figure.subplots(height, COLUMNS, squeeze=False).flat
        for axes, (network, quantity, baseline) in zip(grid, panels, strict=False):
            chosen = (rows["network"] == network) & (rows["quantity"] == quantity)
            _draw(axes, rows[chosen & (rows["baseline"] == baseline)], lines)
            over = f"gain over {looks[baseline].label}" if baseline else ""
            title = {MEAN: "mean of the test cases", GAIN: over, SPREAD: "spread over seeds"}[quantity]
            axes.set(title=f"{network}: {title}", ylabel=said[quantity], xlabel=DIALS.get(dial, dial))
            if quantity == GAIN:
                axes.axhline(0, color="#666666", linewidth=0.8)
            if quantity == SPREAD:
                axes.set_ylim(bottom=-BELOW * axes.get_ylim()[1])
        for axes in list(figure.axes)[len(panels) :]:
            axes.remove()
        figure.suptitle("Synthetic discs: how losses behave, and nothing about anatomy", **REMARK)
        labels = [f"{looks[loss].label} ({form})" if form else looks[loss].label for loss, form in lines]
        handles = [Line2D([], [], **style) for style in lines.values()]
        columns = max(1, int(WIDTH / (0.08 * max(map(len, labels), default=0) + 0.7)))
        figure.legend(handles, labels, loc="outside lower center", ncols=columns)
    return figure


def _draw(axes: Axes, rows: pd.DataFrame, lines: Mapping[tuple[str, str], Mapping[str, Any]]) -> None:
    values = np.sort(rows["value"].unique())
    is_log = len(values) > 0 and values[0] > 0 and values[-1] / values[0] >= LOGARITHMIC
    if is_log:
        axes.set_xscale("log")
    # Powers would be formulas, which STYLE forbids.
    axes.set_xticks(values, [f"{value:g}" for value in values])
    axes.minorticks_off()
    width = np.ptp(np.log(values) if is_log else values)
    for place, ((loss, form), style) in enumerate(lines.items()):
        own = rows[(rows["loss"] == loss) & (rows["form"] == form)].sort_values("value")
        if own.empty:
            continue
        middle = own["estimate"].to_numpy(float)
        ends = np.abs(own[["lo", "hi"]].to_numpy(float).T - middle)
        aside = (place - (len(lines) - 1) / 2) * ASIDE * width
        at = own["value"].to_numpy(float)
        axes.errorbar(
            at * np.exp(aside) if is_log else at + aside,
            middle,
            yerr=np.nan_to_num(ends),
            **style,
            elinewidth=0.9,
            capsize=2,
        )


def _style(look: Look, form: str) -> dict[str, Any]:
    return {
        "color": look.colour,
        "marker": look.marker,
        "linestyle": look.line,
        "markersize": 4.5,
        "linewidth": 1.4,
        **({"markerfacecolor": "white", "linewidth": 0.8} if form else {}),
    }
