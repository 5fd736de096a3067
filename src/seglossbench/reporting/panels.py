"""A slice of a case as a row of panels: the image with the truth, and with each loss's prediction and its errors."""

import base64
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from seglossbench.drawing.looks import Look
from seglossbench.files import atomic_file
from seglossbench.inspection.cuts import Cut
from seglossbench.reporting import svg
from seglossbench.reporting.elements import tag
from seglossbench.reporting.outlines import outline

_EMBEDDED = 3_000_000
"""Bytes of pictures within the page; those beyond are files beside it."""
_KEYS = (
    ("truth", "truth"),
    ("outline", "prediction, in its loss's colour"),
    ("missed", "missed"),
    ("false", "false"),
)


@dataclass
class Album:
    """All pictures of a page, whose files, if any, go into ``folder``."""

    folder: Path
    looks: Mapping[str, Look]
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    bytes: int = 0

    def panels(self, cut: Cut, words: Mapping[str, Markup], label: str) -> Markup:
        """The panels of a slice, one per loss of ``words``, which stand below it; ``label`` says what it is of."""
        number = next(self.numbers)
        rows, columns = cut.truth.shape
        address = self._address(cut.pixels, number)
        size = {"width": columns, "height": rows, "preserveAspectRatio": "none"}
        defined = tag(
            "svg",
            tag("image", id=f"p{number}", href=address, **size),
            tag("path", id=f"p{number}t", d=outline(cut.truth)),
            class_="defined",
            aria_hidden="true",
        )
        place = tag("p", f"slice {cut.place} of {cut.count}", class_="place") if cut.count > 1 else None
        truth = tag("div", _scan(cut, number, f"truth, {label}"), tag("p", tag("b", "truth")), class_="panel")
        others = [
            tag(
                "div",
                _scan(cut, number, f"{loss}, {label}", cut.predictions.get(loss), self.looks[loss]),
                tag("p", below),
                class_="panel",
                data_loss=loss,
            )
            for loss, below in words.items()
        ]
        return tag("div", defined, place, tag("div", truth, *others, class_="panels"), class_="cut")

    def _address(self, pixels: NDArray[np.uint8], number: int) -> str:
        """The address of a picture: the picture itself, or a file once the page holds enough of them."""
        from PIL import Image

        content = io.BytesIO()
        Image.fromarray(pixels).save(content, "WEBP", quality=82)
        self.bytes += content.tell()
        if self.bytes <= _EMBEDDED:
            return "data:image/webp;base64," + base64.b64encode(content.getvalue()).decode()
        address = f"figures/predictions/{number}.webp"
        (self.folder / address).parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(self.folder / address) as temporary:
            temporary.write_bytes(content.getvalue())
        return address


def _scan(
    cut: Cut, number: int, label: str, found: NDArray[np.bool_] | None = None, look: Look | None = None
) -> Markup:
    """The image with the outline of the truth and, if there is one, of a prediction, whose errors are filled."""
    rows, columns = cut.truth.shape
    parts = [tag("use", href=f"#p{number}")]
    if found is not None:
        errors = (("missed", cut.truth & ~found), ("false", found & ~cut.truth))
        parts += [tag("path", d=outline(mask), class_=kind) for kind, mask in errors if mask.any()]
    parts += [tag("use", href=f"#p{number}t", class_=kind) for kind in ("halo", "truth")]
    if found is not None and found.any():
        line = outline(found)
        parts += [tag("path", d=line, class_=kind) for kind in ("halo", "outline")]
    return tag(
        "svg",
        tag("g", *parts, transform=f"scale(1,{cut.aspect:.4g})"),
        viewBox=f"0 0 {columns} {rows * cut.aspect:.4g}",
        role="img",
        aria_label=label,
        class_=f"scan {svg.colour_class(look) if look else ''}".strip(),
    )


def keys() -> Markup:
    """What the lines and fillings mean, and the hatching that tells what is false without colours."""
    lines = tag("path", d="M0 0l3 3M-1 2l2 2M2 -1l2 2")
    pattern = tag("pattern", lines, id="hatching", width=3, height=3, patternUnits="userSpaceOnUse")
    defined = tag("svg", tag("defs", pattern), class_="defined", aria_hidden="true")
    return tag(
        "p",
        defined,
        *(tag("span", _sample(kind), f" {words}", class_="named") for kind, words in _KEYS),
        class_="keys",
    )


def _sample(kind: str) -> Markup:
    shape = tag("path", d="M2 2h22v12h-22z", class_=kind)
    return tag("svg", shape, viewBox="0 0 26 16", aria_hidden="true", class_="scan sample c1")
