"""Distances between the surfaces of truth and prediction, computed once per class; every distance metric reads them.

The surface of a class is its voxels with a face neighbour (an edge neighbour in 2D) outside it, as in MedPy and
MONAI; all that is beyond the volume's border is outside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

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


HAUSDORFF_DISTANCES: dict[str, Callable[[SurfaceDistances], float]] = {
    "HD": lambda d: float(d.pooled_mm.max()),
    "HD95_pooled": lambda d: float(np.percentile(d.pooled_mm, 95)),
    "HD95_max_directed": lambda d: float(max(np.percentile(side, 95) for side in d.sides_mm)),
    "HD95_prediction_to_truth": lambda d: float(np.percentile(d.prediction_to_truth_mm, 95)),
    "HD95_truth_to_prediction": lambda d: float(np.percentile(d.truth_to_prediction_mm, 95)),
}
"""The largest distances in mm."""

AVERAGE_DISTANCES: dict[str, Callable[[SurfaceDistances], float]] = {
    "ASSD": lambda d: float(d.pooled_mm.mean()),
    "MASD": lambda d: float(np.mean([side.mean() for side in d.sides_mm])),
    "ASD": lambda d: float(d.prediction_to_truth_mm.mean()),
    "ASD_truth_to_prediction": lambda d: float(d.truth_to_prediction_mm.mean()),
}
"""The mean distances in mm."""


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
