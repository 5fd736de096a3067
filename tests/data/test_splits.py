import json
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seglossbench.data.splits import split_cases
from seglossbench.errors import InputError
from seglossbench.params import DatasetParams
from seglossbench.registry import SPLITS


def case(name, patient=None, official=None):
    return SimpleNamespace(name=name, patient=patient or name, official=official)


ALPHABET = [case(letter) for letter in "fedcba"]
OFFICIAL = [case(letter, official="test" if letter in "bd" else "train") for letter in "abcd"]


def split(cases=ALPHABET, **params):
    return split_cases(cases, DatasetParams(**params), "letters")


def test_alternating_halves_of_the_sorted_names():
    halves = split(split="alternating", validation_fraction=0)
    assert (halves.train, halves.validation, halves.test) == (("a", "c", "e"), (), ("b", "d", "f"))


def test_alternating_sorts_by_case_as_paper_b_does_and_not_by_patient():
    cases = [case(f"{patient}_1", patient) for patient in ("B_1", "B_10", "B_2")]
    # "B_10_1" stands before "B_1_1", although "B_1" stands before "B_10".
    assert split(cases, split="alternating", validation_fraction=0).test == ("B_1_1",)


def test_even_patients_train_with_both_of_their_frames():
    cases = [case(f"patient{n:03}_frame{f:02}", f"patient{n:03}") for n in range(1, 5) for f in (1, 12)]
    halves = split(cases, split="even_odd", validation_fraction=0)
    assert {name[:10] for name in halves.train} == {"patient002", "patient004"}
    assert {name[:10] for name in halves.test} == {"patient001", "patient003"}
    with pytest.raises(InputError, match="the patient of case a has no number"):
        split(split="even_odd")


def test_official_parts():
    assert split(OFFICIAL, split="official", validation_fraction=0).test == ("b", "d")
    three = split([*OFFICIAL, case("e", official="validation")], split="official", validation_fraction=0.5)
    assert (three.train, three.validation, three.test) == (("a", "c"), ("e",), ("b", "d"))


def test_auto_takes_the_official_one_where_there_is_one():
    assert split(OFFICIAL).test == ("b", "d")
    assert split(ALPHABET).test == ("b", "d", "f")
    assert split(OFFICIAL).method.startswith("official: ")


def test_every_case_is_tested_on_in_one_fold():
    cases = [case(f"{number:03}") for number in range(23)]
    tests = [split(cases, split="k_fold", folds=4, fold=fold).test for fold in range(4)]
    assert sorted(name for test in tests for name in test) == [case.name for case in cases]
    assert sorted(map(len, tests)) == [5, 6, 6, 6]
    assert tests[0] != split(cases, split="k_fold", folds=4, split_seed=1).test
    with pytest.raises(ValueError, match="no fold 4 of 4"):
        split(cases, split="k_fold", folds=4, fold=4)


def test_hold_out_is_random_and_repeatable():
    cases = [case(f"{number:03}") for number in range(100)]
    first = split(cases, split="hold_out", test_fraction=0.3)
    assert len(first.test) == 30
    assert first.test != tuple(f"{number:03}" for number in range(30))
    assert first.test != split(cases, split="hold_out", test_fraction=0.3, split_seed=1).test


@pytest.fixture
def file(tmp_path):
    def write(parts, name="split.json"):
        (tmp_path / name).write_text(json.dumps(parts))
        return {"split": "file", "split_file": str(tmp_path / name)}

    return write


def test_a_file_names_the_parts(file):
    parts = {"train": ["a", "b"], "validation": ["c"], "test": ["d", "e"], "unused": ["f"]}
    for name in ("split.json", "split.yaml"):  # JSON is YAML, too
        named = split(**file(parts, name))
        assert (named.train, named.validation, named.test) == (("a", "b"), ("c",), ("d", "e"))


def test_names_that_look_like_numbers_stay_as_they_are(tmp_path):
    cases = [case(name) for name in ("007", "1e3", "2024", "yes")]
    for name, text in (
        ("split.yaml", "train: [007, 1e3]\ntest: [2024, yes]"),
        ("split.json", '{"train": ["007", "1e3"], "test": [2024, "yes"]}'),
    ):
        for encoding in ("utf-8", "utf-8-sig"):
            (tmp_path / name).write_text(text, encoding=encoding)
            named = split(cases, split_file=str(tmp_path / name), validation_fraction=0)
            assert (named.train, named.test) == (("007", "1e3"), ("2024", "yes"))


def test_the_folds_of_nnunet_are_read(file):
    folds = [{"train": list("cdef"), "val": ["a", "b"]}, {"train": list("abef"), "val": ["c", "d"]}]
    assert split(**file(folds), fold=1, validation_fraction=0).test == ("c", "d")
    official = [*ALPHABET, case("g", official="test")]
    named = split(official, **file(folds))
    assert (named.validation, named.test) == (("a", "b"), ("g",))


def test_a_stored_split_can_be_given_again(file):
    stored = split(split="hold_out", test_fraction=0.3)
    again = split(**file(vars(stored)))
    assert (again.train, again.validation, again.test) == (stored.train, stored.validation, stored.test)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"train": list("abcde"), "test": ["x"]}, r"split\.json: test: no case 'x'"),
        ({"train": ["a"], "test": ["b"]}, "4 cases are in no part, such as c; list them as unused"),
        ({"training": ["a"]}, "unknown part 'training'; did you mean 'train'"),
        ({"train": "a"}, "train: expected a list of the names"),
        ({"train": list("abcde"), "test": list("ef")}, "patient e is in train .* and in test"),
        ([{"train": []}], "no fold 2; it has 1"),
        ("a", "expected the names of each part"),
    ],
)
def test_a_wrong_file_is_explained(file, parts, message):
    with pytest.raises(InputError, match=rf"datasets\.letters: split file: .*{message}"):
        split(**file(parts), fold=2)


def test_one_case_is_too_few():
    with pytest.raises(InputError, match=r"split alternating: 1 cases leave 1 for training and 0 for test"):
        split(ALPHABET[:1])


def test_an_official_split_that_tears_a_patient_apart_is_refused():
    torn = [case("a_1", "a", "train"), case("a_2", "a", "test"), case("b", "b", "train")]
    with pytest.raises(InputError, match="patient a is in train"):
        split(torn, validation_fraction=0)


@given(
    scans=st.lists(st.integers(1, 4), min_size=6, max_size=30),
    method=st.sampled_from([name for name in SPLITS if name not in ("official", "file")]),
    validation_fraction=st.sampled_from([0.0, 0.2, 0.5, 1.0]),
    seed=st.integers(0, 5),
    order=st.randoms(use_true_random=False),
)
def test_no_split_leaks_a_patient_or_loses_a_case(scans, method, validation_fraction, seed, order):
    cases = [
        case(f"p{number}_s{scan}", f"p{number}")
        for number, count in enumerate(scans)
        for scan in range(count)
    ]
    params = {"split": method, "validation_fraction": validation_fraction, "split_seed": seed, "fold": 1}
    parts = split(cases, **params)
    names = {part: set(getattr(parts, part)) for part in ("train", "validation", "test")}
    patients = {part: {name.partition("_")[0] for name in names[part]} for part in names}
    assert sorted(name for part in names.values() for name in part) == sorted(one.name for one in cases)
    assert sum(map(len, patients.values())) == len(scans)
    assert names["train"]
    assert names["test"]
    if validation_fraction == 0:
        assert not names["validation"]
    order.shuffle(cases)
    assert split(cases, **params) == parts
