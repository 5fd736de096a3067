"""Figures of ours beside the published scores: per loss, and image by image."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from seglossbench.drawing.figure import REMARK, STYLE, new_figure
from seglossbench.drawing.looks import Look
from seglossbench.drawing.names import labels_of
from seglossbench.statistics.means import overall_means, with_absent
from seglossbench.statistics.summaries import over_cases_and_seeds, printed_seed_means
from seglossbench.vocabulary.metrics import Metric

_PUBLISHED: dict[str, Any] = {"color": "#6b6b6b", "marker": "o", "markerfacecolor": "white"}


def ours_and_published(
    ours: pd.DataFrame,
    published: pd.DataFrame,
    pairs: Sequence[tuple[str, str]],
    looks: Mapping[str, Look],
    metrics: Sequence[Metric],
) -> Figure:
    """A panel per metric and a row per loss: the mean over images and seeds with its deviation, and each seed's mean.

    ``ours`` and ``published`` are folded scores; ``pairs`` are our losses with their published names, either may be
    empty.
    """
    theirs = labels_of([name for _, name in pairs])
    labels = [(looks[loss].label if loss else "", theirs[name]) for loss, name in pairs]
    with mpl.rc_context(STYLE):
        figure = new_figure(max(6.0, 4.6 * len(metrics) + 1.6), 1.3 + 0.48 * len(pairs))
        panels = figure.subplots(1, len(metrics), squeeze=False, sharey=True)[0]
        for metric, axes in zip(metrics, panels, strict=True):
            for row, (loss, name) in enumerate(pairs):
                if row % 2:
                    axes.axhspan(row - 0.5, row + 0.5, color="#f5f5f5", linewidth=0)
                if loss:
                    style: dict[str, Any] = {"color": looks[loss].colour, "marker": "o"}
                    _draw(axes, _of(ours, loss, metric), row - 0.17, style)
                if name:
                    _draw(axes, _of(published, name, metric), row + 0.17, _PUBLISHED)
            axes.grid(axis="y", visible=False)
            axes.set(xlabel=metric.title)
            axes.set_yticks(range(len(pairs)), [_row_name(*pair) for pair in labels])
            axes.set_ylim(len(pairs) - 0.5, -0.5)
            axes.tick_params(axis="y", length=0)
        handles = [
            Line2D([], [], color="#222222", marker="o", label="ours"),
            Line2D([], [], **_PUBLISHED, label="published"),
            Line2D([], [], color="#222222", marker="|", linestyle="none", label="mean of one seed"),
        ]
        options: dict[str, Any] = {"handles": handles, "loc": "outside upper center", "ncols": 3}
        figure.legend(**options)
    return figure


def image_by_image(
    ours: pd.DataFrame,
    published: pd.DataFrame,
    pairs: Sequence[tuple[str, str]],
    looks: Mapping[str, Look],
    metrics: Sequence[Metric],
) -> Figure:
    """A row of panels per metric and a panel per loss of both: each test image's score, averaged over the seeds."""
    theirs = labels_of([name for _, name in pairs])
    with mpl.rc_context(STYLE):
        figure = new_figure(3.6 * len(metrics) + 0.4, 3.4 * len(pairs))
        grid = figure.subplots(len(pairs), len(metrics), squeeze=False)
        for panels, (loss, name) in zip(grid, pairs, strict=True):
            for axes, metric in zip(panels, metrics, strict=True):
                by_case = [
                    overall_means(with_absent(_of(scores, of, metric)), ["case"]).set_index("case")["value"]
                    for scores, of in ((published, name), (ours, loss))
                ]
                known = pd.concat(by_case, axis=1, keys=["published", "ours"])
                both = known[np.isfinite(known).all(axis=1)]
                axes.set(
                    title=looks[loss].label,
                    xlabel=f"{theirs[name]}, {metric.title}",
                    ylabel=f"ours, {metric.title}",
                )
                if missing := len(known) - len(both):
                    text = f"{missing} of {len(known)} undefined or ∞"
                    axes.text(0.03, 0.97, text, transform=axes.transAxes, va="top", **REMARK)
                if both.empty:
                    continue
                axes.axline((0, 0), slope=1, color="#999999", linewidth=0.8)
                style: dict[str, Any] = {
                    "color": looks[loss].colour,
                    "linestyle": "none",
                    "marker": looks[loss].marker,
                }
                axes.plot(
                    both["published"], both["ours"], markersize=5, alpha=0.7, markeredgewidth=0, **style
                )
                low, high = both.min().min(), both.max().max()
                margin = 0.05 * (high - low) or 0.01
                axes.set(
                    xlim=(low - margin, high + margin), ylim=(low - margin, high + margin), aspect="equal"
                )
    return figure


def _of(scores: pd.DataFrame, loss: str, metric: Metric) -> pd.DataFrame:
    return scores[(scores["loss"] == loss) & (scores["metric"] == metric.name)]


def _draw(axes: Axes, scores: pd.DataFrame, height: float, style: Mapping[str, Any]) -> None:
    """The mean with a line of one deviation to either side, and a tick for the mean of each seed."""
    found = [*over_cases_and_seeds(scores).values()]
    if not found or not np.isfinite(found[0][0]):
        # an infinite distance of one image is that of the mean, too
        return
    ((mean, deviation),) = found
    axes.errorbar([mean], [height], xerr=[deviation], markersize=6, linewidth=1.4, **style)
    seeds = printed_seed_means(scores)["value"]
    ticks: dict[str, Any] = {"color": style["color"], "linestyle": "none", "alpha": 0.8}
    seeds = seeds[np.isfinite(seeds)]
    axes.plot(seeds, [height] * len(seeds), marker="|", markersize=9, **ticks)


def _row_name(loss: str, name: str) -> str:
    return (
        f"{loss}\n{name}"
        if loss and name
        else f"{loss or name}\n{'not published' if loss else 'published only'}"
    )
