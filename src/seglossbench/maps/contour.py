"""Contours: the one-voxel rim inside every class, paper A's map, for all classes in one pass."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seglossbench.errors import InputError
from seglossbench.maps.labels import check_labels
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
    if kernel < 2:
        raise InputError(f"kernel is {kernel}, expected a width of 2 voxels or more")
    if min(labels.shape) < kernel:
        return np.ones(labels.shape, np.uint8)
    steps = [math.prod(labels.shape[axis + 1 :]) for axis in range(labels.ndim)]
    to_last, to_centre = (kernel - 1) * sum(steps), kernel // 2 * sum(steps)
    result = np.empty(labels.shape, np.uint8)
    flat, marks = np.ascontiguousarray(labels).ravel(), result.view(bool).ravel()
    for start in range(0, flat.size - to_last, _CHUNK):
        varies = _varies(flat[start : start + _CHUNK + to_last], steps, kernel)
        marks[start + to_centre : start + to_centre + varies.size] = varies
    for axis in range(labels.ndim):
        layers = np.moveaxis(result, axis, 0)
        layers[: kernel // 2] = 1  # the box leaves the volume
        layers[len(layers) - (kernel - 1) // 2 :] = 1
    return result


def contour_of(labels: NDArray[np.integer], truth: "Truth") -> NDArray[np.uint8]:
    """The contour of a label map of ``truth``, as wide as that says."""
    return contour(labels, truth.contour_kernel)


def contours_to_store(
    labels: NDArray[np.integer], spacing_mm: Sequence[float] | None
) -> dict[str, NDArray[np.generic]]:
    """The contours of a whole label map as bits of one array, by its name in the store; none depends on the spacing."""
    contours = np.zeros(labels.shape, np.uint8)
    for kernel, bit in CONTOUR_BIT.items():
        contours |= contour(labels, kernel) * np.uint8(bit)
    return {"contour": contours}


def _varies(flat: NDArray[np.integer], steps: list[int], kernel: int) -> NDArray[np.bool_]:
    """Whether a box holds more than one label, for the box that starts at each voxel of a flat label map.

    A box grows by one voxel along an axis: the longer one varies if either of the two shorter ones in it does, or
    if the two have different labels. A step along an axis is a shift of the flat map by ``steps`` voxels; boxes that
    this wraps around the volume's edges mean nothing.
    """
    varies: NDArray[np.bool_] | None = None
    for step in steps:
        first = flat if varies is None else flat[: varies.size]
        longer = first[:-step] != first[step:]
        if varies is not None:
            longer |= varies[:-step]
            longer |= varies[step:]
        for _ in range(kernel - 2):
            longer = longer[:-step] | longer[step:]
        varies = longer
    assert varies is not None
    return varies
