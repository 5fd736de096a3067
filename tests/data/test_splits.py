from types import SimpleNamespace

import pytest

from seglossbench.data.splits import split_cases
from seglossbench.errors import InputError
from seglossbench.params import DatasetParams

ALPHABET = [SimpleNamespace(name=letter, official=None) for letter in "fedcba"]
OFFICIAL = [SimpleNamespace(name=letter, official="test" if letter in "bd" else "train") for letter in "abcd"]


def split(cases=ALPHABET, **params):
    return split_cases(cases, DatasetParams(**params), "letters")


def test_alternating_halves_of_the_sorted_names():
    halves = split(split="alternating", validation_fraction=0)
    assert (halves.train, halves.validation, halves.test) == (("a", "c", "e"), (), ("b", "d", "f"))


def test_official_parts():
    assert split(OFFICIAL, split="official", validation_fraction=0).test == ("b", "d")


def test_auto_takes_the_official_one_where_there_is_one():
    assert split(OFFICIAL).test == ("b", "d")
    assert split(ALPHABET).test == ("b", "d", "f")


@pytest.mark.parametrize("method", ["alternating", "hold_out"])
@pytest.mark.parametrize("validation_fraction", [0.0, 0.5, 1.0])
def test_no_case_is_in_two_parts_or_lost(method, validation_fraction):
    parts = split(split=method, validation_fraction=validation_fraction)
    together = [*parts.train, *parts.validation, *parts.test]
    assert sorted(together) == list("abcdef")
    assert parts.train
    assert parts.test


def test_hold_out_is_random_and_repeatable():
    cases = [SimpleNamespace(name=f"{number:03}", official=None) for number in range(100)]
    first = split(cases, split="hold_out", test_fraction=0.3)
    assert first == split(cases[::-1], split="hold_out", test_fraction=0.3)
    assert len(first.test) == 30
    assert first.test != tuple(f"{number:03}" for number in range(30))


def test_one_case_is_too_few():
    with pytest.raises(
        InputError, match=r"datasets\.letters: split 'alternating' of 1 cases leaves 1 .* 0 for test"
    ):
        split(ALPHABET[:1])
