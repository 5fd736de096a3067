"""Overlap of truth and prediction, from three counts of voxels per class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Counts:
    """The voxels of one class: true positives, false positives, false negatives."""

    TP: int
    FP: int
    FN: int

    @property
    def truth(self) -> int:
        """The size of the truth in voxels."""
        return self.TP + self.FN

    @property
    def prediction(self) -> int:
        """The size of the prediction in voxels."""
        return self.TP + self.FP


OVERLAPS: dict[str, Callable[[Counts], float]] = {
    "DSC": lambda n: 2 * n.TP / (n.truth + n.prediction),
    "IoU": lambda n: n.TP / (n.TP + n.FP + n.FN),
    "sensitivity": lambda n: n.TP / n.truth,
    "precision": lambda n: n.TP / n.prediction,
}
"""Metrics from 0 (nothing in common) to 1 (equal), of a truth and a prediction that both have voxels."""


def relative_volume_difference(counts: Counts) -> float | None:
    """The volume that the prediction has more than the truth (less if negative), relative to the truth's."""
    return (counts.prediction - counts.truth) / counts.truth if counts.truth else None


def confusion(truth: NDArray[np.uint8], prediction: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The number of voxels (256, 256) that have code i in the truth and code j in the prediction, but for (0, 0)."""
    voxels = np.zeros(256 * 256, np.int64)
    for truth_part, prediction_part in zip(truth, prediction, strict=True):
        foreground = (truth_part | prediction_part) != 0
        pairs = truth_part[foreground] * np.uint16(256) + prediction_part[foreground]
        voxels += np.bincount(pairs, minlength=voxels.size)
    return voxels.reshape(256, 256)


def counts_of(codes: Sequence[int], confusion: NDArray[Any]) -> Counts:
    """The counts of the class that the label ``codes`` make up, from the ``confusion`` of the two label maps."""
    both = int(confusion[np.ix_(codes, codes)].sum())
    truth, prediction = int(confusion[codes].sum()), int(confusion[:, codes].sum())
    return Counts(TP=both, FP=prediction - both, FN=truth - both)
