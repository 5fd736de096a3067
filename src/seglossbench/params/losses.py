"""A loss as data: names of terms, each with its weight, or with its weight and parameters. Checked without torch."""

from collections.abc import Mapping
from typing import Any

from seglossbench.errors import InputError, nearest
from seglossbench.registry import LOSSES, TERMS
from seglossbench.signatures import typed

Spec = Mapping[str, float | Mapping[str, Any]]
SCHEDULE = ("from", "to", "per_epoch")


def spec_named(name: str) -> Spec:
    """The compound loss of that name, or the term of that name alone; raises InputError where there is neither."""
    if name in LOSSES:
        spec: Spec = LOSSES.load(name)
        return spec
    if name not in TERMS:
        raise InputError(f"unknown loss {name!r}; {nearest(name, [*LOSSES, *TERMS])}")
    return {name: 1.0}


def typed_loss(spec: Any, key: str) -> dict[str, float | dict[str, Any]]:
    """A loss with its numbers as numbers, each term's weight alone where it has no parameters, as it is written.

    Raises InputError, which names what is wrong below ``key``, for an unknown term or parameter and for a value that
    cannot be.
    """
    if not isinstance(spec, Mapping) or not spec:
        raise InputError(
            f"{key}: expected names of terms and their weights, such as {{ce: 1.0}}, found {spec!r}"
        )
    return {str(name): _typed_term(str(name), entry, f"{key}.{name}", key) for name, entry in spec.items()}


def _typed_term(name: str, entry: Any, key: str, loss: str) -> float | dict[str, Any]:
    TERMS.check(name, loss)
    if not isinstance(entry, Mapping):
        return _typed_weight(entry, key)
    parameters = {parameter: value for parameter, value in entry.items() if parameter != "weight"}
    made = TERMS.typed(name, parameters, key)
    if "weight" not in entry:
        return made
    weight = entry["weight"]
    if not isinstance(weight, Mapping):
        return {"weight": _typed_weight(weight, f"{key}.weight"), **made}
    return {"weight": _typed_schedule(weight, f"{key}.weight"), **made}


def _typed_schedule(weight: Mapping[str, Any], key: str) -> dict[str, float]:
    if set(weight) != set(SCHEDULE):
        raise InputError(
            f"{key}: expected a number or the keys {', '.join(SCHEDULE)}, found {dict(weight)!r}"
        )
    made = {name: _typed_weight(weight[name], f"{key}.{name}") for name in SCHEDULE}
    start, end, per_epoch = made.values()
    if (end - start) * per_epoch < 0 or (end != start and per_epoch == 0):
        raise InputError(f"{key}: goes from {start} by {per_epoch}, away from {end}")
    return made


def _typed_weight(value: Any, key: str) -> float:
    try:
        return float(typed(value, float, key))
    except InputError:
        raise InputError(f"{key}: expected a number, found {value!r}") from None
