"""Distances between the surfaces of truth and prediction, computed once per class; every distance metric reads them.

The surface of a class is its voxels with a face neighbour (an edge neighbour in 2D) outside it, as in MedPy and
MONAI; all that is beyond the volume's border is outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from seglossbench.evaluation.grid import Codes, steps_of
from seglossbench.evaluation.nearest import Indices, distances_mm

_CHUNK = 2**18  # voxels at a time, so that they stay in the processor's cache


@dataclass(frozen=True)
class SurfaceDistances:
    """For every surface voxel of one side the distance in mm to the nearest surface voxel of the other side."""

    truth_to_prediction_mm: NDArray[np.float64]
    prediction_to_truth_mm: NDArray[np.float64]

    @property
    def sides_mm(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The distances of either direction by themselves."""
        return self.truth_to_prediction_mm, self.prediction_to_truth_mm

    @cached_property
    def pooled_mm(self) -> NDArray[np.float64]:
        """The distances of both directions in one set."""
        return np.concatenate(self.sides_mm)


class Surfaces(Protocol):
    """Truth and prediction of a class: the voxels of both surfaces, and how far they are from each other."""

    @property
    def truth_surface(self) -> Indices: ...  # noqa: D102
    @property
    def prediction_surface(self) -> Indices: ...  # noqa: D102
    @property
    def distances(self) -> SurfaceDistances: ...  # noqa: D102


def HD(compared: Surfaces) -> float:
    """The largest distance in mm."""
    return float(compared.distances.pooled_mm.max())


def HD95_pooled(compared: Surfaces) -> float:
    """The 95th percentile of the distances of both directions in mm."""
    return float(np.percentile(compared.distances.pooled_mm, 95))


def HD95_max_directed(compared: Surfaces) -> float:
    """The larger of the two directed 95th percentiles in mm."""
    return float(max(np.percentile(side, 95) for side in compared.distances.sides_mm))


def HD95_prediction_to_truth(compared: Surfaces) -> float:
    """The 95th percentile from the prediction to the truth in mm."""
    return float(np.percentile(compared.distances.prediction_to_truth_mm, 95))


def HD95_truth_to_prediction(compared: Surfaces) -> float:
    """The 95th percentile from the truth to the prediction in mm."""
    return float(np.percentile(compared.distances.truth_to_prediction_mm, 95))


def ASSD(compared: Surfaces) -> float:
    """The mean of the distances of both directions in mm."""
    return float(compared.distances.pooled_mm.mean())


def MASD(compared: Surfaces) -> float:
    """The mean of the two directed means in mm."""
    return float(np.mean([side.mean() for side in compared.distances.sides_mm]))


def ASD(compared: Surfaces) -> float:
    """The mean from the prediction to the truth in mm."""
    return float(compared.distances.prediction_to_truth_mm.mean())


def ASD_truth_to_prediction(compared: Surfaces) -> float:
    """The mean from the truth to the prediction in mm."""
    return float(compared.distances.truth_to_prediction_mm.mean())


def truth_surface_voxels(compared: Surfaces) -> int:
    """Voxels of the truth's surface."""
    return len(compared.truth_surface)


def prediction_surface_voxels(compared: Surfaces) -> int:
    """Voxels of the prediction's surface."""
    return len(compared.prediction_surface)


def voxel_nsd(distances: SurfaceDistances, tolerance_mm: float) -> float:
    """The share of both sides' surface voxels within ``tolerance_mm`` of the other side, up to rounding."""
    return float(np.mean(distances.pooled_mm <= tolerance_mm * (1 + 1e-6)))


def surface_voxels(labels: Codes) -> Indices:
    """The voxels of a framed label map that differ from a face neighbour; background has none."""
    flat = labels.ravel()
    rim = labels.strides[0]
    parts = []
    for start in range(rim, flat.size - rim, _CHUNK):
        stop = min(start + _CHUNK, flat.size - rim)
        here = flat[start:stop]
        surface = np.zeros(here.size, bool)
        for step in steps_of(labels):
            surface |= here != flat[start - step : stop - step]
            surface |= here != flat[start + step : stop + step]
        surface &= here != 0
        parts.append(np.flatnonzero(surface) + start)
    return np.concatenate(parts)


def surface_of_class(in_class: NDArray[np.bool_], labels: Codes, candidates: Indices) -> Indices:
    """Those of ``candidates``, voxels of a class of more than one label, that have a face neighbour outside it.

    ``in_class`` (256) says which codes make up the class.
    """
    flat = labels.ravel()
    inside = np.ones(candidates.size, bool)
    for step in steps_of(labels):
        inside &= in_class[flat[candidates - step]] & in_class[flat[candidates + step]]
    return candidates[~inside]


def surface_distances(
    truth: Indices, prediction: Indices, shape: Sequence[int], spacing_mm: Sequence[float]
) -> SurfaceDistances:
    """The distances in mm between two surfaces, each given as voxels of a framed grid of ``shape``."""
    return SurfaceDistances(
        truth_to_prediction_mm=distances_mm(truth, prediction, shape, spacing_mm),
        prediction_to_truth_mm=distances_mm(prediction, truth, shape, spacing_mm),
    )
