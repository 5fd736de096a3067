"""What a report says beside the numbers: runs, datasets, conventions, versions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from seglossbench.data.facts import CaseFacts
from seglossbench.data.patients import in_words
from seglossbench.data.splits import Split


@dataclass(frozen=True)
class Run:
    """A run of the experiment; ``reason`` says why it failed or is not there."""

    dataset: str
    network: str
    loss: str
    seed: str
    state: str
    reason: str = ""


@dataclass(frozen=True)
class Dataset:
    """A dataset: how many cases it has for what, its classes in their order, and which cases were left out and why.

    ``hd95`` and ``empty_policy`` name the conventions of its scores, empty where none needs it, None where it is that
    of the whole report. ``missing`` says why nothing else is known of it. ``split`` names the cases of each part,
    ``cases`` says what all of them are like, ``patients_by`` in words by which rule their patients were found.
    """

    name: str
    train: int
    validation: int
    test: int
    classes: tuple[str, ...] = ()
    phantom: bool = False
    skipped: tuple[str, ...] = ()
    split: Split | None = None
    cases: tuple[CaseFacts, ...] = ()
    patients_by: str = ""
    distance_unit: str = "mm"
    hd95: str | None = None
    empty_policy: str | None = None
    missing: str = ""

    @property
    def patients(self) -> str:
        """How many patients stand behind how many cases, in words; empty where nothing is known of the cases."""
        return in_words(self.cases, self.patients_by) if self.cases else ""


@dataclass(frozen=True)
class Facts:
    """What a report says beside the numbers; the order of runs and datasets is the order on the page."""

    experiment: str
    runs: tuple[Run, ...] = ()
    datasets: tuple[Dataset, ...] = ()
    hd95: str = ""
    empty_policy: str = ""
    distance_unit: str = "mm"
    conventions: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)


def convention_of(facts: Facts, dataset: Dataset | None, name: Literal["hd95", "empty_policy"]) -> str:
    """The convention that the scores of a dataset follow: its own, or else that of the whole report."""
    own: str | None = getattr(dataset, name, None)
    of_all: str = getattr(facts, name)
    return of_all if own is None else own
