"""The registry of terms: what a loss is made of, by name, open to terms of the user."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, get_args, get_origin

from torch import Tensor

from seglossbench.errors import InputError, nearest
from seglossbench.losses.prediction import Prediction
from seglossbench.maps import MAPS, Truth

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


TermFactory = Callable[..., Term]

LOSSES: dict[str, TermFactory] = {}
"""Every loss term by name, as a function from its parameters to the term; add yours with ``@register("name")``."""


def register(
    name: str,
    *,
    maps: Iterable[str] | Callable[..., Iterable[str]] = (),
    reduction: Reduction = "mean",
    on_host: bool = False,
) -> Callable[[TermFunction], TermFunction]:
    """Add ``function(prediction, truth, *, parameter=default, ...) -> scalar tensor`` to LOSSES under ``name``.

    ``maps``: names of the maps it reads, or a function from its parameters to them. See Term for the rest.
    """

    def add(function: TermFunction) -> TermFunction:
        if name in LOSSES:
            raise InputError(f"loss term {name!r} is registered already, expected a new name")
        known = {
            parameter.name: parameter
            for parameter in inspect.signature(function, eval_str=True).parameters.values()
            if parameter.kind is parameter.KEYWORD_ONLY
        }

        def make(**given: Any) -> Term:
            for parameter, value in given.items():
                if parameter not in known:
                    raise InputError(
                        f"unknown parameter {parameter!r} of {name}; {nearest(parameter, [*known])}"
                    )
                _check(f"{name}: {parameter}", known[parameter].annotation, value)
            values = {parameter: known[parameter].default for parameter in known} | given
            needed = frozenset(maps(**values) if callable(maps) else maps)
            for needed_map in needed - set(MAPS):
                raise InputError(f"unknown map {needed_map!r} of {name}; {nearest(needed_map, [*MAPS])}")
            return Term(name, partial(function, **given), needed, reduction, on_host)

        LOSSES[name] = make
        return function

    return add


def _check(what: str, annotation: Any, value: Any) -> None:
    """InputError if ``value`` is no number, truth value or choice where the annotation asks for one."""
    if get_origin(annotation) is Literal and value not in get_args(annotation):
        raise InputError(f"{what} is {value!r}; {nearest(str(value), get_args(annotation))}")
    if annotation is bool and not isinstance(value, bool):
        raise InputError(f"{what} is {value!r}, expected true or false")
    if annotation in (int, float) and (isinstance(value, bool) or not isinstance(value, (int, float))):
        raise InputError(f"{what} is {value!r}, expected a number")
