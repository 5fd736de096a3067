"""One training of an experiment: what it executes, where its results lie, and what its job is told."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from seglossbench import plugins
from seglossbench.experiment import identity
from seglossbench.experiment.datasets import Dataset
from seglossbench.experiment.settings import RunSettings
from seglossbench.names import word
from seglossbench.params import EvaluateParams, TrackParams, TrainParams
from seglossbench.records import BEST_WEIGHTS, FILES, WEIGHTS
from seglossbench.vocabulary.metrics import OF_BEST


@dataclass(frozen=True)
class Weights:
    """Weights of a finished run: their file in its folder, and where their predictions of the test cases lie.

    The names of their scores end in ``besides``, which is empty for those that the run ends with.
    """

    file: str
    predictions: Path
    besides: str = ""


@dataclass(frozen=True, eq=False)
class Run:
    """One training, and the scores of its test cases."""

    settings: RunSettings
    dataset: Dataset
    track: TrackParams
    part: str  # the experiment whose params it follows

    @property
    def network(self) -> str:
        """The name that params give the network."""
        return self.settings.network

    @property
    def loss(self) -> str:
        """The name that params give the loss."""
        return self.settings.loss

    @property
    def seed(self) -> int:
        """What tells repeats apart."""
        return self.settings.seed

    @property
    def train(self) -> TrainParams:
        """The section train as it holds for this dataset and network."""
        return self.settings.train

    @property
    def evaluate(self) -> EvaluateParams:
        """The section evaluate as it holds for this dataset."""
        return self.dataset.evaluate

    @property
    def identity(self) -> dict[str, str | int]:
        """The four columns that name this run in every table."""
        return {
            "dataset": self.dataset.name,
            "network": self.network,
            "loss": self.loss,
            "seed": self.seed,
        }

    @cached_property
    def id(self) -> str:
        """The run's name and digest, such as ``brats_phantom/unet/cwcd/seed0-1f2e3d4c5b6a``."""
        names = "/".join(map(word, (self.dataset.name, self.network, self.loss)))
        return f"{names}/seed{self.seed}-{self.settings.id}"

    @cached_property
    def folder(self) -> Path:
        """Where the finished run lies, which nothing changes afterwards."""
        return Path("runs") / self.id

    @cached_property
    def predictions(self) -> Path:
        """Where the predictions of the test cases lie, as NIfTI in the space of the raw images."""
        return Path("predictions") / self.id / self.dataset.predicted_by

    @property
    def weights(self) -> tuple[Weights, ...]:
        """The weights that are predicted with and scored: one, or the last and the best."""
        final = Weights(WEIGHTS, self.predictions)
        if self.train.checkpoint != "both":
            return (final,)
        best = self.predictions.with_name(f"{self.predictions.name}-best")
        return (final, Weights(BEST_WEIGHTS, best, OF_BEST))

    @property
    def files(self) -> tuple[str, ...]:
        """The names of all files of the finished run."""
        return (*FILES, BEST_WEIGHTS) if self.train.checkpoint == "both" else FILES

    @cached_property
    def scores(self) -> Path:
        """The run's table of scores for the present settings and code of the evaluation."""
        return Path("scores") / self.id / f"{self.dataset.scored_by}.csv"


def plugins_of(settings: RunSettings, evaluate: EvaluateParams, files: Iterable[str]) -> tuple[str, ...]:
    """Those of the user's files that a run needs, to be trained, validated and scored."""
    metrics = (*settings.train.validation_metrics, *evaluate.metrics)
    return plugins.among(files, {*run_roots(settings), *identity.metric_roots(metrics)})


def run_roots(settings: RunSettings) -> list[str]:
    """The modules from which all is imported that a run executes, from raw cases to its last weights."""
    roots = identity.preparation_roots(settings.data["reading"]["layout"])
    roots += identity.split_roots(settings.split["split"])
    roots += identity.training_roots(settings.architecture, settings.terms)
    roots += identity.map_roots(settings.reads)
    if settings.reads and settings.maps.scope == "volume":
        roots.append(identity.CACHING)
    if settings.is_decided_by_scores:
        roots += identity.decision_roots()
    return roots
