"""Losses by name: terms of (logits, truth), and compounds of them as data."""

from seglossbench.losses.deep_supervision import Logits, scale_weights, supervised_terms
from seglossbench.losses.loss import Loss, NonFiniteLogitsError, build, check_logits
from seglossbench.losses.prediction import Prediction
from seglossbench.losses.terms import Term, register
from seglossbench.params.losses import Spec
from seglossbench.registry import LOSSES, TERMS

__all__ = [
    "LOSSES",
    "TERMS",
    "Logits",
    "Loss",
    "NonFiniteLogitsError",
    "Prediction",
    "Spec",
    "Term",
    "build",
    "check_logits",
    "register",
    "scale_weights",
    "supervised_terms",
]
