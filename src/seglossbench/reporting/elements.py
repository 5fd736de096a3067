"""HTML and SVG by calls, in which every text and attribute is escaped: the only way words get onto a page here."""

from collections.abc import Iterable, Sequence
from functools import cache

from markupsafe import Markup, escape

Child = str | None
_WITH_CAPITALS = ("viewBox", "preserveAspectRatio", "patternUnits")


def tag(name: str, *children: Child, **attributes: str | float | bool | None) -> Markup:
    """An element; ``class_`` is its class, ``data_loss`` its ``data-loss``, and what is None or False is left out."""
    given = [
        f" {_attribute(key)}" if value is True else f' {_attribute(key)}="{escape(value)}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    ]
    inside = [escape(child) for child in children if child is not None]
    return Markup(f"<{name}{''.join(given)}>{''.join(inside)}</{name}>")  # escaped above; format is slow


def joined(children: Iterable[Child]) -> Markup:
    """Elements one after the other, each on a line of its own."""
    return Markup("\n").join(escape(child) for child in children if child is not None)


def table(
    head: Sequence[str], rows: Iterable[str], *, label: str, sortable: bool = False, class_: str = ""
) -> Markup:
    """A table that scrolls by itself; ``head`` are its columns, which sort by a click if it is ``sortable``."""
    columns = [
        tag(
            "th",
            tag("button", name, type="button", data_sort=True) if sortable and name else name,
            scope="col",
            aria_sort="none" if sortable and name else None,
        )
        for name in head
    ]
    inside = tag(
        "table", tag("thead", tag("tr", *columns)), tag("tbody", *rows), class_=f"data {class_}".strip()
    )
    return scrolled(inside, label)


def scrolled(inside: str, label: str, **attributes: str | bool | None) -> Markup:
    """A region that scrolls sideways by itself and that the keyboard reaches."""
    return tag("div", inside, class_="wide", tabindex="0", role="region", aria_label=label, **attributes)


def number_cell(
    text: str,
    sorts_as: float | None = None,
    *,
    below: str = "",
    class_: str = "",
    **attributes: str | bool | None,
) -> Markup:
    """A cell of a number, with what stands below it in small, and the value by which its column sorts."""
    small = tag("small", below) if below else None
    by = None if sorts_as is None or sorts_as != sorts_as else f"{sorts_as:.6g}"
    return tag("td", text, small, class_=f"num {class_}".strip(), data_by=by, **attributes)


@cache
def _attribute(key: str) -> str:
    return key if key in _WITH_CAPITALS else key.rstrip("_").replace("_", "-")
