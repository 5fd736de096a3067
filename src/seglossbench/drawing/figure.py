"""What all figures share: their style, their files, and a legend that is read row by row."""

from collections.abc import Mapping
from math import ceil
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure, FigureBase
from matplotlib.lines import Line2D

from seglossbench.drawing.looks import Look
from seglossbench.drawing.names import font_families

_DPI = 192  # two pixels of the file for each pixel of the page
STYLE: Any = {
    "font.family": font_families(),
    "text.parse_math": False,  # names are no formulas
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#666666",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e3e3e3",
    "grid.linewidth": 0.7,
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "legend.frameon": False,
    "pdf.fonttype": 42,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}
REMARK: dict[str, Any] = {"fontsize": 8, "color": "#6b6b6b", "style": "italic"}


def save(figure: Figure, stem: Path) -> tuple[int, int]:
    """Write ``stem.png`` for the page and ``stem.pdf`` for papers; returns the size in pixels of the page."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    engine = figure.get_layout_engine()
    with mpl.rc_context(STYLE):
        if engine is not None:
            engine.execute(figure)
            figure.set_layout_engine("none")  # both files have the same layout, computed once
        # The canvases themselves, because savefig draws everything twice.
        for_page: Any = FigureCanvasAgg(figure)
        for_page.print_png(f"{stem}.png", metadata={"Software": None})
        for_papers: Any = FigureCanvasPdf(figure)
        for_papers.print_pdf(f"{stem}.pdf", metadata=dict.fromkeys(("CreationDate", "Creator", "Producer")))
    width, height = figure.get_size_inches()
    return round(width * 96), round(height * 96)


def new_figure(width: float, height: float) -> Figure:
    """A figure of its own, of so many inches, outside pyplot's registry."""
    figure = Figure(figsize=(width, height), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def legend_rows(looks: Mapping[str, Look], width: float) -> int:
    """How many rows, of about a fifth of an inch, a legend has that is at most ``width`` inches wide."""
    longest = max((len(look.label) for look in looks.values()), default=0)
    return max(1, ceil(len(looks) / max(1, int(width / (0.08 * longest + 0.7)))))


def legend(
    figure: FigureBase, looks: Mapping[str, Look], place: str, width: float, *, line: bool = True
) -> None:
    """A legend outside the axes, ``width`` inches wide, to be read row by row, in rows of about the same length."""
    rows = legend_rows(looks, width)
    columns = max(1, ceil(len(looks) / rows))
    handles = []
    for look in looks.values():
        style: dict[str, Any] = {"linestyle": look.line if line else "none", "marker": look.marker}
        handles.append(Line2D([], [], color=look.colour, markersize=4.5, **style))
    # Matplotlib fills column by column; labels of handles would be left out where they begin with an underscore.
    pairs = list(zip(handles, (look.label for look in looks.values()), strict=True))
    by_row = [pair for column in range(columns) for pair in pairs[column::columns]]
    options: dict[str, Any] = {"loc": place, "ncols": columns, "handlelength": 3.4 if line else 1.5}
    figure.legend(*zip(*by_row, strict=True), **options)
