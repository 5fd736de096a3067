"""All that a run executes, by value: what names it, what its folder keeps, and what a job trains from."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from seglossbench.files import digest
from seglossbench.params import MapsParams, PredictParams, Section, TrainParams
from seglossbench.vocabulary.conventions import EmptyPolicy, HD95Convention

WITHOUT_DIGITS = {"workers", "device", "runs_per_job", "runs_per_gpu", "checkpoint_every"}
"""Of the section train: what makes a training faster, safer or possible, and changes none of its digits."""


class RunSettings(Section):
    """One training: a dataset, a network, a loss and a seed, with the value of everything that it reads.

    ``architecture`` and its ``options``, the loss as its ``terms`` and the ``maps`` of the truth that these read;
    ``data`` is what decides the content of the prepared cases, ``split`` which of them train; ``code`` has a
    fingerprint of each module that the run executes; ``plugins`` are the user's files that it needs.
    """

    dataset: str
    network: str
    loss: str
    seed: int
    architecture: str
    options: dict[str, Any]
    terms: dict[str, Any]
    reads: tuple[str, ...]  # the truth's maps
    train: TrainParams
    maps: MapsParams
    predict: PredictParams
    empty: EmptyPolicy
    hd95: HD95Convention
    data: dict[str, Any]
    split: dict[str, Any]
    prepared: str  # the name of the prepared dataset's folder, and of that of its stored maps
    stored: str
    code: dict[str, str]
    plugins: tuple[str, ...] = ()

    @property
    def decisive(self) -> dict[str, Any]:
        """What decides the run's digits: all but what makes it faster, and what it does not read."""
        settings = self.model_dump(
            mode="json",
            exclude={"reads", "predict", "empty", "hd95", "maps", "prepared", "stored", "plugins"},
        )
        settings["train"] = self.train.what_is_on(exclude=WITHOUT_DIGITS) | {
            "augmentation": self.train.augmentation.resolved().what_is_on()
        }
        settings["maps"] = {
            key: value for key, value in self.maps.what_is_on().items() if set(self.reads) & READ_BY[key]
        }
        if self.is_decided_by_scores or self.train.test_every:  # these are then a part of the result
            settings["scores"] = self.what_is_on({"predict", "empty", "hd95"})
        return settings

    @property
    def is_decided_by_scores(self) -> bool:
        """Whether the weights depend on what validation scores."""
        return self.train.keeps_best or self.train.restart is not None

    @cached_property
    def id(self) -> str:
        """The digest of all that decides the run's digits."""
        return digest(self.decisive)

    def with_seeds(self, seeds: Iterable[int]) -> Iterator["RunSettings"]:
        """The same with each of the seeds. All else that names them is written down once for all."""
        decisive = self.decisive
        for seed in seeds:
            settings = self.model_copy(update={"seed": seed})
            settings.__dict__["id"] = digest({**decisive, "seed": seed})  # where its property keeps it
            yield settings

    def by_value(self) -> Mapping[str, Any]:
        """What decides the run's digits but for the code that computes them."""
        return {key: value for key, value in self.decisive.items() if key != "code"}


READ_BY = {
    "scope": {"contour", "rectified", "distance_penalty", "boundary"},
    "distance_units": {"rectified", "distance_penalty", "boundary"},
    "contour_kernel": {"contour"},
    "degenerate": {"rectified", "boundary"},
}
"""Which of the truth's maps each key of the section maps decides."""
