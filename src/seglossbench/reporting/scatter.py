"""Points with intervals on two axes as SVG, whose losses the page's script shows and hides."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from seglossbench.drawing.looks import Look
from seglossbench.reporting import svg
from seglossbench.reporting.elements import tag

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 560, 270, 58, 44
_ASIDE = 4
"""How far the points of losses stand beside each other, where they would lie on each other."""


@dataclass(frozen=True)
class Point:
    """A value of a loss with its interval at a place; ``told`` ones are filled, ``words`` say what it is."""

    loss: str
    x: float
    y: float
    lo: float
    hi: float
    told: bool
    words: str
    series: str = ""
    """What parts a loss's points into lines of their own."""


def scatter(
    points: Sequence[Point],
    looks: Mapping[str, Look],
    *,
    across: str,
    up: str,
    log: bool = False,
    none: float | None = None,
    joined: bool = False,
) -> Markup:
    """A picture of points; ``none`` is the height of no difference, ``joined`` draws a line through a loss's."""
    there = [point for point in points if math.isfinite(point.x) and math.isfinite(point.y)]
    there = [point for point in there if point.x > 0 or not log]
    if not there:
        return tag("p", "no finite value", class_="word")
    horizontal = _across([point.x for point in there], log)
    vertical = _up(there, none)
    parts = [*_frame(horizontal, vertical, across, up, none)]
    order = {loss: place for place, loss in enumerate(looks)}
    groups: dict[tuple[str, str], list[Point]] = {}
    for point in sorted(there, key=lambda point: (order[point.loss], point.series, point.x)):
        groups.setdefault((point.loss, point.series), []).append(point)
    for place, own in enumerate(groups.values()):
        aside = _ASIDE * (place - (len(groups) - 1) / 2)
        parts.append(_group(own, looks[own[0].loss], horizontal, vertical, aside, joined))
    box = f"0 0 {_WIDTH} {_HEIGHT}"
    return tag(
        "svg", *parts, viewBox=box, role="img", aria_label=f"{up} against {across}", class_="curves still"
    )


def _group(
    points: Sequence[Point], look: Look, across: svg.Axis, up: svg.Axis, aside: float, joined: bool
) -> Markup:
    parts = []
    if joined:
        path = svg.line(
            [across.at(point.x) + aside for point in points], [up.at(point.y) for point in points]
        )
        parts.append(tag("path", d=path, class_="line", stroke_dasharray=svg.dashes(look)))
    for point in points:
        x, y = round(across.at(point.x) + aside, 1), up.at(point.y)
        ends = None
        if math.isfinite(point.lo) and math.isfinite(point.hi):
            ends = tag("line", x1=x, x2=x, y1=up.at(point.lo), y2=up.at(point.hi), class_="ci")
        mark = svg.glyph(look, x, y, hollow=not point.told)
        parts.append(tag("g", tag("title", point.words), ends, mark))
    return tag("g", *parts, class_=f"curve {svg.colour_class(look)}", data_loss=points[0].loss)


def _across(values: Sequence[float], log: bool) -> svg.Axis:
    low, high = min(values), max(values)
    if log:
        margin = (high / low) ** 0.05 if high > low else 2.0
        return svg.Axis(low / margin, high * margin, _LEFT, _WIDTH - 12, log=True)
    margin = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    return svg.Axis(low - margin, high + margin, _LEFT, _WIDTH - 12)


def _up(points: Sequence[Point], none: float | None) -> svg.Axis:
    values = [point.y for point in points] + ([none] if none is not None else [])
    ends = [end for point in points for end in (point.lo, point.hi) if math.isfinite(end)]
    return svg.Axis(*svg.span(values, ends), _HEIGHT - _BOTTOM, 10)


def _frame(across: svg.Axis, up: svg.Axis, below: str, beside: str, none: float | None) -> list[Markup]:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - 12
    parts = [tag("rect", x=_LEFT, y=10, width=right - _LEFT, height=bottom - 10, class_="frame")]
    for value in svg.ticks(up.lo, up.hi):
        y = up.at(value)
        parts.append(tag("line", x1=_LEFT, x2=right, y1=y, y2=y, class_="grid"))
        parts.append(tag("text", svg.number(value), x=_LEFT - 6, y=y + 4, text_anchor="end"))
    for value in svg.powers(across.lo, across.hi) if across.log else svg.ticks(across.lo, across.hi):
        parts.append(tag("text", svg.number(value), x=across.at(value), y=bottom + 15, text_anchor="middle"))
    parts.append(tag("text", below, x=(_LEFT + right) / 2, y=_HEIGHT - 8, text_anchor="middle"))
    middle = (10 + bottom) / 2
    parts.append(
        tag("text", beside, x=12, y=middle, text_anchor="middle", transform=f"rotate(-90 12 {middle})")
    )
    if none is not None:
        parts.append(tag("line", x1=_LEFT, x2=right, y1=up.at(none), y2=up.at(none), class_="zero"))
    return parts
