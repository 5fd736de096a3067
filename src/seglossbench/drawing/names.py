"""Users' names, which are any text, in the parts of a report: files, figures, running text and spreadsheets."""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache

import pandas as pd
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

from seglossbench.files import digest

_FALLBACKS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "WenQuanYi Micro Hei", "Microsoft YaHei",
    "PingFang SC", "Hiragino Sans", "Yu Gothic", "Malgun Gothic", "Noto Sans Devanagari", "Arial Unicode MS",
)  # fmt: skip
FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"
_FROM_THE_RIGHT = {"R", "AL", "AN", "RLE", "RLO", "RLI", "LRE", "LRO", "LRI", "FSI", "PDF", "PDI"}
_LONGEST_SLUG = 60
_LONGEST_LABEL = 28
_SPECIAL = re.compile(r'[",\r\n]')


def slug(name: str) -> str:
    """The name as a word of letters, digits, ``_`` and ``-`` and dots between them, also for LaTeX and addresses."""
    letters = [
        letter if letter.isalnum() or letter in "._" else "-" for letter in unicodedata.normalize("NFC", name)
    ]
    word = re.sub(r"[-.]*\.[-.]*|--+", lambda run: "." if "." in run[0] else "-", "".join(letters)).strip(
        "-._"
    )
    if len(word.encode()) > _LONGEST_SLUG:
        word = word.encode()[:_LONGEST_SLUG].decode(errors="ignore") + digest(name)
    return word or "scores"


class Stems:
    """The names of a report's files, without endings: readable ones, no two of them alike in any capitals."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def new(self, *names: str) -> str:
        """A name made of the slugs of ``names``; with a number where another name has it already."""
        wanted = name = "_".join(map(slug, names))
        number = 1
        while name.casefold() in self._taken:
            number += 1
            name = f"{wanted}-{number}"
        self._taken.add(name.casefold())
        return name


def labels_of(names: Sequence[str]) -> dict[str, str]:
    """Each name as figures print it: at most some thirty letters, all of which the fonts have, and no two alike."""
    labels: dict[str, str] = {}
    for name in dict.fromkeys(names):
        short = name if len(name) <= _LONGEST_LABEL else f"{name[:17]}…{name[-10:]}"
        wanted = label = "".join(
            letter if ord(letter) in _glyphs() else f"[U+{ord(letter):04X}]" for letter in short
        )
        number = 1
        while label in labels.values():
            number += 1
            label = f"{wanted} ({number})"
        labels[name] = label
    return labels


@cache
def font_families() -> list[str]:
    """The fonts of figures: Matplotlib's own, then those of this machine that have the letters of other scripts."""
    known = {font.name for font in fontManager.ttflist}
    return ["DejaVu Sans", *(family for family in _FALLBACKS if family in known)]


@cache
def _glyphs() -> frozenset[int]:
    fonts = [get_font(findfont(FontProperties(family=family))) for family in font_families()]
    return frozenset(code for font in fonts for code in font.get_charmap())


def isolated(name: str) -> str:
    """The name as a part of a sentence, whose other words it cannot turn around where it is written from the right."""
    turns = any(unicodedata.bidirectional(letter) in _FROM_THE_RIGHT for letter in name)
    return f"{FIRST_STRONG_ISOLATE}{name}{POP_ISOLATE}" if turns else name


def csv_text(table: pd.DataFrame, names: Sequence[str]) -> str:
    """The table as CSV, in which no spreadsheet takes a name for a formula: the columns ``names`` and the header."""
    safe = table.assign(
        **{
            column: table[column].map({name: guarded(name) for name in table[column].unique()})
            for column in names
        }
    )
    return safe.rename(columns=guarded).to_csv(index=False, float_format="%.6g")


def csv_of_texts(table: pd.DataFrame, names: Sequence[str]) -> str:
    """``csv_text`` of a table that holds nothing but text, whose rows are joined and every text is quoted once."""
    lines = None
    for column in table.columns:
        field = table[column].reset_index(drop=True)
        if column in names or field.str.contains(_SPECIAL).any():
            codes, found = pd.factorize(field)
            quoted = [_quoted(guarded(text) if column in names else text) for text in found]
            field = pd.Series(quoted, dtype=str).take(codes).reset_index(drop=True)
        lines = field if lines is None else lines + "," + field
    head = ",".join(_quoted(guarded(column)) for column in table.columns)
    return "\n".join([head, *([] if lines is None else lines.to_list()), ""])


def _quoted(text: str) -> str:
    """The text as a field of CSV."""
    return f'"{text.replace(chr(34), chr(34) * 2)}"' if _SPECIAL.search(text) else text


def guarded(name: str) -> str:
    """The name with an apostrophe before what begins like a formula, and before an apostrophe."""
    return f"'{name}" if re.match(r"[=@＝＋－＠\t\r']|[-+].", name) else name
