"""The functions that compute the metrics of ``vocabulary.metrics``, by their names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from seglossbench.errors import InputError, nearest
from seglossbench.evaluation.comparison import Comparison
from seglossbench.evaluation.surface import voxel_nsd
from seglossbench.registry import METRICS
from seglossbench.vocabulary.conventions import HD95_CONVENTIONS
from seglossbench.vocabulary.metrics import USUAL, Kind, metric_named

Value = float | int | None
Function = TypeVar("Function", bound=Callable[[Comparison], Value])


@dataclass(frozen=True)
class Measure:
    """A metric of one class with its function; its ``kind`` says which score of an empty policy it takes, if any."""

    name: str
    kind: Kind | None
    value: Callable[[Comparison], Value]
    surfels_within_mm: float = 0.0


def register(
    name: str,
    *,
    better: Literal["higher", "lower", ""] = "",
    kind: Kind | None = None,
    unit: str = "",
    digits: int = 3,
    words: str = "",
) -> Callable[[Function], Function]:
    """Name a metric ``function(comparison) -> number or None``, which is computed of each class of each case.

    Which way is ``better``, its ``unit`` (``mm`` where the distances of the dataset are meant) and ``digits`` are those
    of its column; ``words`` say what it is, by default the docstring's first line. With a ``kind`` (overlap,
    hausdorff, average), the policy for empty masks decides the score where one is empty; without, the function is
    asked. All are given as literals: they are read before anything is imported.
    """
    return METRICS.register(name, better=better, kind=kind, unit=unit, digits=digits, words=words)


OF_TOLERANCE: dict[str, Callable[[Comparison, float], Value]] = {
    "NSD": lambda comparison, tolerance_mm: comparison.surfels.nsd(tolerance_mm),
    "NSD_voxel": lambda comparison, tolerance_mm: voxel_nsd(comparison.distances, tolerance_mm),
}


def metrics_named(names: Sequence[str], hd95: str = "pooled") -> tuple[Measure, ...]:
    """The metrics of those names, each once; raises InputError for an unknown name or convention of HD95."""
    if hd95 not in HD95_CONVENTIONS:
        raise InputError(f"hd95: unknown convention {hd95!r}; {nearest(str(hd95), HD95_CONVENTIONS)}")
    if isinstance(names, str) or not names or not all(isinstance(name, str) for name in names):
        raise InputError(f"metrics: expected a list of names such as {list(USUAL)}, found {names!r}")
    return tuple(_measure(name, hd95) for name in dict.fromkeys(names))


def _measure(name: str, hd95: str) -> Measure:
    try:
        metric = metric_named(name)
    except InputError as error:
        raise InputError(f"metrics: {error}") from None
    if metric.tolerance_mm is None:
        return Measure(name, metric.kind, METRICS.load(f"HD95_{hd95}" if name == "HD95" else name))
    function, tolerance_mm = OF_TOLERANCE[name.partition("@")[0]], metric.tolerance_mm
    surfels_within_mm = tolerance_mm if name.startswith("NSD@") else 0.0
    return Measure(name, metric.kind, lambda c: function(c, tolerance_mm), surfels_within_mm)
