"""Figures of scores: spread over seeds, and classes; a loss looks the same in every one of them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from seglossbench.drawing.figure import REMARK, STYLE, legend, legend_rows, new_figure
from seglossbench.drawing.looks import Look
from seglossbench.drawing.names import labels_of
from seglossbench.statistics.scales import floor_of, natural, working
from seglossbench.vocabulary.metrics import Metric
from seglossbench.vocabulary.tables import MEAN


def seed_spread(
    summaries: pd.DataFrame,
    looks: Mapping[str, Look],
    networks: Sequence[str],
    metric: Metric,
    unfinished: Mapping[tuple[str, str], int] | None = None,
) -> Figure:
    """Each seed's mean as a point, a row per loss and a panel per network; the bar is the summary's mean.

    ``summaries`` are those of one dataset and metric; ``unfinished`` counts runs without scores.
    """
    losses, titles = list(looks), _titles(networks)
    with mpl.rc_context(STYLE):
        figure = new_figure(max(5.0, 4.2 * len(networks) + 1.2), 1.0 + 0.36 * len(losses))
        panels = figure.subplots(1, len(networks), squeeze=False, sharex=True, sharey=True)[0]
        for network, axes in zip(networks, panels, strict=True):
            own = summaries[(summaries["network"] == network) & (summaries["class"] == MEAN)]
            values_of = dict(zip(own["loss"], own["seed_values"], strict=True))
            mean_of = _means(summaries, network).get(MEAN, {})
            for place, loss in enumerate(losses):
                values = [float(value) for value in values_of.get(loss, "").split()]
                look = looks[loss]
                bar: dict[str, Any] = {"color": "#222222", "markersize": 19, "markeredgewidth": 1.6}
                axes.plot([mean_of.get(loss, np.nan)], [place], "|", **bar)
                style: dict[str, Any] = {"color": look.colour, "marker": look.marker, "linestyle": "none"}
                axes.plot(
                    values,
                    [place] * len(values),
                    **style,
                    markersize=8,
                    markeredgecolor="white",
                    markeredgewidth=0.6,
                )
                missing = (unfinished or {}).get((network, loss), 0)
                if missing:
                    text = f"{missing} run{'s' if missing > 1 else ''} missing"
                    transform = axes.get_yaxis_transform()
                    axes.text(
                        1.02, place, text, transform=transform, va="center", fontsize=7.5, color="#B00020"
                    )
            axes.set(title=titles[network], xlabel=f"{metric.title}, mean over classes")
            axes.set_yticks(range(len(losses)), [looks[loss].label for loss in losses])
            axes.set_ylim(len(losses) - 0.4, -0.6)
            axes.margins(x=0.08)
    return figure


def per_class(
    scores: pd.DataFrame,
    summaries: pd.DataFrame,
    looks: Mapping[str, Look],
    networks: Sequence[str],
    classes: Sequence[str],
    absent: Iterable[str],
    metric: Metric,
) -> Figure:
    """A row per class and in it one line per loss: pale points are test cases, the marked point is the summary's mean.

    ``scores`` are the folded scores and ``summaries`` the summaries of one dataset and metric.
    """
    scored = set(scores["loss"].unique())
    losses = [loss for loss in looks if loss in scored]
    absent, titles = set(absent), _titles(networks)
    floor = floor_of(scores["value"])
    step = 0.8 / max(1, len(losses))
    row_height = max(0.45, 0.075 * len(losses))
    with mpl.rc_context(STYLE):
        width = max(6.0, 4.3 * len(networks) + 1.6)
        shown = {loss: looks[loss] for loss in losses}
        figure = new_figure(width, 1.1 + row_height * len(classes) + 0.2 * legend_rows(shown, width))
        panels = figure.subplots(1, len(networks), squeeze=False, sharex=True, sharey=True)[0]
        for network, axes in zip(networks, panels, strict=True):
            own = scores[(scores["network"] == network) & ~scores["class"].isin(absent)]
            mean_of = _means(summaries, network)
            for row, name in enumerate(classes):
                if row % 2:
                    axes.axhspan(row - 0.5, row + 0.5, color="#f5f5f5", linewidth=0)
                if name in absent:
                    place = {"transform": axes.get_yaxis_transform(), "ha": "center", "va": "center"}
                    axes.text(0.5, row, "absent from every test case", **place, **REMARK)
            for number, loss in enumerate(losses):
                heights = {name: row - 0.4 + step * (number + 0.5) for row, name in enumerate(classes)}
                of_loss = own[own["loss"] == loss]
                cases = _over_seeds(of_loss, metric, floor)
                style: dict[str, Any] = {
                    "color": looks[loss].colour,
                    "linestyle": "none",
                    "markeredgewidth": 0,
                }
                axes.plot(
                    cases["value"],
                    cases["class"].map(heights),
                    marker="o",
                    markersize=2.6,
                    alpha=0.4,
                    **style,
                )
                means = {name: mean_of[name][loss] for name in classes if loss in mean_of.get(name, {})}
                axes.plot(
                    list(means.values()),
                    [heights[name] for name in means],
                    marker=looks[loss].marker,
                    markersize=5,
                    **style,
                )
            axes.grid(axis="y", visible=False)
            axes.set(title=titles[network], xlabel=metric.title)
            axes.set_yticks(range(len(classes)), labels_of(classes).values())
            axes.set_ylim(len(classes) - 0.5, -0.5)
            axes.tick_params(axis="y", length=0)
        if not scores["value"].fillna(0).any():  # an axis around zero alone would show scores that cannot be
            axes.set_xlim(-0.05, 1.05)
        legend(figure, shown, "outside upper center", width, line=False)
    return figure


def _over_seeds(scores: pd.DataFrame, metric: Metric, floor: float) -> pd.DataFrame:
    """``class, case, value``: the mean over the seeds of each case, as the metric is averaged."""
    logs = scores.assign(value=working(scores["value"], metric.mean, floor))
    means = logs.groupby(["class", "case"], sort=False)["value"].mean().dropna().reset_index()
    return means.assign(value=natural(means["value"], metric.mean))


def _means(summaries: pd.DataFrame, network: str) -> dict[str, dict[str, float]]:
    """The defined means of a network, by class and loss."""
    own = summaries[(summaries["network"] == network) & summaries["mean"].notna()]
    found: dict[str, dict[str, float]] = {}
    for name, loss, mean in own[["class", "loss", "mean"]].itertuples(index=False, name=None):
        found.setdefault(name, {})[loss] = mean
    return found


def _titles(networks: Sequence[str]) -> dict[str, str]:
    """What stands above the panel of each network; nothing where they have no names."""
    return labels_of(networks) | {"-": ""}
