"""Figures by epoch: validation and training while the networks train; a loss looks the same in every one of them."""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from seglossbench.drawing.figure import REMARK, STYLE, legend, legend_rows, new_figure
from seglossbench.drawing.looks import MARKERS, Look
from seglossbench.statistics.scales import floor_of, natural, working
from seglossbench.vocabulary.metrics import Mean, Metric, in_order, is_known, metric_of
from seglossbench.vocabulary.tables import TRAIN, VALIDATION

_MARKS = 7  # on a line, at most


def validated_by(histories: pd.DataFrame, distance_unit: str = "mm") -> Metric | None:
    """The metric by which the validation is drawn: DSC, or else the first that it has; None where it has none."""
    names = histories.loc[(histories["split"] == VALIDATION) & np.isfinite(histories["value"]), "name"]
    found = [name for name in in_order(names) if is_known(name)]
    return metric_of(found[0], distance_unit) if found else None


def convergence(histories: pd.DataFrame, looks: Mapping[str, Look], distance_unit: str = "mm") -> Figure:
    """Validation scores of all losses in one panel, and each loss's training loss in a small panel of its own scale.

    ``histories`` are those of one dataset and network. Line: mean over seeds; band: their minimum to maximum; a cross
    where a run ends before the longest one.
    """
    validation = histories[histories["split"] == VALIDATION]
    metric = validated_by(histories, distance_unit)
    training = _by_epoch(histories[(histories["split"] == TRAIN) & (histories["name"] == "loss")])
    losses = [loss for loss in looks if loss in set(histories["loss"])]
    columns = min(3, max(1, ceil(len(losses) / 2)))
    rows = max(1, ceil(len(losses) / columns))
    with mpl.rc_context(STYLE):
        shown = {loss: looks[loss] for loss in losses}
        figure = new_figure(10.5, max(3.0 + 0.2 * legend_rows(shown, 4.9), 0.6 + 1.5 * rows))
        left, right = figure.subfigures(1, 2, width_ratios=(1, 1.15), squeeze=False)[0]
        axes = left.subplots()
        if metric:
            _draw_scores(axes, validation, metric, shown, "Validation")
        else:
            why = "no validation" if validation.empty else "no validation case has a class to be scored"
            axes.text(0.5, 0.5, why, transform=axes.transAxes, ha="center", **REMARK)
            axes.set(title="Validation", xlabel="epoch", xticks=[], yticks=[])
        legend(left, shown, "outside lower center", 4.9)
        right.suptitle("Training loss, each in its own scale", fontsize=9, fontweight="bold")
        panels = right.subplots(rows, columns, squeeze=False, sharex=True).flat
        for loss, panel in zip(losses, panels, strict=False):
            _draw_band(panel, training, loss, looks[loss])
            panel.set_title(looks[loss].label, fontsize=8, loc="left")
            panel.tick_params(labelsize=7, labelbottom=True)
            panel.xaxis.set_major_locator(MaxNLocator(4, integer=True))
            panel.yaxis.set_major_locator(MaxNLocator(4))
        for panel in list(right.axes)[len(losses) :]:
            panel.remove()
        right.supxlabel("epoch", fontsize=9)
    return figure


def scores_by_epoch(histories: pd.DataFrame, looks: Mapping[str, Look], metrics: Sequence[Metric]) -> Figure:
    """A panel per metric of the test scores by epoch, drawn as ``convergence`` draws those of the validation."""
    losses = [loss for loss in looks if loss in set(histories["loss"])]
    with mpl.rc_context(STYLE):
        width = max(6.0, 4.6 * len(metrics) + 0.6)
        shown = {loss: looks[loss] for loss in losses}
        figure = new_figure(width, 4.0 + 0.2 * legend_rows(shown, width))
        for metric, axes in zip(metrics, figure.subplots(1, len(metrics), squeeze=False)[0], strict=True):
            _draw_scores(axes, histories, metric, shown, "Test")
        legend(figure, shown, "outside lower center", width)
    return figure


def _draw_scores(
    axes: Axes, histories: pd.DataFrame, metric: Metric, looks: Mapping[str, Look], what: str
) -> None:
    """The scores of a metric by epoch, a line and a band per loss."""
    own = histories[histories["name"] == metric.name]
    values = _by_epoch(own[np.isfinite(own["value"])])
    for loss, look in looks.items():
        _draw_band(axes, values, loss, look, metric.mean)
    axes.set(title=f"{what} {metric.title}", xlabel="epoch", ylabel=f"{metric.name}, mean over classes")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _by_epoch(histories: pd.DataFrame) -> pd.DataFrame:
    """One row per loss, seed and epoch: the mean of what was recorded within the epoch."""
    chosen = histories.dropna(subset=["epoch", "value"])
    chosen = chosen.assign(epoch=chosen["epoch"] + 1)  # what is finished then, as on the page
    return chosen.groupby(["loss", "seed", "epoch"], sort=False)["value"].mean().reset_index()


def _draw_band(axes: Axes, values: pd.DataFrame, loss: str, look: Look, mean: Mean = "arithmetic") -> None:
    """The mean and range over the seeds of a loss, with a cross on each seed that ends before the longest run."""
    last, floor = values["epoch"].max(), floor_of(values["value"])
    values = values[values["loss"] == loss]
    by_seed = values.pivot_table(index="epoch", columns="seed", values="value").sort_index()
    if by_seed.empty:
        return
    epochs = by_seed.index.to_numpy(dtype=float)
    style: dict[str, Any] = {"color": look.colour}
    # Some marks on each line tell it apart in grey; they begin at different epochs, because lines may lie together.
    every = max(1, ceil(len(epochs) / _MARKS))
    marks: dict[str, Any] = {
        "marker": look.marker,
        "markevery": (MARKERS.index(look.marker) * every // len(MARKERS), every),
        "markersize": 4.5,
        "markeredgecolor": "white",
        "markeredgewidth": 0.5,
    }
    middle = natural(by_seed.apply(working, mean=mean, floor=floor).mean(axis=1), mean)
    axes.plot(epochs, middle, linestyle=look.line, linewidth=1.4, **marks, **style)
    axes.fill_between(epochs, by_seed.min(axis=1), by_seed.max(axis=1), alpha=0.18, linewidth=0, **style)
    for _, of_seed in by_seed.items():
        known = of_seed.dropna()
        if known.index[-1] < last:
            axes.plot(known.index[-1:], known.iloc[-1:], "x", markersize=7, markeredgewidth=2, **style)
