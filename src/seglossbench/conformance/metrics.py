"""What every metric must do: empty masks, symmetry, and the better score for the better prediction."""

import math
from collections.abc import Callable
from itertools import product

import numpy as np
from numpy.typing import NDArray

from seglossbench.evaluation import score_case
from seglossbench.vocabulary.metrics import metric_named

Masks = NDArray[np.uint8]
SPACING_MM = (3.0, 1.0, 0.5)


def score(name: str, truth: Masks, prediction: Masks, spacing_mm: tuple[float, ...] = SPACING_MM) -> object:
    """The metric's value of one class."""
    (record, *_) = score_case(truth, prediction, spacing_mm, classes={"thing": [1]}, metrics=[name])
    return record["value"]


def block(at: int = 2) -> Masks:
    """A block of 4 x 5 x 3 voxels, moved along the last axis."""
    mask = np.zeros((8, 9, 12), np.uint8)
    mask[2:6, 1:6, at : at + 3] = 1
    return mask


def is_a_number_or_nothing_for_empty_masks(name: str) -> None:
    """Whichever of the two masks is empty."""
    empty = np.zeros_like(block())
    for truth, prediction in product((empty, block()), repeat=2):
        value = score(name, truth, prediction)
        assert value is None or isinstance(value, int | float), f"gives {value!r}"
        assert value is None or not math.isnan(value), "gives NaN; an undefined score is None"


def does_not_depend_on_the_order_or_direction_of_axes(name: str) -> None:
    """Both masks mirrored, or with their axes in another order, have the same score."""
    truth, prediction = block(), block(at=4)
    prediction[3, 3, 9] = 1
    expected = score(name, truth, prediction)
    for axis in range(3):
        mirrored = score(name, np.flip(truth, axis).copy(), np.flip(prediction, axis).copy())
        assert _close(mirrored, expected), f"{mirrored} mirrored along axis {axis}, {expected} before"
    order = (2, 0, 1)
    turned = score(
        name,
        truth.transpose(order).copy(),
        prediction.transpose(order).copy(),
        tuple(SPACING_MM[axis] for axis in order),
    )
    assert _close(turned, expected), f"{turned} with other axes, {expected} before"


def perfect_is_not_worse_than_shifted(name: str) -> None:
    """In the direction that the metric says is better."""
    better = metric_named(name).better
    perfect, shifted = score(name, block(), block()), score(name, block(), block(at=4))
    if better and isinstance(perfect, int | float) and isinstance(shifted, int | float):
        sign = 1 if better == "higher" else -1
        assert sign * perfect >= sign * shifted, (
            f"{better} is better, yet {perfect} perfect and {shifted} shifted"
        )


def works_on_images(name: str) -> None:
    """Masks of two axes."""
    value = score(name, block()[3], block(at=4)[3], SPACING_MM[:2])
    assert value is None or isinstance(value, int | float), f"gives {value!r}"


def _close(value: object, expected: object) -> bool:
    if isinstance(value, int | float) and isinstance(expected, int | float):
        return math.isclose(value, expected, rel_tol=1e-9, abs_tol=1e-12)
    return value == expected


CHECKS: tuple[Callable[[str], None], ...] = (
    is_a_number_or_nothing_for_empty_masks,
    does_not_depend_on_the_order_or_direction_of_axes,
    perfect_is_not_worse_than_shifted,
    works_on_images,
)
"""Functions of a metric's name that raise an error where it does not do what their names say."""
