"""What the cases of a dataset are like: their shape, spacing, and how large each class is in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seglossbench.data.cases import Case
from seglossbench.data.geometry import orientation_of
from seglossbench.data.prepared import PreparedCase, PreparedDataset, distance_unit_of


@dataclass(frozen=True)
class CaseFacts:
    """One raw case: its axes in RAS order, and the size of each class but the background in mm³ (of 2D: mm²)."""

    case: str
    patient: str
    official: str
    modality: str
    shape: tuple[int, ...]
    spacing_mm: tuple[float, ...]
    class_sizes_mm: Mapping[str, float]
    distance_unit: str = "mm"
    """``px`` where the file does not tell the size of a pixel, which then counts as 1."""

    @property
    def size_mm(self) -> float:
        """The size of the whole scan, in the unit of its classes' sizes."""
        return float(np.prod(self.shape) * np.prod(self.spacing_mm))


def facts_of(
    case: Case | PreparedCase,
    shape: Sequence[int],
    affine: NDArray[np.float64],
    class_sizes_mm: Mapping[str, float],
    distance_unit: str,
) -> CaseFacts:
    """The facts of a case whose raw array has that shape and affine."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    order = orientation_of(affine, len(shape))[:, 0].argsort()
    return CaseFacts(
        case.name,
        case.patient,
        case.official or "",
        case.modality,
        tuple(int(shape[axis]) for axis in order),
        tuple(float(spacing[axis]) for axis in order),
        class_sizes_mm,
        distance_unit,
    )


def facts_of_prepared(dataset: PreparedDataset) -> list[CaseFacts]:
    """The facts of all prepared cases, without reading their voxels."""
    facts = []
    for case in dataset.cases.values():
        voxel_mm = float(np.prod(case.geometry.spacing_mm))
        counts = zip(dataset.foreground, case.voxels_per_class[1:], strict=True)
        sizes = {name: count * voxel_mm for name, count in counts}
        facts.append(
            facts_of(
                case,
                case.geometry.raw_shape,
                np.array(case.geometry.affine),
                sizes,
                distance_unit_of([case.truth]),
            )
        )
    return facts
