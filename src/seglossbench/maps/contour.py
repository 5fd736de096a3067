"""Contours: the one-voxel rim inside every class, paper A's map, for all classes in one pass."""

import math

import numpy as np
from numpy.typing import NDArray

from seglossbench.errors import InputError

_SLAB_VOXELS = 2**17
"""Voxels worked on at a time: the slab and what is computed of it fit into a core's cache, twice as fast."""


def contour(labels: NDArray[np.integer], kernel: int = 3) -> NDArray[np.uint8]:
    """The union of the contours of all classes, background too, of one label map.

    A voxel is on the contour of its own class when the ``kernel``-wide box around it holds another label or leaves
    the volume. As the classes partition the volume, the contour of class c is ``contour(labels) & (labels == c)``,
    bitwise equal to ``mask & ~binary_erosion(mask, ones(kernel))`` for every class's mask (paper A, released code).

    ``labels``: (*spatial) integer, 2D or 3D. ``kernel``: width of the box in voxels, at least 2; an even box
    reaches one voxel further towards the origin (scipy's centring). Returns (*spatial) uint8, 0 or 1.
    Raises InputError for a kernel below 2.
    """
    if kernel < 2:
        raise InputError(f"kernel is {kernel}, expected a width of 2 voxels or more")
    result = np.ones(labels.shape, np.uint8)  # the answer where the box leaves the volume
    if min(labels.shape) >= kernel:
        inside = tuple(slice(kernel // 2, kernel // 2 + size - kernel + 1) for size in labels.shape)
        boxes = result[inside]
        planes = max(1, _SLAB_VOXELS // math.prod(labels.shape[1:]))
        for start in range(0, len(boxes), planes):
            boxes[start : start + planes] = _varies(labels[start : start + planes + kernel - 1], kernel)
    return result


def _varies(labels: NDArray[np.integer], kernel: int) -> NDArray[np.bool_]:
    """Whether a box holds more than one label, for every box that fits in, at the index of its first voxel.

    A box grows by one voxel along an axis: the longer one varies if either of the two shorter ones in it does, or
    if the two have different labels. Works on the flat array, where a step along an axis is a shift; the boxes that
    this wraps around the volume's edges are cut off at the end.
    """
    flat = np.ascontiguousarray(labels).ravel()
    varies: NDArray[np.bool_] | None = None
    for axis in range(labels.ndim):
        step = math.prod(labels.shape[axis + 1 :])
        same_size = flat if varies is None else flat[: varies.size]
        longer = same_size[:-step] != same_size[step:]
        if varies is not None:
            longer |= varies[:-step]
            longer |= varies[step:]
        for _ in range(kernel - 2):
            longer = longer[:-step] | longer[step:]
        varies = longer
    assert varies is not None
    boxes = np.empty(labels.shape, bool)
    boxes.ravel()[: varies.size] = varies
    return boxes[tuple(slice(size - kernel + 1) for size in labels.shape)]
