"""The functions that compute the metrics of ``vocabulary.metrics``, by their names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seglossbench.errors import InputError, nearest
from seglossbench.evaluation.comparison import Comparison
from seglossbench.evaluation.overlap import OVERLAPS, Counts, relative_volume_difference
from seglossbench.evaluation.surface import (
    AVERAGE_DISTANCES,
    HAUSDORFF_DISTANCES,
    SurfaceDistances,
    voxel_nsd,
)
from seglossbench.vocabulary.conventions import HD95_CONVENTIONS
from seglossbench.vocabulary.metrics import USUAL, Kind, metric_named

Value = float | int | None


@dataclass(frozen=True)
class Measure:
    """A metric of one class with its function; its ``kind`` says which score of an empty policy it takes, if any."""

    name: str
    kind: Kind | None
    value: Callable[[Comparison], Value]
    surfels_within_mm: float = 0.0


def _of_counts(value: Callable[[Counts], Value]) -> Callable[[Comparison], Value]:
    return lambda comparison: value(comparison.counts)


def _of_distances(value: Callable[[SurfaceDistances], float]) -> Callable[[Comparison], float]:
    return lambda comparison: value(comparison.distances)


FUNCTIONS: dict[str, Callable[[Comparison], Value]] = {
    **{name: _of_counts(value) for name, value in OVERLAPS.items()},
    **{name: _of_distances(value) for name, value in {**HAUSDORFF_DISTANCES, **AVERAGE_DISTANCES}.items()},
    "RVD": _of_counts(relative_volume_difference),
    "TP": _of_counts(lambda counts: counts.TP),
    "FP": _of_counts(lambda counts: counts.FP),
    "FN": _of_counts(lambda counts: counts.FN),
    "truth_surface_voxels": lambda comparison: len(comparison.truth_surface),
    "prediction_surface_voxels": lambda comparison: len(comparison.prediction_surface),
}
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
        return Measure(name, metric.kind, FUNCTIONS[f"HD95_{hd95}" if name == "HD95" else name])
    function, tolerance_mm = OF_TOLERANCE[name.partition("@")[0]], metric.tolerance_mm
    surfels_within_mm = tolerance_mm if name.startswith("NSD@") else 0.0
    return Measure(name, metric.kind, lambda c: function(c, tolerance_mm), surfels_within_mm)
