"""Terms: what a loss is made of, by name in TERMS, open to terms of the user."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from torch import Tensor

from seglossbench.errors import InputError, nearest
from seglossbench.losses.prediction import Prediction
from seglossbench.maps import Truth
from seglossbench.registry import MAPS, TERMS

TermFunction = Callable[..., Tensor]
Reduction = Literal["mean", "pooled"]


@dataclass(frozen=True)
class Term:
    """A named scalar of (prediction, truth), with what the rest of the project has to know about it.

    ``maps``: names of the truth's maps it reads. ``reduction`` over the batch: "mean" of the samples' values, or
    "pooled", as if the samples were one volume. ``on_host``: copies the prediction to the host in every step.
    """

    name: str
    function: Callable[[Prediction, Truth], Tensor]
    maps: frozenset[str] = frozenset()
    reduction: Reduction = "mean"
    on_host: bool = False

    def __call__(self, prediction: Prediction | Tensor, truth: Truth) -> Tensor:
        """The term's value, a scalar, for logits (N, C, *spatial) or for what terms share of these logits."""
        if isinstance(prediction, Tensor):
            prediction = Prediction(prediction, truth)
        return self.function(prediction, truth)


@dataclass(frozen=True)
class _Facts:
    maps: Iterable[str] | Callable[..., Iterable[str]] = ()
    reduction: Reduction = "mean"
    on_host: bool = False


_FACTS: dict[TermFunction, _Facts] = {}


def register(
    name: str,
    *,
    maps: Iterable[str] | Callable[..., Iterable[str]] = (),
    reduction: Reduction = "mean",
    on_host: bool = False,
) -> Callable[[TermFunction], TermFunction]:
    """Name ``function(prediction, truth, *, parameter=default, ...) -> scalar tensor`` in TERMS.

    ``maps``: names of the maps it reads, or a function from its parameters to them. See Term for the rest. In a running
    program that is all; for params to know it, its file must stand in their ``plugins``, it be an entry point of a
    package in the group ``seglossbench.terms``, or its place stand in the table TERMS.
    """

    def add(function: TermFunction) -> TermFunction:
        TERMS.add(name, function, maps=None if callable(maps) else tuple(maps))
        _FACTS[function] = _Facts(maps, reduction, on_host)
        return function

    return add


def make_term(name: str, parameters: Mapping[str, Any]) -> Term:
    """The term of that name with parameters that are right; raises InputError for a map that there is not."""
    function: TermFunction = TERMS.load(name)
    facts = _FACTS.get(function, _Facts())
    maps = facts.maps
    if callable(maps):
        defaults = {
            parameter.name: parameter.default
            for parameter in inspect.signature(function).parameters.values()
            if parameter.kind is parameter.KEYWORD_ONLY
        }
        maps = maps(**{**defaults, **parameters})
    needed = frozenset(maps)
    for needed_map in needed - set(MAPS):
        raise InputError(f"unknown map {needed_map!r} of {name}; {nearest(needed_map, [*MAPS])}")
    return Term(name, partial(function, **parameters), needed, facts.reduction, facts.on_host)
