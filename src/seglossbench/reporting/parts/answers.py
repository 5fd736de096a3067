"""The first screen: every question with its verdict, how surely, on what it rests, and what would decide it."""

from collections.abc import Sequence

import pandas as pd
from markupsafe import Markup

from seglossbench.analysis.cubes import ALL
from seglossbench.analysis.words import count
from seglossbench.drawing.looks import GREY, MARKERS, Look
from seglossbench.drawing.names import isolated
from seglossbench.reporting import svg
from seglossbench.reporting.elements import joined, tag
from seglossbench.reporting.parts import Part, Row, Source, caption, files_line, turned

_CHIPS = {
    "settled": ("good", "✓"), "supported": ("good", "✓"), "not supported": ("bad", "✗"),
    "partly settled": ("partly", "◐"), "partly supported": ("partly", "◐"),
    "not settled": ("open", "≈"), "inconclusive": ("open", "≈"), "not tested": ("none", "–"),
}  # fmt: skip
_PLAIN = Look(GREY, MARKERS[0], "-", "")
_MOST_LINES = 10
_LONGEST = 300
"""Letters of a finding that stand in the open; of a longer one, its comparisons are folded up."""


def answers(source: Source) -> Part | None:
    """A row per question; those of single networks and those that nothing tested are folded up below."""
    table = source.tables["answers"]
    whole = table[table["part_of"] == ""]
    if whole.empty:
        return None
    rows = whole.to_dict("records")
    of_networks = {row["dataset"] for row in rows if row["claim"] == "" and row["network"] == ALL}
    first, folded, untested = [], [], []
    for row in rows:
        if row["verdict"] == "not tested":
            untested.append(row)
        elif row["claim"] == "" and row["network"] != ALL and row["dataset"] in of_networks:
            folded.append(row)
        else:
            first.append(row)
    file = source.table("answers", table)
    return Part(
        "Answers",
        "answers",
        joined(
            [
                _list(source, first) if first else None,
                _more(source, folded, count(len(folded), "question") + " of single networks"),
                _more(source, untested, count(len(untested), "claim") + " not tested, and what each needs"),
                caption(
                    "Intervals are of 95 %, for new cases and new trainings of the same losses, network, training data "
                    "and split. Filled mark: told apart, after correction for all pairs of its family, or clear of the "
                    "margin. Hollow mark: open."
                ),
                files_line(("answers as CSV", file)),
            ]
        ),
    )


def _more(source: Source, rows: Sequence[Row], summary: str) -> Markup | None:
    return tag("details", tag("summary", summary), _list(source, rows)) if rows else None


def _list(source: Source, rows: Sequence[Row]) -> Markup:
    return tag("ol", *(_answer(source, row) for row in rows), class_="answers")


def _answer(source: Source, row: Row) -> Markup:
    kind, sign = _CHIPS.get(row["verdict"], _CHIPS["not tested"])
    chip = tag(
        "span",
        tag("span", sign, aria_hidden="true"),
        f" {row['verdict'].capitalize()}",
        class_=f"chip {kind}",
    )
    basis = ", ".join(
        count(int(row[name]), noun)
        for name, noun in (("runs", "run"), ("seeds", "seed"), ("cases", "case"), ("patients", "patient"))
        if row[name] == row[name]
    )
    where = [tag("span", text, class_="scope") for text in (row["scope"], basis) if text]
    bold, rest = _finding(str(row["finding"]))
    said, several = [tag("b", bold), f" {rest}" if rest else ""], rest.rstrip(".").split("; ")
    folded = None
    if len(rest) > _LONGEST and len(several) > 1:
        said = [tag("b", bold)]
        folded = tag("details", tag("summary", "one by one"), tag("ul", *(tag("li", one) for one in several)))
    about = ", ".join(part for part in (f"Claim {row['id']}", row["source"]) if part)
    claim = tag("p", f"{about}: {row['claim']}", class_="claim") if row["claim"] else None
    heading = tag("h3", row["question"])
    decide = str(row["decide_text"] or "")
    middle = [
        heading,
        claim,
        tag("p", *said) if row["finding"] != decide else None,
        folded,
        tag("p", tag("b", "Would decide it: "), decide, class_="decide") if decide else None,
    ]
    left, right = tag("div", chip, *where, class_="basis"), tag("div", _figure(source, row), class_="figure")
    return tag("li", left, tag("div", *middle), right, **source.view(dataset=str(row["dataset"] or "")))


def _finding(text: str) -> tuple[str, str]:
    """The first sentence, which is the finding, and the others."""
    bold, dot, rest = text.partition(". ")
    return (f"{bold}.", rest) if dot else (text, "")


def _figure(source: Source, row: Row) -> Markup | None:
    """The differences that the answer rests on, as a small forest."""
    lines = _ahead(source, row) if row["claim"] == "" else _comparisons(source, row)
    finite = [line for line in lines if line[2] == line[2]][:_MOST_LINES]
    if not finite:
        return None
    ratio = finite[0][5]
    axis = svg.symmetric([end for line in finite for end in line[2:5]], 130, 290, ratio=ratio)
    height = 18 * len(finite) + 6
    parts = [svg.scale_below(axis, height, ("behind", "ahead of") if not row["claim"] else ("less", "more"))]
    for place, (label, look, estimate, lo, hi, _, told) in enumerate(finite):
        y = 12 + 18 * place
        shown = label if len(label) < 19 else f"{label[:17]}…"
        parts += [
            tag("text", isolated(shown), x=0, y=y + 4, class_="label"),
            svg.interval(axis, estimate, lo, hi, look, y, hollow=not told),
        ]
    return svg.svg(316, height + 30, *parts)


Line = tuple[str, Look, float, float, float, bool, bool]


def _ahead(source: Source, row: Row) -> list[Line]:
    """How far the first loss lies ahead of every other, the nearest first."""
    pairs = source.tables["differences"]
    own = pairs[
        (pairs["dataset"] == row["dataset"]) & (pairs["network"] == row["network"])
        & (pairs["metric"] == row["metric"]) & (pairs["class"] == ALL)
    ]  # fmt: skip
    lines: list[Line] = []
    for pair in own[(own["a"] == row["a"]) | (own["b"] == row["a"])].to_dict("records"):
        other = pair["b"] if pair["a"] == row["a"] else pair["a"]
        estimate, lo, hi = turned(pair, pair["a"] == row["a"])
        lines.append(
            (other, source.looks[other], estimate, lo, hi, pair["scale"] == "ratio", bool(pair["better"]))
        )
    return sorted(lines, key=lambda line: line[2])


def _comparisons(source: Source, row: Row) -> list[Line]:
    table = source.tables["answers"]
    parts = table[table["part_of"] == row["id"]]
    several = len(parts["dataset"].drop_duplicates()) > 1
    lines = []
    for part in (parts if len(parts) else pd.DataFrame([row])).to_dict("records"):
        label = str(part["dataset"]) if several or not part["b"] else f"{part['a']} − {part['b']}"
        look = source.looks.get(part["a"], _PLAIN)
        told = part["verdict"] in ("supported", "not supported")
        ends = (part["estimate"], part["lo"], part["hi"])
        lines.append((label, look, *ends, part["scale"] == "ratio", told))
    return lines
