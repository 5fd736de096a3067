"""Marks, intervals and axes as SVG, coloured by classes, so that a dark page has colours of its own."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from seglossbench.drawing.looks import COLOURS, Look
from seglossbench.reporting.elements import tag

_PATHS = {
    "o": "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0",
    "s": "M-3.5,-3.5h7v7h-7z",
    "^": "M0,-4.5l4.5,8h-9z",
    "D": "M0,-5l5,5l-5,5l-5,-5z",
    "v": "M0,4.5l4.5,-8h-9z",
    "P": "M-1.5,-4.5h3v3h3v3h-3v3h-3v-3h-3v-3h3z",
    "X": "M-4.5,-2.5l2,-2l2.5,2.5l2.5,-2.5l2,2l-2.5,2.5l2.5,2.5l-2,2l-2.5,-2.5l-2.5,2.5l-2,-2l2.5,-2.5z",
    "h": "M-4.5,0l2.2,-4h4.6l2.2,4l-2.2,4h-4.6z",
}
_LONG = 28
"""Letters beyond which a name may be broken anywhere."""
_SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
_RATIOS = (1.25, 1.5, 2.0, 4.0, 8.0)


@dataclass(frozen=True)
class Axis:
    """From values to places between ``left`` and ``right``; ``log`` is of ratios."""

    lo: float
    hi: float
    left: float
    right: float
    log: bool = False

    def at(self, value: float) -> float:
        """The place of a value, at the axis' end if it lies beyond."""
        value, lo, hi = (math.log(max(v, 1e-300)) if self.log else v for v in (value, self.lo, self.hi))
        share = (value - lo) / (hi - lo) if hi > lo else 0.5
        return round(self.left + (self.right - self.left) * min(1.0, max(0.0, share)), 1)

    def beyond(self, value: float) -> int:
        """-1 or 1 for a value that lies beyond one of the ends, else 0."""
        return (value > self.hi) - (value < self.lo)


def symmetric(ends: Iterable[float], left: float, right: float, *, ratio: bool) -> Axis:
    """An axis around no difference that holds 80 % of the ends of the intervals to be drawn."""
    finite = [value for value in ends if math.isfinite(value) and (value > 0 or not ratio)]
    sizes = sorted(math.exp(abs(math.log(value))) if ratio else abs(value) for value in finite)
    wanted = sizes[int(0.8 * (len(sizes) - 1))] if sizes else 0.0
    steps = _RATIOS if ratio else _SHARES
    largest = next((step for step in steps if step >= wanted), 1.0 if not ratio else steps[-1])
    if not ratio and wanted > 1:  # differences of what is no share
        largest = wanted
    return Axis(1 / largest if ratio else -largest, largest, left, right, ratio)


def colour_class(look: Look) -> str:
    """The class that gives an element the colour of a loss."""
    return f"c{COLOURS.index(look.colour)}"


def glyph(look: Look, x: float, y: float, *, hollow: bool = False) -> Markup:
    """The mark of a loss."""
    return tag(
        "path", d=_PATHS[look.marker], transform=f"translate({x},{y})", class_=f"mark{' hollow' * hollow}"
    )


def named(look: Look, name: str) -> Markup:
    """The name of a loss with its mark before it."""
    mark = tag("svg", glyph(look, 7, 7), width=14, height=14, class_=colour_class(look), aria_hidden="true")
    return tag("span", mark, tag("bdi", name), class_="named" + " long" * (len(name) > _LONG))


def interval(
    axis: Axis, estimate: float, lo: float, hi: float, look: Look, y: float, *, hollow: bool
) -> Markup:
    """A line from ``lo`` to ``hi`` with the mark of the loss on it; an arrow where it goes on beyond the axis."""
    parts: list[Markup] = []
    if math.isfinite(lo) and math.isfinite(hi):
        parts.append(tag("line", x1=axis.at(lo), x2=axis.at(hi), y1=y, y2=y, class_="ci"))
        for end in (lo, hi):
            if side := axis.beyond(end):
                x = axis.at(end)
                parts.append(tag("path", d=f"M{x + 6 * side},{y}l{-7 * side},-4v8z", class_="mark"))
    if math.isfinite(estimate):
        parts.append(glyph(look, axis.at(estimate), y, hollow=hollow))
    return tag("g", *parts, class_=colour_class(look))


def scale_below(axis: Axis, y: float, words: tuple[str, str]) -> Markup:
    """The axis of differences with its ends, no difference, and what either side means."""
    none = 1.0 if axis.log else 0.0
    zero = axis.at(none)
    marks = [
        tag("text", _tick(value, axis.log), x=axis.at(value), y=y + 13, text_anchor="middle")
        for value in (axis.lo, none, axis.hi)
    ]
    return tag(
        "g",
        tag("line", x1=zero, x2=zero, y1=0, y2=y, class_="zero"),
        tag("line", x1=axis.left, x2=axis.right, y1=y, y2=y, class_="axis"),
        *marks,
        tag("text", f"← {words[0]}", x=zero - 6, y=y + 26, text_anchor="end"),
        tag("text", f"{words[1]} →", x=zero + 6, y=y + 26),
    )


def svg(width: float, height: float, *parts: str, label: str = "") -> Markup:
    """A picture; without a label it repeats numbers that stand beside it as text, and readers pass it by."""
    role = {"role": "img", "aria_label": label} if label else {"aria_hidden": "true"}
    return tag("svg", *parts, viewBox=f"0 0 {width} {height}", width=width, height=height, **role)


def line(xs: Sequence[float], ys: Sequence[float]) -> str:
    """A path through points."""
    return "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in zip(xs, ys, strict=True))


def dashes(look: Look) -> str | None:
    """The dashes of a loss's lines."""
    return None if isinstance(look.line, str) else " ".join(f"{1.6 * length:g}" for length in look.line[1])


def ticks(lo: float, hi: float) -> list[float]:
    """Four or five round values between the ends."""
    step = 10 ** math.floor(math.log10(max(hi - lo, 1e-12) / 4))
    step = next((step * by for by in (1, 2, 2.5, 5, 10) if (hi - lo) / (step * by) <= 5), step)
    return [place * step for place in range(math.ceil(lo / step), math.floor(hi / step) + 1)]


def powers(lo: float, hi: float) -> list[float]:
    """Round values between the ends of a logarithmic axis: 1, 2 and 5, or only 1, times powers of ten."""
    found: list[float] = []
    for by in ((1,), (1, 3), (1, 2, 5)):
        powers_of_ten = range(math.floor(math.log10(lo)), math.ceil(math.log10(hi)) + 1)
        found = [by_ * 10.0**power for power in powers_of_ten for by_ in by if lo <= by_ * 10.0**power <= hi]
        if len(found) >= 3:
            break
    return found


def span(values: Sequence[float], ends: Sequence[float]) -> tuple[float, float]:
    """From where to where an axis goes that holds all values, and of their intervals what leaves the values apart."""
    ends = ends or values
    reach = 1.2 * (max(values) - min(values)) or max(ends) - min(ends)
    low = max(min(*ends, *values), min(values) - reach)
    high = min(max(*ends, *values), max(values) + reach)
    margin = 0.06 * (high - low) or 0.05
    return low - margin, high + margin


def number(value: float) -> str:
    """A number below or beside an axis."""
    text = f"{value:.4g}" if abs(value) < 1e4 else f"{value:,.0f}".replace(",", "\u202f")
    return text.replace("-", "−")


def _tick(value: float, log: bool) -> str:
    if log:
        return f"×{value:.3g}"
    return "0" if value == 0 else f"{value:+.2g}".replace("-", "−")
