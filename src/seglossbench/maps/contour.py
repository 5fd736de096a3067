"""Contours: the one-voxel rim inside every class, paper A's map, for all classes in one pass."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seglossbench.errors import InputError
from seglossbench.maps.labels import check_labels, on_host
from seglossbench.maps.store import CONTOUR_BIT

if TYPE_CHECKING:
    from seglossbench.maps.truth import Truth

_CHUNK = 2**18
"""Voxels worked on at a time: they and what is computed of them fit into a core's cache, twice as fast."""


def contour(labels: NDArray[np.integer], kernel: int = 3) -> NDArray[np.uint8]:
    """The union of the contours of all classes, background too, of one label map.

    A voxel is on the contour of its own class when the ``kernel``-wide box around it holds another label or leaves
    the volume. As the classes partition the volume, the contour of class c is ``contour(labels) & (labels == c)``,
    bitwise equal to ``mask & ~binary_erosion(mask, ones(kernel))`` for every class's mask (paper A, released code).

    ``labels``: (*spatial) integer, 2D or 3D. ``kernel``: width of the box in voxels, at least 2; an even box
    reaches one voxel further towards the origin (scipy's centring). Returns (*spatial) uint8, 0 or 1.
    Raises InputError for a kernel below 2, or labels that are no label map.
    """
    check_labels(labels)
    result = np.empty(labels.shape, np.uint8)
    _mark(np.ascontiguousarray(labels).ravel(), result.view(bool).ravel(), labels.shape, kernel, _CHUNK)
    _mark_ends(result, kernel, labels.ndim)
    return result


def contours(labels: Tensor, kernel: int = 3) -> Tensor:
    """``contour`` of each label map of a batch (N, *spatial), by operations that every device has.

    None of them waits for the device, or copies to the host.
    """
    result = torch.empty_like(labels, dtype=torch.uint8, memory_format=torch.contiguous_format)
    flat = labels.contiguous().flatten()
    # As if the batch were one volume: a box that begins in one sample and ends in the next is beyond the ends of both.
    _mark(flat, result.view(torch.bool).flatten(), labels.shape[1:], kernel, len(flat))
    _mark_ends(result, kernel, labels.ndim - 1)
    return result


def contour_of(labels: Tensor, truth: "Truth") -> Tensor:
    """The contours of the label maps of ``truth`` (N, *spatial), as wide as that says, made where the labels are."""
    if labels.device.type == "cpu":
        return on_host(lambda volume: contour(volume, truth.contour_kernel), labels)
    return contours(labels, truth.contour_kernel)


def contours_to_store(
    labels: NDArray[np.integer], spacing_mm: Sequence[float] | None
) -> dict[str, NDArray[np.generic]]:
    """The contours of a whole label map as bits of one array, by its name in the store; none depends on the spacing."""
    contours = np.zeros(labels.shape, np.uint8)
    for kernel, bit in CONTOUR_BIT.items():
        contours |= contour(labels, kernel) * np.uint8(bit)
    return {"contour": contours}


# The three below take arrays and tensors alike, so that both have the same contours.


def _mark(flat: Any, marks: Any, shape: Sequence[int], kernel: int, chunk: int) -> None:
    """Set the flat ``marks`` of flat label maps of that shape where the box around a voxel holds another label.

    Those of boxes that leave the volume mean nothing.
    """
    if kernel < 2:
        raise InputError(f"kernel is {kernel}, expected a width of 2 voxels or more")
    steps = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    to_last, to_centre = (kernel - 1) * sum(steps), kernel // 2 * sum(steps)
    for start in range(0, len(flat) - to_last, chunk):
        varies = _varies(flat[start : start + chunk + to_last], steps, kernel)
        marks[start + to_centre : start + to_centre + len(varies)] = varies


def _mark_ends(marks: Any, kernel: int, axes: int) -> None:
    """Set the marks (..., *spatial) of all boxes that leave the volume along one of its axes, which come last."""
    for axis in range(-axes, 0):
        for end in (slice(kernel // 2), slice(max(0, marks.shape[axis] - (kernel - 1) // 2), None)):
            marks[(..., end, *[slice(None)] * (-axis - 1))] = 1


def _varies(flat: Any, steps: list[int], kernel: int) -> Any:
    """Whether a box holds more than one label, for the box that starts at each voxel of a flat label map.

    A box grows by one voxel along an axis: the longer one varies if either of the two shorter ones in it does, or
    if the two have different labels. A step along an axis is a shift of the flat map by ``steps`` voxels; boxes that
    this wraps around the volume's edges mean nothing.
    """
    varies = None
    for step in steps:
        first = flat if varies is None else flat[: len(varies)]
        longer = first[:-step] != first[step:]
        if varies is not None:
            longer |= varies[:-step]
            longer |= varies[step:]
        for _ in range(kernel - 2):
            longer = longer[:-step] | longer[step:]
        varies = longer
    assert varies is not None
    return varies
