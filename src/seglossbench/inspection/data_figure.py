"""The facts of a dataset as a picture: how large its classes are, how rare, and how fine and large its scans."""

from collections.abc import Sequence
from math import ceil, floor, log10
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullFormatter
from numpy.typing import NDArray

from seglossbench.data.facts import CaseFacts
from seglossbench.drawing.figure import REMARK, STYLE, new_figure
from seglossbench.drawing.looks import Look, looks_of
from seglossbench.drawing.names import labels_of
from seglossbench.inspection.data_tables import AXES, element_of, unit_of

CAPTION = (
    "Each pale mark is a case. Left: the size of each class where a case has it, on a logarithmic scale; the bar is "
    "the median, and the number of cases stands beside a class that not all of them have. Middle: the share of all "
    "voxels of all scans that belong to the class, which is its imbalance. Right: voxel size and number of voxels "
    "along each axis of the raw scans (x to the right, y to the front, z to the head)."
)


def data_figure(facts: Sequence[CaseFacts]) -> Figure:
    """Sizes and shares of the classes, and spacing and shape of the cases, by modality."""
    classes = list(facts[0].class_sizes_mm)
    with mpl.rc_context(STYLE):
        figure = new_figure(10.5, max(3.4, 1.1 + 0.27 * len(classes)))
        left, right = figure.subfigures(1, 2, width_ratios=(2.1, 1), squeeze=False)[0]
        sizes, shares = left.subplots(1, 2, width_ratios=(2.2, 1), sharey=True)
        _draw_sizes(sizes, facts, classes)
        _draw_shares(shares, facts, classes)
        element = element_of(facts)
        has_spacing = facts[0].distance_unit == "mm"
        panels = right.subplots(1 + has_spacing, 1, squeeze=False)[:, 0]
        if has_spacing:
            spacings = [fact.spacing_mm for fact in facts]
            _draw_axes(panels[0], facts, spacings, f"{element.capitalize()} size, mm")
        _draw_axes(panels[-1], facts, [fact.shape for fact in facts], f"Number of {element}s")
        looks = _looks(facts)
        if len(looks) > 1:
            handles = [_mark(look) for look in looks.values()]
            labels = [look.label for look in looks.values()]
            figure.legend(handles, labels, loc="outside lower center", ncols=len(handles))
    return figure


def _looks(facts: Sequence[CaseFacts]) -> dict[str, Look]:
    return looks_of(sorted({fact.modality for fact in facts}))


def _draw_marks(axes: Axes, facts: Sequence[CaseFacts], values: NDArray[np.float64], row: int) -> None:
    """A pale mark for each case whose value is above 0, in a row of its own."""
    # Multiples of the golden ratio keep equal values apart, evenly for any number of them.
    heights = row + (np.arange(len(facts)) * 0.618034 % 1 - 0.5) * 0.55
    for modality, look in _looks(facts).items():
        chosen = (values > 0) & np.array([fact.modality == modality for fact in facts])
        axes.plot(
            values[chosen],
            heights[chosen],
            marker=look.marker,
            color=look.colour,
            linestyle="none",
            markersize=4,
            alpha=0.5,
            markeredgewidth=0,
        )


def _rows(axes: Axes, names: Sequence[str], title: str) -> None:
    """A row for each name, every other one shaded."""
    for row in range(1, len(names), 2):
        axes.axhspan(row - 0.5, row + 0.5, color="#f5f5f5", linewidth=0)
    axes.set(title=title)
    axes.set_yticks(range(len(names)), labels_of(names).values())
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)


def _log_scale(axes: Axes, most: int, margin: float = 0.05) -> None:
    """A logarithmic scale with at most so many ticks, and room at both ends."""
    axes.set_xscale("log")
    axes.margins(x=margin)
    axes.autoscale_view()
    ticks = log_ticks(*axes.get_xlim(), most)
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.xaxis.set_minor_formatter(NullFormatter())


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """At least two round numbers between ``low`` and ``high``, and at most ``most``, for a logarithmic axis."""
    decades = range(floor(log10(low)), ceil(log10(high)) + 1)
    for digits in ((1, 2, 5), (1, 3), (1,)):
        ticks = [digit * 10.0**decade for decade in decades for digit in digits]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if 2 <= len(ticks) <= most:
            return ticks
    if len(ticks) > most:
        return ticks[:: ceil(len(ticks) / most)]
    even = MaxNLocator(max(1, most - 1)).tick_values(low, high)
    return [float(tick) for tick in even if low <= tick <= high and tick > 0]


def _draw_sizes(axes: Axes, facts: Sequence[CaseFacts], classes: Sequence[str]) -> None:
    unit, scale = unit_of(facts)
    _rows(axes, classes, f"Size of a class in a case, {unit}")
    for row, name in enumerate(classes):
        sizes = np.array([fact.class_sizes_mm[name] for fact in facts]) / scale
        _draw_marks(axes, facts, sizes, row)
        present = sizes[sizes > 0]
        if len(present):
            axes.plot([np.median(present)], [row], "|", color="#222222", markersize=13, markeredgewidth=1.8)
        if len(present) < len(sizes):
            place: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "ha": "left", "va": "center"}
            axes.text(1.01, row, f"{len(present)} of {len(sizes)}", **place, **REMARK)
    _log_scale(axes, most=7)


def _draw_shares(axes: Axes, facts: Sequence[CaseFacts], classes: Sequence[str]) -> None:
    whole = sum(fact.size_mm for fact in facts)
    _rows(axes, classes, f"Share of all {element_of(facts)}s, %")
    for row, name in enumerate(classes):
        share = 100 * sum(fact.class_sizes_mm[name] for fact in facts) / whole
        if share > 0:
            axes.plot([share], [row], "o", color="#222222", markersize=5)
            place: dict[str, Any] = {"xytext": (6, 0), "textcoords": "offset points", "va": "center"}
            axes.annotate(f"{share:.2g}", (share, row), fontsize=8, **place)
    _log_scale(axes, most=3, margin=0.35)  # room for the numbers


def _draw_axes(axes: Axes, facts: Sequence[CaseFacts], values: Sequence[Sequence[float]], title: str) -> None:
    """The value of every case along each axis of space."""
    names = AXES[: len(values[0])]
    _rows(axes, names, title)
    for row in range(len(names)):
        _draw_marks(axes, facts, np.array([value[row] for value in values], dtype=float), row)
    axes.set_xlim(0, 1.08 * max(max(value) for value in values))


def _mark(look: Look) -> Line2D:
    return Line2D([], [], color=look.colour, marker=look.marker, linestyle="none")
