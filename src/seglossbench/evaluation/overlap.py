"""Overlap of truth and prediction, from three counts of voxels per class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

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


class Counted(Protocol):
    """Truth and prediction of a class, of which the voxels were counted."""

    counts: Counts


# DSC, IoU, sensitivity and precision are from 0 (nothing in common) to 1 (equal), where both masks have voxels.


def DSC(compared: Counted) -> float:
    """Twice the common volume by the sum of both volumes."""
    n = compared.counts
    return 2 * n.TP / (n.truth + n.prediction)


def IoU(compared: Counted) -> float:
    """The common volume by the joint volume."""
    n = compared.counts
    return n.TP / (n.TP + n.FP + n.FN)


def sensitivity(compared: Counted) -> float:
    """The share of the truth that is predicted."""
    n = compared.counts
    return n.TP / n.truth


def precision(compared: Counted) -> float:
    """The share of the prediction that is true."""
    n = compared.counts
    return n.TP / n.prediction


def RVD(compared: Counted) -> float | None:
    """The volume that the prediction has more than the truth (less if negative), relative to the truth's."""
    n = compared.counts
    return (n.prediction - n.truth) / n.truth if n.truth else None


def TP(compared: Counted) -> int:
    """Voxels of both."""
    return compared.counts.TP


def FP(compared: Counted) -> int:
    """Voxels of the prediction alone."""
    return compared.counts.FP


def FN(compared: Counted) -> int:
    """Voxels of the truth alone."""
    return compared.counts.FN


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
