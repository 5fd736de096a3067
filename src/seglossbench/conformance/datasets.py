"""What every layout and every split must do: find the cases, whose files are sound, and divide them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from seglossbench.data.cases import Case, CaseIndex
from seglossbench.data.checking import check_case
from seglossbench.data.layouts import Layout, index_cases
from seglossbench.data.splits import split_cases
from seglossbench.params import DatasetParams
from seglossbench.registry import LAYOUTS


@dataclass(frozen=True)
class LayoutOn:
    """A layout by its name, and a folder of a dataset that has it."""

    name: str
    folder: Path

    @cached_property
    def index(self) -> CaseIndex:
        """The cases that it finds."""
        return index_cases(self.folder, DatasetParams(layout=self.name))


def says_that_it_fits(layout: LayoutOn) -> None:
    """The layout recognises the folder, and says in words what it looks like."""
    found: Layout = LAYOUTS.load(layout.name)
    assert found.matches(layout.folder), f"does not recognise {layout.folder}"
    assert found.looks, "does not say what it looks like"


def finds_cases_with_files(layout: LayoutOn) -> None:
    """Labelled cases of different names, background first among the classes."""
    index = layout.index
    assert index.cases, "finds no case"
    assert next(iter(index.label_values.values())) == 0, "the first class has to be the background, 0"
    for case in index.cases:
        for file in (*case.images, case.labels):
            assert file.is_file(), f"{case.name}: no file {file}"


def finds_the_same_twice(layout: LayoutOn) -> None:
    """In the same order."""
    assert index_cases(layout.folder, DatasetParams(layout=layout.name)) == layout.index


def files_are_sound(layout: LayoutOn) -> None:
    """As check-data looks at them."""
    index = layout.index
    for case in index.cases:
        problems = check_case(case, len(index.channels), index.label_values).problems
        assert not problems, str(problems[0])


def cases_can_be_divided(layout: LayoutOn) -> None:
    """By the split that is taken unless another is asked for."""
    split = split_cases(layout.index.cases, DatasetParams(layout=layout.name), layout.name)
    assert split.train, "no case for training"
    assert split.test, "no case for test"


def divides_all_cases_once(split: str) -> None:
    """Every case is in one part, or in none."""
    divided = split_cases(made_cases(), DatasetParams(split=split), "made")
    names = [*divided.train, *divided.validation, *divided.test]
    assert len(names) == len(set(names)), "a case is in two parts"
    assert set(names) <= {case.name for case in made_cases()}, "names a case that there is not"


def divides_the_same_twice_in_any_order(split: str) -> None:
    """The order of the cases does not matter."""
    cases, params = made_cases(), DatasetParams(split=split)
    first, second = split_cases(cases, params, "made"), split_cases(cases[::-1], params, "made")
    assert first == second, "divides otherwise when asked again"


def made_cases() -> list[Case]:
    """Twenty cases of ten patients, the last two of which are officially for test."""
    return [
        Case(
            name=f"patient_{patient:02}_{visit}",
            images=(Path("image.nii.gz"),),
            labels=Path("labels.nii.gz"),
            modality="CT",
            official="test" if patient > 7 else "train",
            patient=f"patient_{patient:02}",
        )
        for patient in range(10)
        for visit in "ab"
    ]


LAYOUT_CHECKS: tuple[Callable[[LayoutOn], None], ...] = (
    says_that_it_fits,
    finds_cases_with_files,
    finds_the_same_twice,
    files_are_sound,
    cases_can_be_divided,
)
SPLIT_CHECKS: tuple[Callable[[str], None], ...] = (
    divides_all_cases_once,
    divides_the_same_twice_in_any_order,
)
