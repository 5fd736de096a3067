"""Compound losses as data: weighted terms, whose weights may follow a schedule of the epoch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from seglossbench.errors import InputError
from seglossbench.losses.prediction import Prediction
from seglossbench.losses.terms import Term, make_term
from seglossbench.maps import Truth, inverse_frequencies
from seglossbench.params.losses import Spec, spec_named, typed_loss


class NonFiniteLogitsError(InputError):
    """Logits that are NaN or infinite: to a caller bad input, to a training the sign that it diverged."""


@dataclass(frozen=True)
class Weight:
    """A weight that moves from ``start`` by ``per_epoch`` in every epoch until it has reached ``end``."""

    start: float
    end: float
    per_epoch: float = 0.0

    def at(self, epoch: int) -> float:
        """The weight in ``epoch``, counted from 0."""
        moved = self.start + self.per_epoch * epoch
        return min(moved, self.end) if self.end > self.start else max(moved, self.end)


@dataclass(frozen=True)
class Loss:
    """A weighted sum of terms, called as ``loss(logits, truth, epoch)``.

    Logits that are not finite make a loss that is not finite. On the CPU that raises InputError; on a GPU, where to
    look would make every step wait, it is for whoever reads the loss anyway to call ``check_logits``.
    """

    weighted_terms: tuple[tuple[Weight, Term], ...]

    @property
    def maps(self) -> frozenset[str]:
        """Names of the truth's maps that the loss reads."""
        return frozenset().union(*(term.maps for _, term in self.weighted_terms))

    def terms(self, logits: Tensor, truth: Truth, epoch: int = 0) -> dict[str, Tensor]:
        """Every term times its weight in this epoch, by name: their sum is the loss."""
        prediction = Prediction(logits, truth)
        values = {
            term.name: weight.at(epoch) * term(prediction, truth) for weight, term in self.weighted_terms
        }
        if logits.device.type == "cpu" and not all(torch.isfinite(value) for value in values.values()):
            check_logits(logits)
        return values

    def __call__(self, logits: Tensor, truth: Truth, epoch: int = 0) -> Tensor:
        """The loss, a scalar tensor, of logits (N, C, *spatial) in the given epoch, counted from 0."""
        first, *others = self.terms(logits, truth, epoch).values()
        return sum(others, start=first)


def check_logits(logits: Tensor) -> None:
    """NonFiniteLogitsError, an InputError, if any of the logits is not finite.

    On a GPU this waits for all the work under way.
    """
    wrong = int((~torch.isfinite(logits)).sum())
    if wrong:
        shape = tuple(logits.shape)
        raise NonFiniteLogitsError(
            f"logits of shape {shape} hold {wrong} values that are NaN or infinite, expected finite ones"
        )


TRAINING_SET = "training_set"
"""As a term's parameter: the class weights of the training set, the same in every batch."""


def build(spec: Spec | str, *, voxels_per_class: Sequence[int] | None = None) -> Loss:
    """The loss that ``spec`` describes: names of terms in TERMS to a weight, or to a weight and parameters.

    For example ``{"ce": 1.0, "rrw": 0.5}`` or ``{"focal": {"weight": 1.0, "gamma": 2.0}}``. The weight is 1 unless
    given, and a number or a schedule of the epoch ``{"from": 1.0, "to": 0.01, "per_epoch": -0.01}``.
    A name alone is a compound of LOSSES, such as ``"cwcd"``, or a term. A parameter "training_set" stands for the
    inverse class frequencies of all that it trains on, whose ``voxels_per_class`` (C,) are then needed.
    Raises InputError naming an unknown term or parameter, or a value that cannot be.
    """
    if isinstance(spec, str):
        spec = spec_named(spec)
    weights = None if voxels_per_class is None else _weights_of(voxels_per_class)
    typed = typed_loss(spec, "loss")
    return Loss(tuple(_weighted_term(name, entry, weights) for name, entry in typed.items()))


def _weights_of(voxels_per_class: Sequence[int]) -> tuple[float, ...]:
    """The inverse class frequencies of so many voxels of each class."""
    counts = torch.tensor(voxels_per_class, dtype=torch.float64)
    return tuple(inverse_frequencies(counts).tolist())


def _weighted_term(
    name: str, entry: float | Mapping[str, Any], weights: tuple[float, ...] | None
) -> tuple[Weight, Term]:
    parameters: dict[str, Any] = dict(entry) if isinstance(entry, Mapping) else {"weight": entry}
    weight = parameters.pop("weight", 1.0)
    for key in [key for key, value in parameters.items() if value == TRAINING_SET]:
        if weights is None:
            raise InputError(
                f"{name}: {key}: {TRAINING_SET} needs a training set; give build voxels_per_class, or give numbers"
            )
        parameters[key] = weights
    if not isinstance(weight, Mapping):
        return Weight(weight, weight), make_term(name, parameters)
    return Weight(weight["from"], weight["to"], weight["per_epoch"]), make_term(name, parameters)
