"""The metrics by their names.

``DSC, IoU, sensitivity, precision`` go from 0 to 1. ``HD, HD95, ASSD, ASD_pooled`` are in mm; HD95 follows the
convention asked for, ``HD95_pooled`` (MedPy's) and ``HD95_max_directed`` (MONAI's) say theirs. ``NSD@1mm``, with any
tolerance, is of surface area (google's surface-distance), ``NSD_voxel@1mm`` of surface voxels (MONAI's). ``RVD`` is
the prediction's volume relative to the truth's, minus 1. Raw counts are ``TP, FP, FN, truth_surface_voxels,
prediction_surface_voxels``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seglossbench.errors import InputError, nearest
from seglossbench.evaluation.comparison import Comparison
from seglossbench.evaluation.empty import Kind
from seglossbench.evaluation.overlap import OVERLAPS, Counts, relative_volume_difference
from seglossbench.evaluation.surface import (
    AVERAGE_DISTANCES,
    HAUSDORFF_DISTANCES,
    SurfaceDistances,
    voxel_nsd,
)
from seglossbench.params.metrics import WITH_TOLERANCE, unknown_metric

HD95_CONVENTIONS = ("pooled", "max_directed")
DEFAULT_METRICS = ("DSC", "HD", "HD95", "ASSD")


@dataclass(frozen=True)
class Metric:
    """A metric of one class; its ``kind`` says which score of an empty policy it takes, None that it takes none."""

    name: str
    kind: Kind | None
    value: Callable[[Comparison], float | int | None]
    surfels_within_mm: float = 0.0


def _of_counts(value: Callable[[Counts], float | int | None]) -> Callable[[Comparison], float | int | None]:
    return lambda comparison: value(comparison.counts)


def _of_distances(value: Callable[[SurfaceDistances], float]) -> Callable[[Comparison], float]:
    return lambda comparison: value(comparison.distances)


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        *(Metric(name, "overlap", _of_counts(value)) for name, value in OVERLAPS.items()),
        *(Metric(name, "hausdorff", _of_distances(value)) for name, value in HAUSDORFF_DISTANCES.items()),
        *(Metric(name, "average", _of_distances(value)) for name, value in AVERAGE_DISTANCES.items()),
        Metric("RVD", None, _of_counts(relative_volume_difference)),
        Metric("TP", None, _of_counts(lambda counts: counts.TP)),
        Metric("FP", None, _of_counts(lambda counts: counts.FP)),
        Metric("FN", None, _of_counts(lambda counts: counts.FN)),
        Metric("truth_surface_voxels", None, lambda comparison: len(comparison.truth_surface)),
        Metric("prediction_surface_voxels", None, lambda comparison: len(comparison.prediction_surface)),
    )
}


def metrics_named(names: Sequence[str], hd95: str = "pooled") -> tuple[Metric, ...]:
    """The metrics of those names, each once; raises InputError for an unknown name or convention of HD95."""
    if hd95 not in HD95_CONVENTIONS:
        raise InputError(f"hd95: unknown convention {hd95!r}; {nearest(hd95, HD95_CONVENTIONS)}")
    if isinstance(names, str) or not names:
        raise InputError(
            f"metrics: expected a list of names such as {list(DEFAULT_METRICS)}, found {names!r}"
        )
    return tuple(_metric_named(name, hd95) for name in dict.fromkeys(names))


def _metric_named(name: str, hd95: str) -> Metric:
    if name == "HD95":
        return Metric(name, "hausdorff", METRICS[f"HD95_{hd95}"].value)
    if match := WITH_TOLERANCE.fullmatch(name):
        tolerance_mm = float(match[2])
        if match[1] == "NSD":
            return Metric(name, "overlap", lambda c: c.surfels.nsd(tolerance_mm), tolerance_mm)
        return Metric(name, "overlap", lambda c: voxel_nsd(c.distances, tolerance_mm))
    if wrong := unknown_metric(name):
        raise InputError(f"metrics: {wrong}")
    return METRICS[name]
