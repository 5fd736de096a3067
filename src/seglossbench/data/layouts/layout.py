"""What a layout of raw datasets is; one stands in a module of its own, as LAYOUT, and by its name in LAYOUTS."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from seglossbench.data.cases import CaseIndex
from seglossbench.params import DatasetParams


@dataclass(frozen=True)
class Layout:
    """How a layout is recognised and read, and what it looks like, in words.

    ``matches`` says whether a folder has it, and ``index`` finds the labelled cases of one that has.
    """

    matches: Callable[[Path], bool]
    index: Callable[[Path, DatasetParams], CaseIndex]
    looks: str
    has_regions: bool = False  # or may have them, where the dataset itself says
