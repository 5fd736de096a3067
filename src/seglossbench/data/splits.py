"""Which cases train, validate and test. A case is in one part only, and the loss has no say in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from seglossbench.errors import InputError
from seglossbench.params import DatasetParams
from seglossbench.randomness import stream


class Splittable(Protocol):
    """A case, raw or prepared."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def official(self) -> str | None: ...  # noqa: D102


@dataclass(frozen=True)
class Split:
    """The names of the cases of each part, sorted."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]


def split_cases(cases: Sequence[Splittable], params: DatasetParams, dataset: str) -> Split:
    """Divide cases into parts.

    ``official`` tests on what the dataset's authors keep for that; ``alternating`` trains on every other case, from
    the first on, and tests on the rest (paper B); ``hold_out`` tests on a random ``test_fraction``; ``auto`` is
    ``official`` where there is such a division, else ``alternating``. From the training cases, a random
    ``validation_fraction`` is then set apart for validation, never all of them. Raises InputError where a part for
    training or test would be empty.
    """
    names = sorted(case.name for case in cases)
    official_test = sorted(case.name for case in cases if case.official == "test")
    method = params.split
    if method == "auto":
        method = "official" if official_test else "alternating"
    if method == "official":
        test = official_test
    elif method == "alternating":
        test = names[1::2]
    else:
        test = _draw(names, params.test_fraction, dataset, "test")
    rest = [name for name in names if name not in set(test)]
    if not test or not rest:
        raise InputError(
            f"datasets.{dataset}: split {method!r} of {len(names)} cases leaves {len(rest)} for training and "
            f"{len(test)} for test; choose another split or add cases"
        )
    validation = _draw(rest, params.validation_fraction, dataset, "validation")
    train = [name for name in rest if name not in set(validation)]
    return Split(tuple(train), tuple(validation), tuple(test))


def _draw(names: Sequence[str], fraction: float, dataset: str, part: str) -> list[str]:
    """A random ``fraction`` of the names, rounded, which leaves at least one of them."""
    count = min(round(fraction * len(names)), len(names) - 1)
    return sorted(stream("split", dataset, part).choice(names, size=count, replace=False).tolist())
