"""When a training has diverged: a result like any other, with its epoch and its reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from seglossbench.params import CollapseParams
from seglossbench.records import HistoryRow
from seglossbench.vocabulary.tables import TRAIN, VALIDATION

MUST_BE_FINITE = ("loss", "gradient_norm")


@dataclass(frozen=True)
class Divergence:
    """The epoch, counted from 0, in which a training was found to have diverged, and by what."""

    epoch: int
    reason: str


def find_divergence(
    history: Sequence[HistoryRow], settings: CollapseParams, watched: str = VALIDATION
) -> Divergence | None:
    """The first divergence in a history, which alone decides it, so that a resumed training finds the same.

    Either the loss or the gradient is no finite number, or the prediction has collapsed: after the epochs of grace,
    so many validations in a row found a single class in all voxels of all cases. ``watched`` is the split whose cases
    tell, which no label of theirs is needed for.
    """
    collapsed = 0
    for row in history:
        if row.split == TRAIN and row.name in MUST_BE_FINITE and not isfinite(row.value):
            return Divergence(row.epoch, f"{row.name} is {row.value} in epoch {row.epoch}, step {row.step}")
        is_told = (row.split, row.name) == (watched, "predicted_classes")
        if is_told and row.epoch >= settings.grace_epochs:
            collapsed = collapsed + 1 if row.value == 1 else 0
            if collapsed == settings.validations:
                times = "validation" if collapsed == 1 else f"{collapsed} validations in a row"
                return Divergence(
                    row.epoch, f"one class is predicted everywhere in {times} up to epoch {row.epoch}"
                )
    return None
