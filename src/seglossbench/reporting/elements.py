"""HTML and SVG by calls, in which every text and attribute is escaped: the only way words get onto a page here."""

import base64
import gzip
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
    head: Sequence[str],
    rows: Sequence[str],
    *,
    label: str,
    sortable: bool = False,
    class_: str = "",
    page: int = 0,
) -> Markup:
    """A table that scrolls by itself; ``head`` are its columns, which sort by a click if it is ``sortable``.

    Of more rows than a ``page`` has, if that is given, the others are packed, and the page's script turns to them.
    """
    columns = [
        tag(
            "th",
            tag("button", name, type="button", data_sort=True) if sortable and name else name,
            scope="col",
            aria_sort="none" if sortable and name else None,
        )
        for name in head
    ]
    packed: dict[str, str | int] = {}
    if page and len(rows) > page:
        more = gzip.compress("".join(map(escape, rows[page:])).encode(), mtime=0)
        packed = {"data_page": page, "data_rows": len(rows), "data_more": base64.b64encode(more).decode()}
        rows = rows[:page]
    body = tag("tbody", *rows)
    inside = tag("table", tag("thead", tag("tr", *columns)), body, class_=f"data {class_}".strip(), **packed)
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
