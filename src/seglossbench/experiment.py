"""The experiment: the one generator of datasets and runs, their identities and their places on disk.

Imported by the Snakefile, so nothing heavy is imported here. An identity is the digest of all that can change a
result: the params, the data's version and the code's version of the layers it uses. It stands in every path, so a
change of anything gives new paths for just what depends on it, and going back finds the former results.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from seglossbench import params as parameters
from seglossbench.acquisition import sources
from seglossbench.checksums import folder_version
from seglossbench.code import code_version
from seglossbench.errors import InputError, nearest
from seglossbench.files import digest, read_text
from seglossbench.names import word
from seglossbench.params import NO_VOLUME_MAPS, DatasetParams, Params, PreprocessParams, Section, TrainParams

SCORING = ("evaluation", "vocabulary/metrics.py")
NOT_IN_A_RESULT = {"threads", "workers", "device", "runs_per_job"}
HOW_READ = {
    "layout",
    "select",
    "modality",
    "classes",
    "regions",
    "channels",
    "labels_suffix",
    "patient_pattern",
    "on_bad_case",
}
HOW_SCORED = (
    "predict",
    "empty",
    "hd95",
    "code",
)  # what else than the choice of metrics and classes decides a score
CONVENTIONS = {"empty", "hd95"}  # of the section evaluate, which decide what the same prediction scores
HOW_SPLIT = {"split", "split_seed", "folds", "fold", "test_fraction", "validation_fraction"}
Item = TypeVar("Item")
Settings = TypeVar("Settings", bound=Section)


@dataclass(frozen=True)
class Dataset:
    """A dataset of the experiment: where its raw, prepared and mapped cases lie."""

    name: str
    params: DatasetParams
    preprocess: PreprocessParams
    train: TrainParams
    version: str
    raw: Path
    prepared: Path
    maps: Path

    @property
    def is_local_folder(self) -> bool:
        """Whether the raw data is a folder of the user's, which is read where it lies."""
        return self.params.phantom is None and self.params.source is None


@dataclass(frozen=True, eq=False)
class Run:
    """One training: a dataset, a network, a loss and a seed, with all settings that can change its result.

    The dataset's ``train`` is the one that holds for the network.
    """

    dataset: Dataset
    network: str
    loss: str
    seed: int
    settings: Mapping[str, Any] = field(repr=False)
    evaluation: Mapping[str, Any] = field(repr=False)

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
        return f"{names}/seed{self.seed}-{digest(self.settings)}"

    @property
    def folder(self) -> Path:
        """Where the finished run lies, which nothing changes afterwards."""
        return Path("runs") / self.id

    @property
    def name(self) -> str:
        """The run's name without its digest, of letters that a rule's name may have, as many as a log's name takes."""
        return (
            re.sub(r"\W", "_", f"{self.dataset.name}_{self.network}_{self.loss}")[:100] + f"_seed{self.seed}"
        )

    @property
    def trained(self) -> Path:
        """The mark by which Snakemake knows that the run is finished."""
        return Path("logs/trained") / self.id

    @property
    def predictions(self) -> Path:
        """Where the predictions of the test cases lie, as NIfTI in the space of the raw images."""
        return (
            Path("predictions")
            / self.id
            / digest([self.evaluation["predict"], code_version("evaluation/prediction.py")])
        )

    @property
    def scores(self) -> Path:
        """The run's table of scores for the present settings and code of the evaluation."""
        return Path("scores") / self.id / f"{digest(self.evaluation)}.csv"


