"""The scores of one case: every metric of every class and region, in one pass over the two label maps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from seglossbench.errors import InputError
from seglossbench.evaluation.comparison import Case, Comparison
from seglossbench.evaluation.empty import Policy, diagonal_mm, policy_named, status
from seglossbench.evaluation.metrics import Measure, metrics_named
from seglossbench.vocabulary.metrics import IN_VOXELS, USUAL
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
    ignore: int | None = None,
) -> list[Record]:
    """The scores of two label maps (integers, 2D or 3D, of one shape), as records ``{class, metric, value}``.

    ``classes`` maps the name of a class or region to the label values that make it up; ``spacing_mm`` is the voxel
    size along each array axis. An undefined value is None; a class whose truth or prediction is empty has a record
    ``status`` more, which says ``prediction_empty``, ``truth_empty`` or ``both_empty``. Metrics are those of
    ``vocabulary.metrics``, policies for ``empty`` masks those of ``evaluation.empty``; ``hd95`` is the convention that
    the metric HD95 follows, ``pooled`` or ``max_directed``. Voxels whose truth is ``ignore`` are background in both
    maps. Raises InputError that names the argument that does not fit.
    """
    policy, wanted = check_conventions(metrics, empty, hd95)
    values_of = check_classes(classes, ignore)
    truth, prediction, spacing_mm = _checked_maps(truth, prediction, spacing_mm)
    if ignore is not None:
        counts = truth != ignore
        truth, prediction = truth * counts, prediction * counts
    # The metrics of a policy in voxels carry its name: they must not be averaged with those in mm.
    suffix = IN_VOXELS if policy.in_voxels else ""
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


def check_conventions(metrics: Sequence[str], empty: str, hd95: str) -> tuple[Policy, tuple[Measure, ...]]:
    """The policy for empty masks and the metrics of those names; raises InputError that names the argument at fault."""
    policy, wanted = policy_named(empty), metrics_named(metrics, hd95)
    policy.check([metric.name for metric in wanted if metric.kind])
    return policy, wanted


def check_classes(
    classes: Mapping[str, Sequence[int]], ignore: int | None = None
) -> dict[str, tuple[int, ...]]:
    """The different label values of each class; raises InputError for a class without values, or an ignored one."""
    if not isinstance(classes, Mapping):
        raise InputError(
            f"classes: expected names and their label values, such as {{'ET': [4]}}, found {classes!r}"
        )
    if not classes:
        raise InputError("classes: none given; name at least one, such as ET=4")
    if ignore is not None and not _is_label(ignore):
        raise InputError(f"ignore: a label value is a whole number, found {ignore!r}")
    return {str(name): _values(f"classes: {name}", values, ignore) for name, values in classes.items()}


def _values(where: str, given: object, ignore: int | None) -> tuple[int, ...]:
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise InputError(f"{where}: expected a list of label values, such as [4], found {given!r}")
    values = list(given)
    if not values:
        raise InputError(f"{where}: no label values; give at least one, such as [1]")
    for value in values:
        if not _is_label(value):
            raise InputError(f"{where}: a label value is a whole number, found {value!r}")
        if value == ignore:
            raise InputError(f"{where}: label {value} is ignored; leave it out")
    return tuple(sorted({int(value) for value in values}))


def _is_label(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


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
    truth, prediction = _array("truth", truth), _array("prediction", prediction)
    spacing_mm = _sizes(spacing_mm)
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


def _array(name: str, labels: Any) -> NDArray[Any]:
    try:
        return np.asarray(labels)
    except ValueError as error:
        raise InputError(f"{name}: no array: {error}") from None


def _sizes(spacing_mm: object) -> tuple[float, ...]:
    try:
        if isinstance(spacing_mm, Iterable) and not isinstance(spacing_mm, str):
            return tuple(float(size) for size in spacing_mm)
    except (TypeError, ValueError):
        pass
    raise InputError(
        f"spacing_mm: expected the voxel size in mm along each axis, such as (1, 1, 3), found {spacing_mm!r}"
    )
