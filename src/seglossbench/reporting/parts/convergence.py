"""Convergence: the curves of every loss by epoch and by hour, read by pointer and by arrow keys."""

import math

from markupsafe import Markup

from seglossbench.reporting import svg
from seglossbench.reporting.elements import joined, tag
from seglossbench.reporting.parts import Part, Row, Source, caption, files_line, place_name

_WORDS = {"train_loss": "training loss", "gradient_norm": "norm of the gradient"}
_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 560, 250, 52, 34
_MOST_RUNS = 3
"""With more runs of a loss than that its mean and band are drawn, else its single runs."""


def convergence(source: Source) -> Part | None:
    """A panel per dataset and network of each curve; of few runs the runs themselves, of more their mean and band."""
    found = source.tables["curves"]
    if found.empty:
        return None
    kinds = list(dict.fromkeys(found[["curve", "axis"]].itertuples(index=False, name=None)))
    first = next((kind for kind in kinds if str(kind[0]).startswith("val_")), kinds[0])
    panels = []
    for (dataset, network, curve, axis), group in found.groupby(
        ["dataset", "network", "curve", "axis"], sort=False
    ):
        kind = f"{curve} {axis}"
        panel = tag(
            "figure",
            tag(
                "figcaption",
                tag("b", tag("bdi", place_name(str(dataset), str(network)))),
                f" · {_words(curve)}",
            ),
            _panel(source, group.to_dict("records"), str(axis), _words(curve)),
            tag("p", class_="reading", aria_live="polite"),
            class_="plot",
            hidden=(curve, axis) != first,
            **source.view(dataset=str(dataset), network=str(network), curve=kind),
        )
        panels.append(panel)
    options = [
        tag(
            "option",
            f"{_words(curve)} by {axis.removesuffix('s')}",
            value=f"{curve} {axis}",
            selected=(curve, axis) == first,
        )
        for curve, axis in kinds
    ]
    return Part(
        "Convergence",
        "convergence",
        joined(
            [
                tag("label", "curves ", tag("select", *options, data_key="curve"), class_="control"),
                tag("div", *panels, class_="plots"),
                caption(
                    "Line: mean over a loss's runs; band: its 95 % interval from three runs on, else from the lowest "
                    "run to the highest. A line ends where its last run does. Point at a place, or use the arrow "
                    "keys, to read the values there. Training losses have units of their own: compare shapes, not "
                    "heights."
                ),
                files_line(
                    ("curves as CSV", source.table("curves", found)),
                    ("those of single runs", source.table("curves_runs", source.tables["curves_runs"])),
                ),
            ]
        ),
    )


def _words(curve: object) -> str:
    name = str(curve)
    kind, _, metric = name.partition("_")
    return _WORDS.get(name) or f"{'validation' if kind == 'val' else kind} {metric}"


def _panel(source: Source, points: list[Row], axis: str, words: str) -> Markup:
    xs = [float(point["x"]) for point in points]
    ys = sorted(float(point["mean"]) for point in points if math.isfinite(point["mean"]))
    if not ys:
        return tag("p", "no finite value", class_="word")
    low, high = ys[0], ys[-1]
    margin = 0.06 * (high - low) or 0.05
    across = svg.Axis(min(xs), max(xs), _LEFT, _WIDTH - 8)
    up = svg.Axis(low - margin, high + margin, _HEIGHT - _BOTTOM, 8)
    parts = [
        tag("rect", x=_LEFT, y=8, width=_WIDTH - 8 - _LEFT, height=_HEIGHT - _BOTTOM - 8, class_="frame")
    ]
    for value in svg.ticks(up.lo, up.hi):
        y = up.at(value)
        parts.append(tag("line", x1=_LEFT, x2=_WIDTH - 8, y1=y, y2=y, class_="grid"))
        parts.append(tag("text", svg.number(value), x=_LEFT - 6, y=y + 4, text_anchor="end"))
    for value in svg.ticks(across.lo, across.hi):
        parts.append(
            tag("text", svg.number(value), x=across.at(value), y=_HEIGHT - _BOTTOM + 15, text_anchor="middle")
        )
    parts.append(tag("text", axis.removesuffix("s"), x=_WIDTH / 2, y=_HEIGHT - 4, text_anchor="middle"))
    by_loss: dict[str, list[Row]] = {}
    for point in points:
        by_loss.setdefault(point["loss"], []).append(point)
    parts += [_curve(source, loss, of_loss, across, up) for loss, of_loss in by_loss.items()]
    parts.append(tag("line", x1=0, x2=0, y1=8, y2=_HEIGHT - _BOTTOM, class_="pointer", hidden=True))
    return tag(
        "svg",
        *parts,
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        aria_label=f"{words} by {axis}; arrow keys read its values",
        tabindex="0",
        class_="curves",
    )


def _curve(source: Source, loss: str, points: list[Row], across: svg.Axis, up: svg.Axis) -> Markup:
    look = source.looks[loss]
    there = [point for point in points if math.isfinite(point["mean"])]
    xs = [across.at(point["x"]) for point in there]
    parts = []
    if any(point["runs"] > 1 for point in there):
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
    said = " ".join(
        f"{point['x']:.6g}:{x:.1f}:{point['mean']:.4g}" for point, x in zip(there, xs, strict=True)
    )
    return tag("g", *parts, class_=f"curve {svg.colour_class(look)}", data_loss=loss, data_points=said)