class Experiment:
    """All datasets and runs that the params ask for, in the order of params.

    An experiment that includes others has their datasets and runs; these are its ``parts``, each with params of its
    own. Any other experiment is its own single part.
    """

    def __init__(self, params: Params, included: Sequence["Experiment"] = ()) -> None:
        self.params = params
        self.parts: tuple[Experiment, ...] = tuple(included) or (self,)
        self.datasets: tuple[Dataset, ...]
        self.runs: tuple[Run, ...]
        if included:
            self.datasets = self._shared_datasets()
            self.runs = self._shared_runs()
        else:
            self.datasets = tuple(self._dataset(name) for name in params.grid.datasets)
            self.runs = tuple(self._runs())
        self._parts_by_run = {run.id: part for part in reversed(self.parts) for run in part.runs}

    @classmethod
    def load(
        cls, path: Path = Path("params.yaml"), overrides: Mapping[str, Any] | None = None
    ) -> "Experiment":
        """The experiment of a params file with overrides of its top-level keys, as from ``--config``."""
        included = [cls(params) for params in parameters.load_included(path, overrides)]
        return cls(parameters.load(path, overrides), included)

    @property
    def name(self) -> str:
        """The experiment's name, which is its file's name."""
        return self.params.experiment

    @property
    def report(self) -> Path:
        """The page that the experiment ends in."""
        return Path(self.params.report.folder) / "index.html"

    def train_jobs(self) -> list[tuple[Run, ...]]:
        """The runs, ``train.runs_per_job`` of the same part, dataset and network to a job."""
        groups: dict[tuple[str, str, str], list[Run]] = {}
        for run in self.runs:
            key = (self.part_of(run).name, run.dataset.name, run.network)
            groups.setdefault(key, []).append(run)
        jobs = []
        for group in groups.values():
            size = self.part_of(group[0]).params.train.runs_per_job
            jobs += [tuple(group[start : start + size]) for start in range(0, len(group), size)]
        return jobs

    def part_of(self, run: Run) -> "Experiment":
        """The part whose params a run follows."""
        return self._parts_by_run[run.id]

    def part_with(self, dataset: Dataset) -> "Experiment":
        """The part whose params prepare a dataset."""
        return next((part for part in self.parts if dataset in part.datasets), self)

    def dataset(self, name: str) -> Dataset:
        """The dataset of that name, of the grid or else of the params; raises InputError that lists the known ones."""
        chosen = {dataset.name: dataset for dataset in self.datasets}
        if name in chosen:
            return chosen[name]
        self._one(name, self.params.datasets, "dataset")
        return self._dataset(name)

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

    def _dataset(self, name: str) -> Dataset:
        params = self.params.datasets[name]
        preprocess = self._changed(self.params.preprocess, params.preprocess, f"datasets.{name}.preprocess")
        train = self._train_params(name)
        if params.source is not None and self.params.data_root is not None:
            layout = params.layout if params.layout != "auto" else sources.find(params.source).layout
            here = {"source": None, "folder": self.params.data_root, "layout": layout}
            params = params.model_copy(update=here)  # there already, so that nothing is downloaded
        if params.phantom is not None:
            version = digest([params.phantom.model_dump(mode="json"), code_version("data/phantoms")])
            raw = Path("data/raw") / f"{word(name)}-{version}"
        elif params.source is not None:
            version = source_version(params, f"datasets.{name}")
            raw = raw_folder(params, version)
            if params.layout == "auto":
                params = params.model_copy(update={"layout": sources.find(params.source).layout})
        else:
            folder = params.folder or self.params.data_root
            if folder is None:
                raise InputError(
                    f"datasets.{name}: no data given; set data_root to the folder of your data, as in "
                    f"snakemake --cores all --config experiment={self.name} data_root=PATH"
                )
            raw = Path(folder)
            version = folder_version(raw, key=f"datasets.{name}.folder" if params.folder else "data_root")
        reading = params.model_dump(mode="json", include=HOW_READ)
        order = [
            list(params.classes or ()),
            list(params.channels or ()),
        ]  # class indices, which a digest is blind to
        split = _split_settings(params, name) if preprocess.learns else None
        prepared = digest(
            [version, reading, order, preprocess.model_dump(mode="json"), split, code_version("data")]
        )
        maps = digest(
            [prepared, self.params.maps.scope, self.params.maps.distance_units, code_version("maps")]
        )
        return Dataset(
            name=name,
            params=params,
            preprocess=preprocess,
            train=train,
            version=version,
            raw=raw,
            prepared=Path("data/prepared") / f"{word(name)}-{prepared}",
            maps=Path("data/maps") / f"{word(name)}-{maps}",
        )

    def _train_params(self, dataset: str, network: str | None = None) -> TrainParams:
        """The section train with what the dataset, and then the network, changes of it."""
        key = f"datasets.{dataset}.train"
        train = self._changed(self.params.train, self.params.datasets[dataset].train, key)
        if network is not None:
            key = f"networks.{network}.train"
            train = self._changed(train, self.params.networks[network].get("train", {}), key)
        if train.augmentation.resamples and self.params.maps.scope == "volume":
            raise InputError(f"{key}.augmentation: {NO_VOLUME_MAPS}")
        return train

    def _changed(self, section: Settings, changes: Mapping[str, Any], key: str) -> Settings:
        """``section`` with changes to it; raises InputError that names the key at fault."""
        kind = type(section)
        try:
            return kind.model_validate(parameters.merge(section.model_dump(), changes))
        except ValidationError as error:
            first = error.errors()[0]
            wrong = ".".join(str(part) for part in first["loc"])
            hint = (
                f"; {nearest(wrong, tuple(kind.model_fields))}" if first["type"] == "extra_forbidden" else ""
            )
            message = f"{key}.{wrong}".rstrip(".")
            raise InputError(f"{message}: {parameters.in_a_sentence(first['msg'])}{hint}") from None

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
                ours, theirs = former._conventions(first), part._conventions(dataset)
                for key, value in ours.items():
                    if value != theirs[key]:
                        raise InputError(
                            f"experiment {self.name}: dataset {dataset.name} has {key} {value} in {former.name} and "
                            f"{theirs[key]} in {part.name}, whose scores would stand in one table; make them one, or "
                            f"give the dataset another name in {part.name}"
                        )
        return tuple(dataset for _, dataset in datasets.values())

    def _conventions(self, dataset: Dataset) -> dict[str, Any]:
        """What has to be one for all scores of a dataset to be comparable: who is tested and what a score is."""
        split = _split_settings(dataset.params, dataset.name)
        split["split_file"] = (
            dataset.params.split_file and f"{dataset.params.split_file} ({split.pop('names')})"
        )
        evaluate = self.params.evaluate.model_dump(mode="json", include=CONVENTIONS)
        return split | {f"evaluate.{key}": value for key, value in evaluate.items()}

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

    def _runs(self) -> Iterator[Run]:
        """THE generator of runs: nothing else multiplies datasets, networks, losses and seeds."""
        params = self.params
        evaluation = params.evaluate.model_dump(mode="json") | {
            "code": code_version("evaluation", "vocabulary/metrics.py")
        }
        code = code_version("maps", "losses", "networks", "training", "randomness.py", "registry.py")
        for dataset in self.datasets:
            split = _split_settings(dataset.params, dataset.name)
            for network in params.grid.networks:
                options = {key: value for key, value in params.networks[network].items() if key != "train"}
                train = self._train_params(dataset.name, network)
                trained = replace(dataset, train=train)
                for loss in params.grid.losses:
                    for seed in params.grid.seeds:
                        settings = {
                            **{"dataset": dataset.name, "network": network, "loss": loss, "seed": seed},
                            "network_settings": options,
                            "loss_settings": params.losses[loss],
                            "train": train.model_dump(mode="json", exclude=NOT_IN_A_RESULT)
                            | {"augmentation": train.augmentation.resolved().model_dump(mode="json")},
                            "prepared": dataset.prepared.name,
                            "maps": params.maps.model_dump(mode="json"),
                            "split": split,
                            "code": code,
                        }
                        if train.test_every or train.checkpoint == "best":
                            # What is scored while it trains is then part of the result.
                            settings["scoring"] = {key: evaluation[key] for key in HOW_SCORED}
                        yield Run(trained, network, loss, seed, settings, evaluation)


