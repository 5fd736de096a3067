"""What a phantom's dial does to each loss: its gain over a baseline and its spread over seeds, against the dial."""

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from seglossbench.analysis.dials import GAIN, SPREAD
from seglossbench.drawing.figure import REMARK, STYLE, new_figure
from seglossbench.drawing.looks import Look
from seglossbench.vocabulary.metrics import metric_of

DIALS = {
    "disc_share": "share of the pixels that the target has",
    "empty_share": "share of the patches without the target",
    "rim_noise": "noise of the training labels' edges (pixels)",
}
LOGARITHMIC = 20.0  # from which ratio of the ends on a dial has a logarithmic axis


def dial_figure(table: pd.DataFrame, dial: str, looks: Mapping[str, Look], decides: str) -> Figure:
    """Two panels against the dial, a line with intervals per loss; ``table`` is one of ``analysis.dials``.

    Left: the difference to the baseline with its 95 % interval. Right: the standard deviation over seeds with its chi²
    interval. Networks have a row of panels each.
    """
    rows = table[table["dial"] == dial]
    networks = list(dict.fromkeys(rows["network"]))
    baselines = [name for name in rows["baseline"].unique() if name]
    unit = metric_of(decides).name
    with mpl.rc_context(STYLE):
        figure = new_figure(9.0, 0.6 + 3.0 * len(networks))
        panels = figure.subplots(len(networks), 2, squeeze=False)
        for network, (left, right) in zip(networks, panels, strict=True):
            own = rows[rows["network"] == network]
            _draw(left, own[own["quantity"] == GAIN], looks)
            left.axhline(0, color="#666666", linewidth=0.8)
            over = looks[baselines[0]].label if baselines else ""
            left.set(title=f"{network}: gain over {over}", ylabel=f"difference in {unit}")
            _draw(right, own[own["quantity"] == SPREAD], looks)
            right.set(title=f"{network}: spread over seeds", ylabel=f"standard deviation of {unit}")
            right.set_ylim(bottom=0)
        figure.suptitle("Synthetic discs: how losses behave, and nothing about anatomy", **REMARK)
        for axes in panels.flat:
            axes.set_xlabel(DIALS.get(dial, dial))
        shown = [loss for loss in looks if loss in set(rows["loss"])]
        handles = [Line2D([], [], **_style(looks[loss])) for loss in shown]
        figure.legend(handles, [looks[loss].label for loss in shown], loc="outside lower center", ncols=6)
    return figure


def _draw(axes: Axes, rows: pd.DataFrame, looks: Mapping[str, Look]) -> None:
    values = np.sort(rows["value"].unique())
    if len(values) and values[0] > 0 and values[-1] / values[0] >= LOGARITHMIC:
        axes.set_xscale("log")
    # powers would be formulas, which STYLE forbids
    axes.set_xticks(values, [f"{value:g}" for value in values])
    axes.minorticks_off()
    for loss, look in looks.items():
        own = rows[rows["loss"] == loss].sort_values("value")
        if own.empty:
            continue
        middle = own["estimate"].to_numpy(float)
        ends = np.abs(own[["lo", "hi"]].to_numpy(float).T - middle)
        axes.errorbar(
            own["value"],
            middle,
            yerr=np.nan_to_num(ends),
            **_style(look),
            elinewidth=0.9,
            capsize=2,
        )


def _style(look: Look) -> dict[str, Any]:
    return {
        "color": look.colour,
        "marker": look.marker,
        "linestyle": look.line,
        "markersize": 4.5,
        "linewidth": 1.4,
    }
