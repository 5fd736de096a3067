"""The scores of one case: every metric of every class and region, in one pass over the two label maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from seglossbench.errors import InputError
from seglossbench.evaluation.comparison import Case, Comparison
from seglossbench.evaluation.empty import Policy, diagonal_mm, policy_named, status
from seglossbench.evaluation.metrics import Measure, metrics_named
from seglossbench.vocabulary.metrics import USUAL
from seglossbench.vocabulary.tables import STATUS, Status

Value = float | int | str | None
Record = TypedDict("Record", {"class": str, "metric": str, "value": Value})


def score_case(
    truth: NDArray[Any],
    prediction: NDArray[Any],
    spacing_mm: Sequence[float],
    *,
    classes: Mapping[str, Sequence[int]],
    metrics: Sequence[str] = USUAL,
    empty: str = "diagonal",
    hd95: str = "pooled",
) -> list[Record]:
    """The scores of two label maps (integers, 2D or 3D, of one shape), as records ``{class, metric, value}``.

    ``classes`` maps the name of a class or region to the label values that make it up; ``spacing_mm`` is the voxel
    size along each array axis. An undefined value is None; a class whose truth or prediction is empty has a record
    ``status`` more, which says ``prediction_empty``, ``truth_empty`` or ``both_empty``. Metrics are those of
    ``vocabulary.metrics``, policies for ``empty`` masks those of ``evaluation.empty``; ``hd95`` is the convention that
    the metric HD95 follows, ``pooled`` or ``max_directed``. Raises InputError for arguments that do not fit.
    """
    policy = policy_named(empty)
    wanted = metrics_named(metrics, hd95)
    policy.check([metric.name for metric in wanted if metric.kind])
    values_of = check_classes(classes)
    truth, prediction, spacing_mm = _checked_maps(truth, prediction, spacing_mm)
    # The metrics of a policy in voxels carry its name: they must not be averaged with those in mm.
    suffix = f"_{empty}" if policy.in_voxels else ""
    unit_mm = (1.0,) * truth.ndim if policy.in_voxels else spacing_mm
    diagonal = diagonal_mm(truth.shape, unit_mm)

    case = Case(truth, prediction, unit_mm, (value for values in values_of.values() for value in values))
    tolerance_mm = max(metric.surfels_within_mm for metric in wanted)
    records: list[Record] = []
    for name, values in values_of.items():
        comparison = Comparison(case, values, tolerance_mm)
        emptiness = status(comparison.counts.truth, comparison.counts.prediction)
        for metric in wanted:
            value = _value(metric, comparison, policy, emptiness, diagonal)
            records.append({"class": name, "metric": metric.name + suffix, "value": value})
        if emptiness:
            records.append({"class": name, "metric": STATUS, "value": emptiness})
    return records


def check_classes(classes: Mapping[str, Sequence[int]]) -> dict[str, tuple[int, ...]]:
    """The different label values of each class; raises InputError for a class without values."""
    if not classes:
        raise InputError("classes: none given; name at least one, such as ET=4")
    for name, values in classes.items():
        if not values:
            raise InputError(f"classes: {name}: no label values; give at least one, such as {name}=1")
    return {name: tuple(sorted({int(value) for value in values})) for name, values in classes.items()}


def _value(
    metric: Measure, comparison: Comparison, policy: Policy, emptiness: Status | None, diagonal: float
) -> float | int | None:
    if metric.kind is None:
        return metric.value(comparison)
    if emptiness:
        return policy.score(emptiness, metric.kind, diagonal)
    value = metric.value(comparison)
    limit, instead = policy.limits.get(metric.kind, (np.inf, np.inf))
    return instead if value is not None and value > limit else value


def _checked_maps(
    truth: NDArray[Any], prediction: NDArray[Any], spacing_mm: Sequence[float]
) -> tuple[NDArray[Any], NDArray[Any], tuple[float, ...]]:
    """The maps and the spacing in the order in which the arrays lie in memory, which no metric depends on."""
    truth, prediction = np.asarray(truth), np.asarray(prediction)
    spacing_mm = tuple(float(size) for size in spacing_mm)
    for name, labels in (("truth", truth), ("prediction", prediction)):
        if labels.dtype.kind not in "biu":
            raise InputError(f"{name}: label maps hold integers, found {labels.dtype}; convert it first")
    if truth.shape != prediction.shape:
        raise InputError(
            f"truth has shape {truth.shape}, prediction {prediction.shape}; they must be of one shape"
        )
    if truth.ndim not in (2, 3) or len(spacing_mm) != truth.ndim:
        raise InputError(
            f"truth has {truth.ndim} axes and spacing_mm {len(spacing_mm)} values; both need 2 or both 3"
        )
    if not all(0 < size < np.inf for size in spacing_mm):
        raise InputError(f"spacing_mm: voxel sizes are positive numbers of mm, found {spacing_mm}")
    if truth.flags.f_contiguous and not truth.flags.c_contiguous:
        return truth.T, prediction.T, spacing_mm[::-1]
    return truth, prediction, spacing_mm