def _split_settings(params: DatasetParams, dataset: str) -> dict[str, Any]:
    """All that decides which cases train."""
    split = params.model_dump(mode="json", include=HOW_SPLIT)
    if params.split_file is not None:
        split["names"] = digest(_text(Path(params.split_file), dataset))
    return split


def _text(split_file: Path, dataset: str) -> str:
    """The content of a split file; raises InputError if it is not there."""
    try:
        return read_text(split_file)
    except OSError as error:
        raise InputError(f"datasets.{dataset}.split_file: {split_file}: {error.strerror}") from None


def source_version(params: DatasetParams, key: str) -> str:
    """What decides the content of a source's raw folder: its routes, or the origin that serves in place of them.

    Raises InputError that names ``key`` for an unknown source or route and for an origin that is not there.
    """
    from seglossbench.acquisition.archives import ENDINGS

    assert params.source is not None
    exclude = sources.find(params.source, f"{key}.source").exclude
    content: Any
    if params.origin is None:
        routes = sources.routes_of(params.source, params.route, f"{key}.route")
        content = {
            route: [part.model_dump(exclude={"unpacked_gb"}) for part in parts]
            for route, parts in routes.items()
        }
    elif sources.is_http(params.origin):
        content = params.origin
    else:
        path = sources.origin_path(params.origin)
        content = (
            [path.name, path.stat().st_size, path.stat().st_mtime_ns]
            if path.is_file()
            else folder_version(path, key=f"{key}.origin", also=ENDINGS)
        )
    return digest([params.source, exclude, content])


def raw_folder(params: DatasetParams, version: str) -> Path:
    """Where a source's files lie, for all datasets that are made of them."""
    return Path("data/raw") / f"{params.source}-{version}"
