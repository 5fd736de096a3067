"""From raw scans to tensors. ``LAYOUTS`` names the folder layouts that can be read."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from seglossbench.data import amos, brats
from seglossbench.data.cases import CaseIndex
from seglossbench.errors import InputError, nearest


@dataclass(frozen=True)
class Layout:
    """How a layout is recognised and read."""

    matches: Callable[[Path], bool]
    index: Callable[[Path], CaseIndex]


LAYOUTS = {"amos": Layout(amos.matches, amos.index), "brats": Layout(brats.matches, brats.index)}


def index_cases(folder: Path, layout: str = "auto") -> CaseIndex:
    """The labelled cases of a raw dataset; ``auto`` takes the first layout that fits the folder."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; download the dataset or give the folder that holds it")
    if layout != "auto" and layout not in LAYOUTS:
        raise InputError(f"layout: unknown layout {layout!r}; {nearest(layout, tuple(LAYOUTS))}")
    for name, candidate in LAYOUTS.items():
        if layout in ("auto", name) and candidate.matches(folder):
            return candidate.index(folder)
    expected = {
        "amos": "dataset.json with imagesTr and labelsTr (AMOS, nnU-Net)",
        "brats": "a folder per patient with files that end in _flair, _t1, _t1ce, _t2, _seg (BraTS)",
    }
    wanted = " or ".join(expected.values() if layout == "auto" else [expected[layout]])
    raise InputError(f"{folder}: holds no cases that can be read; expected {wanted}")
