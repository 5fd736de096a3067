"""Losses by name: terms of (logits, truth), and compounds of them as data."""

from seglossbench.losses import contour, distance, distribution, region, region_wise
from seglossbench.losses.deep_supervision import Logits, scale_weights, supervised_terms
from seglossbench.losses.loss import Loss, NonFiniteLogitsError, build, check_logits
from seglossbench.losses.papers import PAPER_LOSSES, Spec
from seglossbench.losses.prediction import Prediction
from seglossbench.losses.terms import LOSSES, Term, register

__all__ = [
    "LOSSES",
    "PAPER_LOSSES",
    "Logits",
    "Loss",
    "NonFiniteLogitsError",
    "Prediction",
    "Spec",
    "Term",
    "build",
    "check_logits",
    "contour",
    "distance",
    "distribution",
    "region",
    "region_wise",
    "register",
    "scale_weights",
    "supervised_terms",
]
