"""THE generator of runs: every dataset x network x loss x seed that the params ask for, each with all that it executes.

Imported by the Snakefile, so nothing heavy is imported here. What a run is stands in its name by a digest, so a change
of anything gives new paths for just what depends on it, and going back finds the former results.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from seglossbench import params as parameters
from seglossbench.errors import InputError, nearest
from seglossbench.experiment import identity
from seglossbench.experiment.datasets import Dataset, dataset_of, train_settings
from seglossbench.experiment.runs import Run, plugins_of, run_roots
from seglossbench.experiment.settings import RunSettings
from seglossbench.params import Params

Item = TypeVar("Item")


class Experiment:
    """All datasets and runs that the params ask for, in the order of params.

    An experiment that includes others has their datasets and runs, and each of these follows the params of its part.
    """

    def __init__(self, params: Params, included: Sequence["Experiment"] = ()) -> None:
        self.params = params
        self.parts: tuple[Experiment, ...] = tuple(included) or (self,)
        self.included = bool(included)
        self.datasets: tuple[Dataset, ...]
        if included:
            self.datasets = self._shared_datasets()
        else:
            self.datasets = tuple(dataset_of(params, name) for name in params.grid.datasets)

    @classmethod
    def load(
        cls,
        path: Path = Path("params.yaml"),
        overrides: Mapping[str, Any] | None = None,
        *,
        eager: bool = True,
    ) -> "Experiment":
        """The experiment of a params file with overrides of its keys, as from ``--config``.

        What is wrong with its runs is raised here or, if it is not ``eager``, when they are first asked for.
        """
        included = [cls(params) for params in parameters.load_included(path, overrides)]
        experiment = cls(parameters.load(path, overrides), included)
        if eager:
            _ = experiment.runs
        return experiment

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """All runs, in the order of params."""
        return self._shared_runs() if self.included else tuple(self._runs())

    @property
    def name(self) -> str:
        """The experiment's name, which is its file's name."""
        return self.params.experiment

    @property
    def report(self) -> Path:
        """The page that the experiment ends in."""
        return Path(self.params.report.folder) / self.name / "index.html"

    def dataset(self, name: str) -> Dataset:
        """The dataset of that name, of the grid or else of the params; raises InputError that lists the known ones."""
        chosen = {dataset.name: dataset for dataset in self.datasets}
        if name in chosen:
            return chosen[name]
        self._one(name, self.params.datasets, "dataset")
        return dataset_of(self.params, name)

    def run(self, id: str) -> Run:
        """The run of that id or of an id that begins so; raises InputError where none or several do."""
        runs = {run.id: run for run in self.runs}
        begins = [name for name in runs if name.startswith(id)] if id else []
        if id not in runs and len(begins) > 1:
            raise InputError(
                f"run {id!r}: {len(begins)} runs begin so, such as {begins[0]} and {begins[1]}; say more"
            )
        return self._one(begins[0] if len(begins) == 1 else id, runs, "run")

    def _one(self, name: str, known: Mapping[str, Item], kind: str) -> Item:
        if name not in known:
            raise InputError(f"no {kind} {name!r} in experiment {self.name!r}; {nearest(name, known)}")
        return known[name]

    def _runs(self) -> Iterator[Run]:
        """Nothing else multiplies datasets, networks, losses and seeds."""
        params = self.params
        for dataset in self.datasets:
            for network in params.grid.networks:
                options = {key: value for key, value in params.networks[network].items() if key != "train"}
                architecture = str(options.pop("architecture", network))
                train = train_settings(params, dataset.name, network)
                for loss in params.grid.losses:
                    terms = params.losses[loss]
                    settings = RunSettings(
                        dataset=dataset.name,
                        network=network,
                        loss=loss,
                        seed=params.grid.seeds[0],
                        architecture=architecture,
                        options=options,
                        terms=terms,
                        reads=identity.maps_read(terms),
                        train=train,
                        maps=dataset.map_settings,
                        predict=dataset.evaluate.predict,
                        empty=dataset.evaluate.empty,
                        hd95=dataset.evaluate.hd95,
                        data=dict(dataset.data),
                        split=dict(dataset.split),
                        prepared=dataset.prepared.name,
                        stored=dataset.maps.name,
                        code={},
                    )
                    settings = settings.model_copy(
                        update={
                            "code": identity.code_of(run_roots(settings)),
                            "plugins": plugins_of(settings, dataset.evaluate, params.plugins),
                        }
                    )
                    for of_seed in settings.with_seeds(params.grid.seeds):
                        yield Run(of_seed, dataset, params.track, part=self.name)

    def _shared_datasets(self) -> tuple[Dataset, ...]:
        """The datasets of all parts; raises InputError where one name means different things in one table."""
        datasets: dict[str, tuple[Experiment, Dataset]] = {}
        for part in self.parts:
            for dataset in part.datasets:
                former, first = datasets.setdefault(dataset.name, (part, dataset))
                if (first.prepared, first.maps) != (dataset.prepared, dataset.maps):
                    raise InputError(
                        f"experiment {self.name}: its parts prepare dataset {dataset.name} in different ways; "
                        f"give it another name in {part.name}"
                    )
                for key, value in first.conventions.items():
                    if value != dataset.conventions[key]:
                        raise InputError(
                            f"experiment {self.name}: dataset {dataset.name} has {key} {value} in {former.name} and "
                            f"{dataset.conventions[key]} in {part.name}, whose scores would stand in one table; make "
                            f"them one, or give the dataset another name in {part.name}"
                        )
        return tuple(dataset for _, dataset in datasets.values())

    def _shared_runs(self) -> tuple[Run, ...]:
        """The runs of all parts; raises InputError where two of them would have one name in every table."""
        runs: dict[tuple[str | int, ...], Run] = {}
        for part in self.parts:
            for run in part.runs:
                first = runs.setdefault(tuple(run.identity.values()), run)
                if first.id != run.id:
                    raise InputError(
                        f"experiment {self.name}: its parts train {run.id.rpartition('-')[0]} in different ways; "
                        f"give its dataset, network or loss another name in {part.name}"
                    )
        return tuple(runs.values())
