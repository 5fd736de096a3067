"""A table as text for reading: CSV, Markdown and HTML."""

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path

import jinja2

from seglossbench.drawing.names import guarded, isolated
from seglossbench.reporting.tables import Cell, Row, Table

_TEMPLATES = Path(__file__).parent / "templates"


def _labels(table: Table, row: Row) -> list[str]:
    loss = f"{row.loss} ({row.remark})" if row.remark else row.loss
    return [row.network, loss] if "network" in table.labels else [loss]


def to_csv(table: Table) -> str:
    """The table as CSV with the cells as people read them; ``summary.csv`` has the numbers."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(guarded, table.header))
    for row in table.rows:
        writer.writerow(
            [*map(guarded, _labels(table, row)), *(f"{cell.text} {cell.signs}".strip() for cell in row.cells)]
        )
    return text.getvalue()


def to_markdown(table: Table) -> str:
    """The table in Markdown, its caption above and its notes below."""
    lines = [
        _markdown_line([_markdown(name) for name in table.header]),
        _markdown_line([":--"] * len(table.labels) + ["--:"] * len(table.columns)),
    ]
    for row in table.rows:
        lines.append(_markdown_line([*map(_markdown, _labels(table, row)), *map(_markdown_cell, row.cells)]))
    notes = [f"- {_markdown(note)}" for note in table.notes]
    return (
        "\n\n".join(["\n".join(part) for part in ([_markdown(table.caption)], lines, notes) if part]) + "\n"
    )


def markdown_table(
    caption: str, head: Sequence[str], rows: Sequence[Sequence[str]], bold: Sequence[bool]
) -> str:
    """Rows of text in Markdown below a caption; those that are ``bold`` stand so."""
    lines = [_markdown_line([_markdown(name) for name in head]), _markdown_line([":--"] * len(head))]
    for row, stands_out in zip(rows, bold, strict=True):
        cells = [_markdown(cell) for cell in row]
        lines.append(_markdown_line([f"**{cell}**" if stands_out and cell else cell for cell in cells]))
    return "\n\n".join([_markdown(caption), "\n".join(lines)]) + "\n"


def _markdown_cell(cell: Cell) -> str:
    value = f"**{cell.text}**" if cell.best else cell.text
    return f"{value} {cell.signs}".strip()


def _markdown_line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _markdown(text: str) -> str:
    escaped = re.sub(r"([\\|*_`<>\[\]&~$#])", r"\\\1", text)
    return re.sub(r"^(\d+)(?=[.)])|^(?=[-+] )", r"\1\\", escaped).replace("  ", " &nbsp;")


def to_html(table: Table) -> str:
    """The table as a page of its own."""
    return template("table_page.html").render(table=table)


def template_text(name: str) -> str:
    """The text of a file beside the templates."""
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def template(name: str) -> jinja2.Template:
    """A template of this room, which escapes what it is given and refuses a name it does not know."""
    loader = jinja2.FileSystemLoader(_TEMPLATES, encoding="utf-8")
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["isolated"] = isolated
    return environment.get_template(name)
