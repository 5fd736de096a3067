"""The slices of a case, one at a time by a slider, below the curve of what is wrong in each of them."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from seglossbench.drawing.looks import Look
from seglossbench.inspection.cuts import Cut, Errors
from seglossbench.reporting import svg
from seglossbench.reporting.elements import scrolled, tag

_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 560, 132, 84, 8, 18
_LEAST = 0.3
"""Of the larger half's height: the smaller one, in which a word stands."""


def slider(
    cuts: Sequence[Cut], panels: Sequence[Markup], errors: Errors, looks: Mapping[str, Look], about: str
) -> Markup:
    """The ``panels`` of ``cuts``, which the page's script shows one by one; without script all stand there."""
    curve = _Curve(errors, looks)
    slides = [
        tag("div", panel, data_slice=cut.place, data_at=curve.across.at(cut.place))
        for cut, panel in zip(cuts, panels, strict=True)
    ]
    return tag(
        "details",
        tag("summary", f"{len(cuts)} slices from one end to the other, and what is wrong in each"),
        curve.picture([cut.place for cut in cuts], about),
        tag("p", class_="reading", role="status"),
        scrolled(tag("div", *slides, data_slices=True), f"slices, {about}"),
        class_="aside",
    )


class _Curve:
    """Wrong voxels by slice, a line per loss: missed ones above no error, false ones below."""

    def __init__(self, errors: Errors, looks: Mapping[str, Look]) -> None:
        self.errors = errors
        self.looks = {loss: look for loss, look in looks.items() if loss in errors.missed}
        self.most = [
            max((value for own in counts.values() for value in own), default=0)
            for counts in (errors.missed, errors.false)
        ]
        above, below = (max(most, _LEAST * max(self.most), 1) for most in self.most)
        self.across = svg.Axis(errors.places[0], errors.places[-1], _LEFT, _WIDTH - 8)
        self.up = svg.Axis(-below, above, _HEIGHT - _BOTTOM, _TOP)

    def picture(self, stops: Sequence[int], about: str) -> Markup:
        """The picture, with a tick at each slice that the slider ``stops`` at."""
        return tag(
            "svg",
            *self._frame(stops),
            *(self._line(loss, look) for loss, look in self.looks.items()),
            tag("line", x1=0, x2=0, y1=_TOP, y2=_HEIGHT - _BOTTOM, class_="pointer", hidden=True),
            viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
            role="img",
            aria_label=f"wrong voxels by slice, {about}; the slider reads them",
            class_="profile",
        )

    def _frame(self, stops: Sequence[int]) -> list[Markup]:
        zero, bottom, right = self.up.at(0), _HEIGHT - _BOTTOM, self.across.right
        ticks = "".join(f"M{self.across.at(stop):g} {bottom - 4}v4" for stop in stops)
        words = [("0", zero + 4)]
        words += [
            (f"{most} {kind}", self.up.at(sign * most) + 4)
            for sign, most, kind in zip((1, -1), self.most, ("missed", "false"), strict=True)
            if most
        ]
        ends = (self.errors.places[0], self.errors.places[-1])
        return [
            tag("rect", x=_LEFT, y=_TOP, width=right - _LEFT, height=bottom - _TOP, class_="frame"),
            tag("line", x1=_LEFT, x2=right, y1=zero, y2=zero, class_="zero"),
            tag("path", d=ticks, class_="stops"),
            *(tag("text", text, x=_LEFT - 5, y=y, text_anchor="end") for text, y in words),
            *(
                tag("text", f"slice {place}", x=self.across.at(place), y=_HEIGHT - 4, text_anchor=anchor)
                for place, anchor in zip(ends, ("start", "end"), strict=True)
            ),
        ]

    def _line(self, loss: str, look: Look) -> Markup:
        missed, false = self.errors.missed[loss], self.errors.false[loss]
        xs = [self.across.at(place) for place in self.errors.places]
        paths = []
        for sign, counts in ((1, missed), (-1, false)):
            ys = [self.up.at(sign * count) for count in counts]
            paths.append(tag("path", d=svg.line(xs, ys), class_="line", stroke_dasharray=svg.dashes(look)))
            if peak := max(counts):
                at = counts.index(peak)
                paths.append(svg.glyph(look, xs[at], ys[at]))
        said = " ".join(
            f"{place}:{a}:{b}" for place, a, b in zip(self.errors.places, missed, false, strict=True)
        )
        return tag("g", *paths, class_=f"curve {svg.colour_class(look)}", data_loss=loss, data_wrong=said)
