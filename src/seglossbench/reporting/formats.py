"""A table as text: CSV, Markdown and HTML for reading, LaTeX for a paper."""

import csv
import io
import re
from collections.abc import Sequence
from math import ceil
from pathlib import Path

import jinja2

from seglossbench.reporting.tables import Cell, Row, Table, slug


def _labels(table: Table, row: Row) -> list[str]:
    loss = f"{row.loss} ({row.remark})" if row.remark else row.loss
    return [row.network, loss] if "network" in table.labels else [loss]


def to_csv(table: Table) -> str:
    """The table as CSV with the cells as people read them; ``summary.csv`` has the numbers."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.header)
    for row in table.rows:
        writer.writerow([*_labels(table, row), *(f"{cell.text} {cell.signs}".strip() for cell in row.cells)])
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


def _markdown_cell(cell: Cell) -> str:
    value = f"**{cell.text}**" if cell.best else cell.text
    return f"{value} {cell.signs}".strip()


def _markdown_line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _markdown(text: str) -> str:
    return re.sub(r"([\\|*_`<>\[\]])", r"\\\1", text)


def to_latex(table: Table) -> str:
    """The table for a paper: needs the packages booktabs and graphicx, and nothing else.

    Many classes are broken into blocks of columns, one below the other, so that the type stays large enough to read.
    """
    lines = [
        r"% \usepackage{booktabs,graphicx}",
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{_latex(table.caption)}}}",
        rf"\label{{tab:{slug(table.dataset)}-{slug(table.metric.name)}}}",
    ]
    columns = len(table.columns)
    blocks = ceil(columns / _LATEX_COLUMNS)
    width = ceil(columns / blocks)
    for first in range(0, columns, width):
        lines += [r"", r"\medskip", *_latex_block(table, slice(first, first + width))]
    if table.notes:
        lines += ["", r"\smallskip", r"\begin{minipage}{\linewidth}\footnotesize"]
        lines += [rf"{_latex(note)}\par" for note in table.notes]
        lines += [r"\end{minipage}"]
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def _latex_block(table: Table, columns: slice) -> list[str]:
    """Some of the columns of numbers, with the names of the rows."""
    names = table.columns[columns]
    lines = [
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{{'l' * len(table.labels)}{'r' * len(names)}}}",
        r"\toprule",
        _latex_line([_latex(name) for name in (*table.labels, *names)]),
    ]
    for _, rows in table.groups:
        lines.append(r"\midrule")
        for row in rows:
            cells = map(_latex_cell, row.cells[columns])
            lines.append(_latex_line([*map(_latex, _labels(table, row)), *cells]))
    return [*lines, r"\bottomrule", r"\end{tabular}}"]


def _latex_line(cells: Sequence[str]) -> str:
    return rf"{' & '.join(cells)} \\"


def _latex_cell(cell: Cell) -> str:
    mean = rf"\textbf{{{_latex(cell.mean)}}}" if cell.best else _latex(cell.mean)
    sd = rf" $\pm$ {_latex(cell.sd)}" if cell.sd else ""
    marks = ",".join(rf"{_LATEX[sign].strip('$')}{count}" for sign, count in cell.marks)
    return mean + sd + (rf"$^{{{marks}}}$" if marks else "")


_LATEX_COLUMNS = 7
_LATEX = {
    "\\": r"\textbackslash{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "[": "{[}",  # after a line's end it would begin an option
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "|": r"\textbar{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "±": r"$\pm$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "∞": r"$\infty$",
    "−": r"$-$",
    "—": "---",
    "†": r"$\dagger$",
    "‡": r"$\ddagger$",
    "“": "``",
    "”": "''",
}


def _latex(text: str) -> str:
    return "".join(_LATEX.get(sign, sign) for sign in text)


def to_html(table: Table) -> str:
    """The table as a page of its own."""
    return template("table_page.html").render(table=table)


def template(name: str) -> jinja2.Template:
    """A template of this room, which escapes what it is given and refuses a name it does not know."""
    loader = jinja2.FileSystemLoader(Path(__file__).parent / "templates", encoding="utf-8")
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(name)
