"""Text for LaTeX: escaped, broken into lines, and as wide as it will be printed."""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

from matplotlib import get_data_path
from matplotlib.font_manager import get_font
from matplotlib.ft2font import LoadFlags

from seglossbench.drawing.names import FIRST_STRONG_ISOLATE, POP_ISOLATE

_MAY_BREAK, _INVISIBLE = "\u200b", (FIRST_STRONG_ISOLATE, POP_ISOLATE)
_LATEX = {
    "\\": r"\textbackslash{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "[": "{[}",  # after a line's end it would begin an option, and a star be one
    "*": "{*}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "|": r"\textbar{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "\0": "{}",
    "±": r"$\pm$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "∞": r"$\infty$",
    "−": r"$-$",
    "—": "---",
    "…": r"\dots{}",
    "†": r"$\dagger$",
    "‡": r"$\ddagger$",
    "“": "``",
    "”": "''",
    **dict.fromkeys(_INVISIBLE, ""),
    _MAY_BREAK: r"\hspace{0pt}",
}


def broken(name: str, longest: float) -> list[str]:
    """The name in lines of at most so many points, between words where they are short enough."""
    lines = [""]
    for word in re.findall(r"\s*\S+", name):
        if points(lines[-1] + word) <= longest:
            lines[-1] += word
            continue
        if lines[-1]:
            lines.append("")
        for letter in word.lstrip():
            if lines[-1] and points(lines[-1] + letter) > longest:
                lines.append("")
            lines[-1] += letter
    return lines


def width(name: str, longest: float) -> float:
    """The width in points of the widest of a name's lines, of at most so many points each."""
    return max(map(points, broken(name, longest)))


def points(text: str) -> float:
    """The width of a text in footnotesize, in points."""
    return sum(map(_letter_points, text))


@cache
def _letter_points(letter: str) -> float:
    """The width of a letter, by the metrics of Computer Modern that come with Matplotlib."""
    if letter in _LATEX:
        return 0.0 if letter in _INVISIBLE else 7.0
    base = unicodedata.normalize("NFD", letter)[0]
    if not base.isascii():
        return points(f"U+{ord(letter):04X}")
    font = get_font(f"{get_data_path()}/fonts/ttf/cmr10.ttf")
    font.set_size(8.5, 72)  # cmr8 is somewhat wider than cmr10 made smaller
    return float(font.load_char(ord(base), flags=LoadFlags.NO_HINTING).linearHoriAdvance / 65536)


def stacked(name: str, longest: float, place: str, side: str) -> str:
    """The name, broken into lines where it is long."""
    lines = [escaped(line) for line in broken(name, longest)]
    if len(lines) == 1:
        return lines[0]
    return rf"\begin{{tabular}}{place}{{@{{}}{side}@{{}}}}" + r" \\ ".join(lines) + r"\end{tabular}"


def prose(text: str) -> str:
    """A text that breaks into lines, also within words that no line holds."""
    return escaped(re.sub(r"\S{30}(?=\S)", lambda word: f"{word[0]}{_MAY_BREAK}", text))


def escaped(text: str) -> str:
    """The text as LaTeX prints it."""
    # else one sign of two
    apart = re.sub(r"(?<=[-'`,?!])(?=[-'`,])", "\0", unicodedata.normalize("NFC", text))
    return re.sub(" (?= )", r"\\ ", "".join(_LATEX.get(sign, sign) for sign in apart))


def declarations(text: str) -> Iterator[str]:
    """For pdfLaTeX, the code points of the letters that its fonts may lack, which others print if they have them."""
    for letter in sorted({letter for letter in text if not letter.isascii()}):
        yield (
            rf"\expandafter\providecommand\csname u8:\detokenize{{{letter}}}\endcsname{{U+{ord(letter):04X}}}"
            + "\n"
        )
