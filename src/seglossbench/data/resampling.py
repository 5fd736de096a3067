"""Images and label maps on another grid over the same extent."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

_ORDER = {"nearest": 0, "linear": 1, "cubic": 3}


def resample(
    array: NDArray[Any], shape: Sequence[int], interpolation: str = "linear", coarse_axis: int | None = None
) -> NDArray[Any]:
    """``array`` (*spatial) on a grid of ``shape`` over the same extent.

    Along ``coarse_axis``, that of thick slices, the nearest slice is taken and nothing interpolated, as in nnU-Net.
    """
    if tuple(shape) == array.shape:
        return array
    order = _ORDER[interpolation]
    if coarse_axis is None or order == 0:
        return _zoom(array, shape, order)
    in_plane = [*shape]
    in_plane[coarse_axis] = array.shape[coarse_axis]
    slices = np.moveaxis(array, coarse_axis, 0)
    plane = [size for axis, size in enumerate(in_plane) if axis != coarse_axis]
    flat = np.moveaxis(np.stack([_zoom(piece, plane, order) for piece in slices]), 0, coarse_axis)
    return _zoom(flat, shape, 0)


def resample_labels(
    labels: NDArray[np.uint8],
    shape: Sequence[int],
    interpolation: Literal["nearest", "linear"] = "nearest",
    coarse_axis: int | None = None,
) -> NDArray[np.uint8]:
    """A label map on another grid, without values that it does not have.

    ``nearest`` takes the nearest voxel's class; ``linear`` interpolates the share of every class and takes the class
    of the largest one, the lower class on a tie, which gives smooth edges.
    """
    if tuple(shape) == labels.shape or interpolation == "nearest":
        return resample(labels, shape, "nearest")
    result = np.zeros(shape, np.uint8)
    largest = np.zeros(shape, np.float32)
    for value in np.flatnonzero(np.bincount(labels.ravel())):
        share = resample((labels == value).astype(np.float32), shape, "linear", coarse_axis)
        more = share > largest
        result[more] = value
        largest[more] = share[more]
    return result


def _zoom(array: NDArray[Any], shape: Sequence[int], order: int) -> NDArray[Any]:
    from scipy import ndimage

    if tuple(shape) == array.shape:
        return array
    factors = [new / old for new, old in zip(shape, array.shape, strict=True)]
    # Voxels are boxes: the grid's edges stay where they are, not the centres of its outermost voxels.
    zoomed: NDArray[Any] = ndimage.zoom(
        array, factors, order=order, mode="nearest", grid_mode=True, prefilter=order > 1
    )
    return zoomed
