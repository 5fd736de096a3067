"""What a class scores when its truth, its prediction or both are empty: one table, a line per policy and case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from seglossbench.errors import InputError, nearest
from seglossbench.vocabulary.conventions import BRATS_MM, EmptyPolicy
from seglossbench.vocabulary.metrics import CATALOGUE, Kind
from seglossbench.vocabulary.tables import Status

DISTANCES = tuple(metric.name for metric in CATALOGUE.values() if metric.kind in ("hausdorff", "average"))


class Score(NamedTuple):
    """The score of each kind of metric: overlaps (DSC, NSD, ...), largest distances (HD, HD95), average ones (ASSD)."""

    overlap: float | None
    hausdorff: float | Literal["diagonal"] | None
    average: float | Literal["diagonal"] | None


@dataclass(frozen=True)
class Policy:
    """The scores of empty masks, and what else a paper's released code did to the scores of all masks.

    ``metrics`` are those that the policy knows, if not all. Where ``limits`` names a kind of distance, one above its
    first number is replaced by its second. The scores of a policy ``in_voxels`` are not comparable with any other's, so
    their metrics carry its name.
    """

    scores: Mapping[Status, Score]
    in_voxels: bool = False
    metrics: tuple[str, ...] = ()
    limits: Mapping[Kind, tuple[float, float]] = field(default_factory=dict)

    def check(self, names: Iterable[str]) -> None:
        """Raise InputError for the first metric that the policy has no score for."""
        _, undefined = self.defined_of(names)
        if undefined:
            known = ", ".join(self.metrics)
            raise InputError(f"metrics: this policy for empty masks has no {undefined[0]}; it has {known}")

    def defined_of(self, names: Iterable[str]) -> tuple[list[str], list[str]]:
        """Of metrics that take a score of empty masks those that the policy has a score for, and the others."""
        parts: tuple[list[str], list[str]] = ([], [])
        for name in names:
            parts[bool(self.metrics) and name not in self.metrics].append(name)
        return parts

    @property
    def scores_absent_classes(self) -> bool:
        """Whether a class that the truth lacks has a score, found or not, so that means may be over such cases."""
        return None not in (self.scores["truth_empty"].overlap, self.scores["both_empty"].overlap)

    def score(self, status: Status, kind: Kind, diagonal: float) -> float | None:
        """The score of a metric of one ``kind`` in a volume of that ``diagonal``, or None if undefined."""
        value: float | Literal["diagonal"] | None = getattr(self.scores[status], kind)
        return diagonal if value == "diagonal" else value


UNDEFINED = Score(None, None, None)

POLICIES: dict[EmptyPolicy, Policy] = {
    # Undefined where MONAI's Dice, IoU and HD95 are NaN and so drop out of its means. Its HD and average distances are
    # infinite where one mask is empty, and make the mean infinite; its NSD of a false alarm is 0 and counts.
    "drop": Policy(
        {
            "prediction_empty": Score(0.0, None, None),
            "truth_empty": UNDEFINED,
            "both_empty": UNDEFINED,
        }
    ),
    # nnU-Net's evaluator: every distance to nothing is NaN and drops out, and so do overlaps of two empty masks.
    # Its sensitivity and precision have rules of their own, and it has no NSD.
    "nnunet": Policy(
        {
            "prediction_empty": Score(0.0, None, None),
            "truth_empty": Score(0.0, None, None),
            "both_empty": UNDEFINED,
        },
        metrics=("DSC", "IoU", *DISTANCES),
    ),
    # The distance to nothing is infinite, as in google's surface-distance.
    "inf": Policy(
        {
            "prediction_empty": Score(0.0, np.inf, np.inf),
            "truth_empty": Score(0.0, np.inf, np.inf),
            "both_empty": Score(None, np.inf, np.inf),
        }
    ),
    # A miss and a false alarm are as bad as can be; where nothing was to be found and nothing was, there is no score.
    "diagonal": Policy(
        {
            "prediction_empty": Score(0.0, "diagonal", "diagonal"),
            "truth_empty": Score(0.0, "diagonal", "diagonal"),
            "both_empty": UNDEFINED,
        }
    ),
    "brats": Policy(
        {
            "prediction_empty": Score(0.0, BRATS_MM, BRATS_MM),
            "truth_empty": Score(0.0, BRATS_MM, BRATS_MM),
            "both_empty": Score(1.0, 0.0, 0.0),
        }
    ),
    # False alarms are skipped, far distances are replaced by nearer ones.
    "paper_a_released": Policy(
        {
            "prediction_empty": Score(0.0144, 20.0, 10.0),
            "truth_empty": UNDEFINED,
            "both_empty": UNDEFINED,
        },
        in_voxels=True,
        metrics=("DSC", *DISTANCES),
        limits={"hausdorff": (50.0, 20.0), "average": (20.0, 10.0)},
    ),
}


def policy_named(name: str) -> Policy:
    """The policy of that name; raises InputError that lists the known ones."""
    for known, policy in POLICIES.items():
        if known == name:
            return policy
    raise InputError(f"empty: {name!r} is no policy for empty masks; {nearest(str(name), list(POLICIES))}")


def status(truth_voxels: int, prediction_voxels: int) -> Status | None:
    """Which of the two masks is empty, or None when neither is."""
    if truth_voxels:
        return None if prediction_voxels else "prediction_empty"
    return "truth_empty" if prediction_voxels else "both_empty"


def diagonal_mm(shape: Sequence[int], spacing_mm: Sequence[float]) -> float:
    """The largest distance in mm that two voxels of the volume can have: from corner voxel to opposite corner voxel."""
    return float(np.linalg.norm((np.asarray(shape) - 1) * np.asarray(spacing_mm)))
