"""Truth and prediction side by side; what several metrics need is computed once, when one of them asks for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seglossbench.evaluation.grid import Codes, common_grid
from seglossbench.evaluation.nearest import Indices
from seglossbench.evaluation.overlap import confusion, counts_of
from seglossbench.evaluation.surface import (
    SurfaceDistances,
    surface_distances,
    surface_of_class,
    surface_voxels,
)
from seglossbench.evaluation.surfels import SurfelDistances, surfel_distances, surfels_of_class


class LabelMap:
    """One of the two label maps of a case, with the surfaces of all its labels."""

    def __init__(self, labels: Codes) -> None:
        self.labels = labels

    @cached_property
    def surface(self) -> Indices:
        """The voxels that differ from a neighbour, whatever their labels."""
        return surface_voxels(self.labels)

    @cached_property
    def surface_codes(self) -> Codes:
        """The codes of the surface voxels."""
        return self.labels.ravel()[self.surface]

    def surface_of(self, in_class: NDArray[np.bool_]) -> Indices:
        """The surface voxels of a class, the one that the codes with ``in_class`` (256) make up."""
        candidates = self.surface[in_class[self.surface_codes]]
        return surface_of_class(in_class, self.labels, candidates) if in_class.sum() > 1 else candidates


class Case:
    """Both label maps of a case (integers, *spatial) on their common grid, and how they overlap."""

    def __init__(
        self,
        truth: NDArray[Any],
        prediction: NDArray[Any],
        spacing_mm: Sequence[float],
        values: Iterable[int],
    ) -> None:
        truth_codes, prediction_codes, self.code_of = common_grid(truth, prediction, values)
        self.truth, self.prediction = LabelMap(truth_codes), LabelMap(prediction_codes)
        self.confusion = confusion(truth_codes, prediction_codes)
        self.shape = truth_codes.shape
        self.spacing_mm = tuple(float(size) for size in spacing_mm)


class Comparison:
    """Truth and prediction of one class, the one that the label ``values`` make up."""

    def __init__(self, case: Case, values: Iterable[int], surfels_within_mm: float = 0.0) -> None:
        self._case = case
        self._surfels_within_mm = surfels_within_mm
        codes = [case.code_of[value] for value in values]
        self._in_class = np.zeros(256, bool)
        self._in_class[codes] = True
        self.counts = counts_of(codes, case.confusion)

    @property
    def spacing_mm(self) -> tuple[float, ...]:
        """The size of a voxel along each axis of the masks; 1 where a policy measures in voxels."""
        return self._case.spacing_mm

    @cached_property
    def truth(self) -> NDArray[np.bool_]:
        """The mask of the class in the truth, in the box of both label maps with some voxels of nothing around it."""
        return self._in_class[self._case.truth.labels]

    @cached_property
    def prediction(self) -> NDArray[np.bool_]:
        """The mask of the class in the prediction, in the same box."""
        return self._in_class[self._case.prediction.labels]

    @cached_property
    def truth_surface(self) -> Indices:
        """The surface voxels of the class in the truth."""
        return self._case.truth.surface_of(self._in_class)

    @cached_property
    def prediction_surface(self) -> Indices:
        """The surface voxels of the class in the prediction."""
        return self._case.prediction.surface_of(self._in_class)

    @cached_property
    def distances(self) -> SurfaceDistances:
        """The distances in mm between the two surfaces."""
        case = self._case
        return surface_distances(self.truth_surface, self.prediction_surface, case.shape, case.spacing_mm)

    @cached_property
    def surfels(self) -> SurfelDistances:
        """The distances in mm between the elements of the two surfaces, up to the largest tolerance."""
        case = self._case
        return surfel_distances(
            surfels_of_class(self._in_class, case.truth.labels, self.truth_surface, case.spacing_mm),
            surfels_of_class(
                self._in_class, case.prediction.labels, self.prediction_surface, case.spacing_mm
            ),
            case.shape,
            case.spacing_mm,
            self._surfels_within_mm,
        )
