"""Distance maps: paper B's rectified and boundary maps, and the weights of distance-penalised Dice.

The classes partition the volume, so the distance of every voxel to the edge of its own class comes from one
multi-label Euclidean distance transform, whatever the number of classes. Distances are between voxel centres, in
voxels (as in the released code) or, with ``spacing_mm``, in millimetres. The outside of the volume is no edge.

A class that is absent from a volume, or alone in it, has no edge and so no distances. What stands in their place is
``degenerate``: "defined", values that teach nothing wrong, or "released", what paper B's code was run with.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import edt
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seglossbench.maps.labels import check_labels, on_host
from seglossbench.maps.store import STEPS

if TYPE_CHECKING:
    from seglossbench.maps.truth import Degenerate, Truth

Labels = NDArray[np.integer]
Floats = NDArray[np.float32]


def inside_distance(
    labels: Labels, spacing_mm: Sequence[float] | None = None, degenerate: Degenerate = "defined"
) -> Floats:
    """Distance from every voxel to the nearest voxel of another class.

    ``labels``: (*spatial) integer >= 0. Returns (*spatial) float32 > 0, in voxels or mm. In a volume of one class
    no edge exists: "defined", the distance is 1 everywhere; "released", it is scipy's, to a point that lies before the
    first voxel along the first axis. Raises InputError for labels that are no label map, as do the maps made of it.
    """
    check_labels(labels)
    objects: NDArray[np.unsignedinteger] = labels.astype(np.uint8 if labels.max() < 255 else np.uint32)
    distance = _transform(objects + 1, spacing_mm)  # the transform takes 0 for no object
    if np.isinf(distance.flat[0]):  # infinite here is infinite everywhere: there is one class
        return _ramp(labels.shape, spacing_mm) if degenerate == "released" else np.ones_like(distance)
    return distance


def rectified_distance(
    labels: Labels, spacing_mm: Sequence[float] | None = None, degenerate: Degenerate = "defined"
) -> Floats:
    """Inside distance divided by the largest one of the same class: d in (0, 1], 1 at the heart of every class.

    Paper B's rectified map of class c is ``-d`` inside the class and +1 elsewhere, so this one scalar map holds it
    for all classes. ``labels``: (*spatial) integer >= 0. Returns (*spatial) float32.
    """
    return rectify(labels, inside_distance(labels, spacing_mm, degenerate))


def distance_penalty(labels: Labels, spacing_mm: Sequence[float] | None = None) -> Floats:
    """Weight of every voxel in distance-penalised Dice: 2 at the edge of its class, falling to 1 at its heart.

    ``1 + (max - d) / (max - min + 1e-4)`` with the extremes of the inside distance d over the voxel's own class
    (paper A's baseline, released code). ``labels``: (*spatial) integer >= 0. Returns (*spatial) float32.
    """
    distance = inside_distance(labels, spacing_mm)
    scale = penalty_scale(labels, distance)
    return 1 + (1 - rectify(labels, distance)) * scale[labels]


def boundary(
    labels: Labels,
    num_classes: int,
    spacing_mm: Sequence[float] | None = None,
    degenerate: Degenerate = "defined",
) -> Floats:
    """Signed distance of every class: positive outside, negative inside (paper B's boundary map, released code).

    A class that is absent or alone: "defined", it has the map 0, as in the boundary loss of Kervadec et al. 2019;
    "released", one that is alone has scipy's distances inside, and an absent one those outside of the class before it,
    left over in a loop (before the first class that is there, where that loop stops with an error, 0). ``labels``:
    (*spatial) integer in [0, num_classes). Returns (num_classes, *spatial) float32, in voxels or mm.
    """
    check_labels(labels, num_classes)
    inside = inside_distance(labels, spacing_mm, degenerate)
    outside = np.zeros(labels.shape, np.float32)
    signed = np.zeros((num_classes, *labels.shape), np.float32)
    for index, present in enumerate(np.bincount(labels.ravel(), minlength=num_classes)):
        if 0 < present < labels.size:
            other = labels != index
            outside = _transform(other, spacing_mm)
            np.subtract(outside, inside * ~other, out=signed[index])
        elif degenerate == "released":
            signed[index] = -inside if present else outside
    return signed


# Of a batch on a GPU these come to the host and back: exact distances need a transform, which edt and SciPy have for
# CPUs alone, and CuPy's, for NVIDIA's GPUs, would be a second one with roundings of its own. So processes make these
# maps ahead (training.prefetch).


def rectified_of(labels: Tensor, truth: Truth) -> Tensor:
    """The rectified distances of the label maps of ``truth`` (N, *spatial), in its units."""
    return on_host(lambda volume: rectified_distance(volume, truth.spacing_mm, truth.degenerate), labels)


def distance_penalty_of(labels: Tensor, truth: Truth) -> Tensor:
    """The distance penalties of the label maps of ``truth`` (N, *spatial), in its units."""
    return on_host(lambda volume: distance_penalty(volume, truth.spacing_mm), labels)


def boundary_of(labels: Tensor, truth: Truth) -> Tensor:
    """The boundary maps of the label maps of ``truth`` (N, *spatial), in its units: (N, num_classes, *spatial)."""
    return on_host(
        lambda volume: boundary(volume, truth.num_classes, truth.spacing_mm, truth.degenerate), labels
    )


def distances_to_store(labels: Labels, spacing_mm: Sequence[float] | None) -> dict[str, NDArray[np.generic]]:
    """What rectified distances and penalties of a whole label map follow from, by the names in the store."""
    distance = inside_distance(labels, spacing_mm)
    scale = penalty_scale(labels, distance)  # of the distance before it is rectified in place
    return {
        "rectified": np.rint(rectify(labels, distance) * STEPS).astype(np.uint16),
        "penalty_scale": scale,
    }


def rectify(labels: Labels, distance: Floats) -> Floats:
    """``distance`` (*spatial), in place, divided by the largest one of each voxel's class."""
    distance /= _extreme_by_class(labels, distance, np.maximum)[labels]
    return distance


def penalty_scale(labels: Labels, distance: Floats) -> Floats:
    """Per class, ``s = max / (max - min + 1e-4)`` of the inside distance: penalty = 1 + (1 - rectified) * s."""
    deepest = _extreme_by_class(labels, distance, np.maximum)
    edge = _extreme_by_class(labels, distance, np.minimum)
    return deepest / (deepest - edge + np.float32(1e-4))


def _extreme_by_class(labels: Labels, values: Floats, reduce: np.ufunc) -> Floats:
    """The maximum or minimum of ``values`` over every class, 1 for an absent class; index it by label."""
    extreme = np.full(int(labels.max()) + 1, -np.inf if reduce is np.maximum else np.inf, np.float32)
    reduce.at(extreme, labels.ravel(), values.ravel())
    extreme[np.isinf(extreme)] = 1
    return extreme


def _ramp(shape: tuple[int, ...], spacing_mm: Sequence[float] | None) -> Floats:
    """What scipy's transform makes of a mask without an edge: distances to one voxel before the first one."""
    places = np.indices(shape, dtype=np.float64, sparse=True)
    sizes = spacing_mm if spacing_mm is not None else (1.0,) * len(shape)
    squares = [
        (size * (place + (axis == 0))) ** 2
        for axis, (size, place) in enumerate(zip(sizes, places, strict=True))
    ]
    ramp: Floats = np.sqrt(sum(squares)).astype(np.float32)
    return ramp


def _transform(objects: NDArray[np.generic], spacing_mm: Sequence[float] | None) -> Floats:
    """Distance of every non-zero voxel to the nearest voxel of another value, the outside not counting."""
    spacing = tuple(spacing_mm) if spacing_mm is not None else (1.0,) * objects.ndim
    if objects.dtype == bool:
        objects = objects.view(np.uint8)  # the transform takes three times as long over bool
    threads = torch.get_num_threads()  # one in a data loader's worker, else what the job was given
    # Where a row's length is a multiple of 16, voxels of neighbouring rows share the same few places of the cache. Rows
    # made longer by their last voxel's value are a fifth faster and have the same distances: no edge comes nearer.
    surplus = 4 if objects.shape[-1] % 16 == 0 else 0
    padded = np.pad(objects, [(0, 0)] * (objects.ndim - 1) + [(0, surplus)], mode="edge")
    distance: Floats = edt.edt(padded, anisotropy=spacing, black_border=False, parallel=threads)
    return distance[..., : objects.shape[-1]]
