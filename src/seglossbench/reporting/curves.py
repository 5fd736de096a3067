"""Curves by epoch or hour as SVG, whose values the page's script reads out: means with bands, and single runs."""

import math
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from seglossbench.drawing.looks import Look
from seglossbench.drawing.names import isolated
from seglossbench.reporting import svg
from seglossbench.reporting.elements import tag
from seglossbench.reporting.parts import Row

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _NAMES = 560, 250, 52, 34, 112
_MOST_NAMES = 10
"""Losses that stand beside the ends of their lines; of more the marks alone tell."""
_LONGEST = 16
_APART = 12


def picture(
    looks: Mapping[str, Look],
    points: Sequence[Row],
    axis: str,
    words: str,
    runs: Mapping[str, Sequence[Row]] | None = None,
) -> Markup:
    """A panel of the rows ``loss, x, mean, lo, hi`` of a table of curves; ``axis`` is epoch or hours.

    A loss whose single ``runs`` (``seed, epoch, hours, value``) are given has these drawn instead of a band.
    """
    runs = runs or {}
    shown = [row["value"] for own in runs.values() for row in own if math.isfinite(row["value"] + row[axis])]
    ys = [float(point["mean"]) for point in points if math.isfinite(point["mean"])]
    if not ys:
        return tag("p", "no finite value", class_="word")
    xs = [float(point["x"]) for point in points]
    low, high = min([*ys, *shown]), max([*ys, *shown])
    margin = 0.06 * (high - low) or 0.05
    named = len({point["loss"] for point in points}) <= _MOST_NAMES
    right = _WIDTH - (_NAMES if named else 8)
    across = svg.Axis(min(xs), max(xs), _LEFT, right)
    up = svg.Axis(low - margin, high + margin, _HEIGHT - _BOTTOM, 8)
    by_loss: dict[str, list[Row]] = {}
    for point in points:
        by_loss.setdefault(point["loss"], []).append(point)
    ends = _ends(by_loss, up) if named else {}
    parts = [
        *_frame(across, up, axis),
        *(
            _curve(loss, looks[loss], of_loss, across, up, _runs_of(runs.get(loss, ()), axis), ends.get(loss))
            for loss, of_loss in by_loss.items()
        ),
        tag("line", x1=0, x2=0, y1=8, y2=_HEIGHT - _BOTTOM, class_="pointer", hidden=True),
    ]
    return tag(
        "svg",
        *parts,
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        aria_label=f"{words} by {axis}; arrow keys read its values",
        tabindex="0",
        class_="curves",
    )


def _frame(across: svg.Axis, up: svg.Axis, axis: str) -> list[Markup]:
    bottom, right = _HEIGHT - _BOTTOM, across.right
    parts = [tag("rect", x=_LEFT, y=8, width=right - _LEFT, height=bottom - 8, class_="frame")]
    for value in svg.ticks(up.lo, up.hi):
        y = up.at(value)
        parts.append(tag("line", x1=_LEFT, x2=right, y1=y, y2=y, class_="grid"))
        parts.append(tag("text", svg.number(value), x=_LEFT - 6, y=y + 4, text_anchor="end"))
    for value in svg.ticks(across.lo, across.hi):
        parts.append(tag("text", svg.number(value), x=across.at(value), y=bottom + 15, text_anchor="middle"))
    parts.append(
        tag("text", axis.removesuffix("s"), x=(_LEFT + right) / 2, y=_HEIGHT - 4, text_anchor="middle")
    )
    return parts


def _ends(by_loss: Mapping[str, Sequence[Row]], up: svg.Axis) -> dict[str, float]:
    """How high the name of each loss stands beside the end of its line, so that no two lie on each other."""
    last = {
        loss: next((p["mean"] for p in reversed(points) if math.isfinite(p["mean"])), math.nan)
        for loss, points in by_loss.items()
    }
    order = sorted((loss for loss in last if math.isfinite(last[loss])), key=lambda loss: up.at(last[loss]))
    heights: list[float] = []
    for loss in order:
        heights.append(max(up.at(last[loss]), heights[-1] + _APART if heights else 0.0))
    lowest = float(_HEIGHT - _BOTTOM)
    for place in range(len(heights) - 1, -1, -1):
        heights[place] = min(heights[place], lowest)
        lowest = heights[place] - _APART
    return dict(zip(order, heights, strict=True))


def _runs_of(rows: Sequence[Row], axis: str) -> dict[str, list[tuple[float, float]]]:
    """The points of each run, by its seed."""
    found: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        if math.isfinite(row[axis]) and math.isfinite(row["value"]):
            found.setdefault(str(row["seed"]), []).append((float(row[axis]), float(row["value"])))
    return found


def _curve(
    loss: str,
    look: Look,
    points: Sequence[Row],
    across: svg.Axis,
    up: svg.Axis,
    runs: Mapping[str, Sequence[tuple[float, float]]],
    end: float | None,
) -> Markup:
    there = [point for point in points if math.isfinite(point["mean"])]
    xs = [across.at(point["x"]) for point in there]
    parts = [
        tag(
            "path",
            d=svg.line([across.at(x) for x, _ in run], [up.at(y) for _, y in run]),
            class_="run",
            data_seed=seed,
            data_points=" ".join(f"{x:.6g}:{y:.4g}" for x, y in run),
        )
        for seed, run in runs.items()
    ]
    if not runs and any(point["runs"] > 1 for point in there):
        band = [
            (x, up.at(p["lo"]), up.at(p["hi"])) for x, p in zip(xs, there, strict=True) if p["lo"] == p["lo"]
        ]
        if band:
            outline = [(x, hi) for x, _, hi in band] + [(x, lo) for x, lo, _ in reversed(band)]
            parts.append(tag("path", d=svg.line(*zip(*outline, strict=True)) + "Z", class_="band"))
    ys = [up.at(point["mean"]) for point in there]
    parts.append(tag("path", d=svg.line(xs, ys), class_="line", stroke_dasharray=svg.dashes(look)))
    every = max(1, len(xs) // 6)
    parts += [svg.glyph(look, x, y) for x, y in list(zip(xs, ys, strict=True))[every - 1 :: every]]
    if end is not None and xs:
        name = loss if len(loss) <= _LONGEST else f"{loss[: _LONGEST - 1]}…"
        if abs(end - ys[-1]) > 1 and xs[-1] >= across.right - 1:
            parts.append(tag("line", x1=xs[-1], x2=across.right + 8, y1=ys[-1], y2=end, class_="leader"))
        parts.append(tag("text", isolated(name), x=across.right + 10, y=end + 4, class_="end"))
    said = " ".join(
        f"{point['x']:.6g}:{x:.1f}:{point['mean']:.4g}" for point, x in zip(there, xs, strict=True)
    )
    return tag("g", *parts, class_=f"curve {svg.colour_class(look)}", data_loss=loss, data_points=said)
