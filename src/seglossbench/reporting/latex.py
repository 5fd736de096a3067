"""A table for a paper, in one size of type, cut into floats that fit a page: by networks, classes and rows."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from seglossbench.drawing.names import isolated, slug
from seglossbench.reporting.latex_text import broken, declarations, escaped, points, prose, stacked, width
from seglossbench.reporting.tables import Cell, Row, Table

PREAMBLE = r"\usepackage{booktabs}"
"""What a document needs that reads the tables."""

# points: of a line of the class article, of names, of columns
_LINE, _NAME, _HEADER, _GAP = 342.0, 115.0, 70.0, 6.0
_PAGE = 48  # lines of footnotesize, beside a caption


@dataclass(frozen=True)
class _Piece:
    """Something that stands in a float: its lines of LaTeX, its height in lines of type, and which columns it shows."""

    latex: list[str]
    height: float
    network: str = ""
    columns: tuple[str, ...] = ()


def to_latex(table: Table) -> str:
    """The table as floats, the mean first: one float where a page holds it, else one per network and block of classes.

    Needs PREAMBLE. A letter that the document's fonts lack is printed as its code point, such as U+05D0.
    """
    pieces = [piece for part in _parts(table) for piece in _blocks(table, *part)]
    pieces += [_Piece([rf"{prose(note)}\par"], _height(note)) for note in table.notes]
    floats = list(_packed(pieces))
    label = f"tab:{slug(table.dataset)}-{slug(table.metric.name)}"
    lines = [f"% {PREAMBLE}"]
    for number, content in enumerate(floats, 1):
        caption = table.caption if number == 1 else f"{table.caption.partition(':')[0]}, continued."
        if len(floats) > 1:
            caption += f" Part {number} of {len(floats)}{_shown(content)}."
        lines += [
            "",
            r"\begin{table}",
            r"\centering\footnotesize\setlength{\tabcolsep}{3pt}",
            rf"\caption{{{prose(caption)}}}",
            rf"\label{{{label}{f'-{number}' if number > 1 else ''}}}",
        ]
        for piece in content:
            lines += ["", r"\smallskip", *piece.latex]
        lines.append(r"\end{table}")
    text = "\n".join(lines) + "\n"
    return "".join(declarations(text)) + text


def longtable(
    caption: str, label: str, head: Sequence[str], rows: Sequence[Sequence[str]], bold: Sequence[bool]
) -> str:
    """Rows of text as a table that goes on over pages, narrow columns of names; those that are ``bold`` stand so.

    Needs PREAMBLE and the package longtable.
    """
    lines = []
    for row, stands_out in zip(rows, bold, strict=True):
        cells = [stacked(cell, _NAME, "[t]", "l") for cell in row]
        lines.append(_line(rf"\textbf{{{cell}}}" if stands_out and cell else cell for cell in cells))
    top = _line(stacked(name, _HEADER, "[b]", "l") for name in head)
    content = "\n".join(
        [
            rf"% {PREAMBLE}\usepackage{{longtable}}",
            r"{\footnotesize\setlength{\tabcolsep}{3pt}",
            rf"\begin{{longtable}}{{@{{}}{'l' * len(head)}@{{}}}}",
            rf"\caption{{{prose(caption)}}}\label{{tab:{label}}}\\",
            *(r"\toprule", top, r"\midrule", r"\endfirsthead"),
            *(r"\toprule", top, r"\midrule", r"\endhead"),
            *(r"\bottomrule", r"\endfoot"),
            *lines,
            r"\end{longtable}}",
        ]
    )
    return "".join(declarations(content)) + content + "\n"


def _parts(table: Table) -> Iterator[tuple[list[tuple[str, list[Row]]], bool]]:
    """The rows in groups that stand together in a float, and whether their networks are named in a column."""
    named = "network" in table.labels
    if sum(_row_height(row) for row in table.rows) <= _PAGE // 2:
        yield table.groups, named
        return
    most = _PAGE - 4 - max(len(broken(name, _HEADER)) for name in table.columns)
    for network, rows in table.groups:
        part: list[Row] = []
        for row in rows:
            if part and sum(map(_row_height, [*part, row])) > most:
                yield [(network, part)], False
                part = []
            part.append(row)
        yield [(network, part)], False


def _blocks(table: Table, groups: list[tuple[str, list[Row]]], named: bool) -> Iterator[_Piece]:
    """The rows of some groups as tabulars, one below the other, each as wide as a line holds."""
    rows = [row for _, of_network in groups for row in of_network]
    names = [[row.network, _loss(row)] if named else [_loss(row)] for row in rows]
    labels = table.labels if named else ["loss"]
    wide = sum(
        max(width(name, _NAME) for name in column) + _GAP for column in zip(labels, *names, strict=True)
    )
    widths = [
        max([width(name, _HEADER), *(_cell_width(row.cells[place]) for row in rows)])
        for place, name in enumerate(table.columns)
    ]
    several = "network" in table.labels and not named
    first = 0
    while first < len(widths):
        last, used = first + 1, wide + widths[first] + _GAP
        while last < len(widths) and used + widths[last] + _GAP <= _LINE:
            used += widths[last] + _GAP
            last += 1
        shown = table.columns[first:last]
        header = max(len(broken(name, _HEADER)) for name in shown)
        height = sum(map(_row_height, rows)) + header + len(groups) + 0.5
        network = rows[0].network if several else ""
        yield _Piece(_tabular(labels, shown, groups, slice(first, last), named), height, network, shown)
        first = last


def _tabular(
    labels: Sequence[str],
    shown: Sequence[str],
    groups: list[tuple[str, list[Row]]],
    columns: slice,
    named: bool,
) -> list[str]:
    lines = [
        rf"\begin{{tabular}}{{{'l' * len(labels)}{'r' * len(shown)}}}",
        r"\toprule",
        _line([*map(escaped, labels), *(stacked(name, _HEADER, "[b]", "r") for name in shown)]),
    ]
    for network, rows in groups:
        lines.append(r"\midrule")
        for row in rows:
            names = [network, _loss(row)] if named else [_loss(row)]
            lines.append(
                _line(
                    [*(stacked(name, _NAME, "[t]", "l") for name in names), *map(_cell, row.cells[columns])]
                )
            )
    return [*lines, r"\bottomrule", r"\end{tabular}"]


def _packed(pieces: Iterable[_Piece]) -> Iterator[list[_Piece]]:
    """The pieces in floats that are no higher than a page."""
    content: list[_Piece] = []
    for piece in pieces:
        if content and sum(one.height + 0.5 for one in [*content, piece]) > _PAGE:
            yield content
            content = []
        content.append(piece)
    yield content


def _shown(content: Sequence[_Piece]) -> str:
    """Which networks and columns a float shows."""
    columns: dict[str, list[str]] = {}
    for piece in content:
        columns.setdefault(piece.network, []).extend(piece.columns)
    texts = [
        (f"{isolated(network)}, " if network else "")
        + (isolated(names[0]) if len(names) == 1 else f"{isolated(names[0])} to {isolated(names[-1])}")
        for network, names in columns.items()
        if names
    ]
    return f": {'; '.join(texts)}" if texts else ""


def _loss(row: Row) -> str:
    return f"{row.loss} ({row.remark})" if row.remark else row.loss


def _row_height(row: Row) -> int:
    return max(len(broken(name, _NAME)) for name in (row.network, _loss(row)))


def _height(note: str) -> int:
    return ceil(points(note) / _LINE) + note.count(" ") // 60


def _line(cells: Iterable[str]) -> str:
    return rf"{' & '.join(cells)} \\"


def _cell_width(cell: Cell) -> float:
    return points(cell.text) + 3 * bool(cell.best) + 3.5 * len(cell.signs)


def _cell(cell: Cell) -> str:
    mean = escaped(cell.mean.replace("-", "−"))
    mean = rf"\textbf{{{mean}}}" if cell.best else mean
    sd = rf" $\pm$ {escaped(cell.sd)}" if cell.sd else ""
    marks = ",".join(rf"{escaped(sign).strip('$')}{count}" for sign, count in cell.marks)
    return mean + sd + (rf"$^{{{marks}}}$" if marks else "")
