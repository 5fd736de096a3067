"""The conventions that scores follow, by the names that params, commands and reports use, each in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

HD95Convention = Literal["pooled", "max_directed"]
EmptyPolicy = Literal["diagonal", "drop", "nnunet", "inf", "brats", "paper_a_released"]

HD95_CONVENTIONS: tuple[HD95Convention, ...] = get_args(HD95Convention)
Missing = Literal["error", "empty", "skip"]
"""What a truth without prediction is: a fault, a prediction of nothing, or left out."""
EMPTY_POLICIES: tuple[EmptyPolicy, ...] = get_args(EmptyPolicy)

MISSING: tuple[Missing, ...] = get_args(Missing)

BRATS_MM = 373.12866
"""What BraTS gives for a missed class: the diagonal of 240 x 240 x 155 voxels of 1 mm."""

_WORDS: dict[HD95Convention | EmptyPolicy, str] = {
    "pooled": "the 95th percentile of the surface distances of both directions taken together (MedPy's)",
    "max_directed": "the larger of the two directions' 95th percentiles (MONAI's)",
    "diagonal": (
        "a missed class or a false alarm has DSC 0 and, as its distance, the diagonal of the volume; "
        "where both masks are empty there is no score"
    ),
    "drop": "a missed class has DSC 0 and no distance; a class that the truth lacks has no score",
    "nnunet": (
        "a missed class or a false alarm has DSC 0 and no distance; where both masks are empty there is no score "
        "(nnU-Net's evaluator)"
    ),
    "inf": "a missed class or a false alarm has DSC 0 and an infinite distance; two empty masks have no DSC and an "
    "infinite distance (google's surface-distance)",
    "brats": (
        f"a missed class or a false alarm has DSC 0 and distance {BRATS_MM}; two empty masks have DSC 1 and distance 0"
    ),
    "paper_a_released": (
        "as the code released with arXiv 2407.06176: distances in voxels; a missed class has DSC 0.0144, HD and HD95 "
        "20 and average distances 10, a false alarm is skipped; an HD or HD95 above 50 is replaced by 20, an average "
        "distance above 20 by 10"
    ),
}


def explained(name: str) -> str:
    """The name of a convention with what it means; any other text as it is."""
    meaning = {str(known): words for known, words in _WORDS.items()}.get(name)
    return f"{name}: {meaning}" if meaning else name


@dataclass(frozen=True)
class Conventions:
    """How the scores of a table were made; ``hd95`` is empty where no metric needs it.

    ``distance_unit`` is mm, px or voxels; ``ignored_label`` the one whose voxels were left out; ``scored_as_empty`` are
    the cases without prediction, ``left_out`` those without one of the two files.
    """

    hd95: str
    empty: str
    distance_unit: str
    ignored_label: int | None = None
    scored_as_empty: Sequence[str] = ()
    left_out: Sequence[str] = ()
