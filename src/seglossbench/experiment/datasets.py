"""The datasets of an experiment: their settings, the content of their data, and where their cases lie."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from seglossbench import params as parameters
from seglossbench.acquisition import sources
from seglossbench.checksums import folder_version
from seglossbench.errors import InputError, nearest
from seglossbench.experiment import identity
from seglossbench.files import digest, read_text
from seglossbench.names import word
from seglossbench.params import (
    NO_VOLUME_MAPS,
    DatasetParams,
    EvaluateParams,
    MapsParams,
    Params,
    PreprocessParams,
    Section,
    TrainParams,
)
from seglossbench.registry import WRITTEN_AS

HOW_READ = {
    *("layout", "select", "modality", "classes", "regions", "channels", "labels_suffix"),
    *("patient_pattern", "on_bad_case"),
}
HOW_SPLIT = {"split", "split_seed", "folds", "fold", "test_fraction", "validation_fraction"}
Settings = TypeVar("Settings", bound=Section)


@dataclass(frozen=True)
class Dataset:
    """A dataset of the experiment: how it is prepared and scored, and where its raw, prepared and mapped cases lie.

    ``data`` is what decides the content of the prepared cases, and ``split`` which of them train.
    """

    name: str
    params: DatasetParams
    preprocess: PreprocessParams
    train: TrainParams
    evaluate: EvaluateParams
    map_settings: MapsParams
    data: Mapping[str, Any]
    split: Mapping[str, Any]
    raw: Path
    prepared: Path
    maps: Path

    @property
    def is_local_folder(self) -> bool:
        """Whether the raw data is a folder of the user's, which is read where it lies."""
        return self.params.phantom is None and self.params.source is None

    @cached_property
    def predicted_by(self) -> str:
        """A digest of how test cases are predicted: the same for all of its runs, of which there may be thousands."""
        return digest([self.evaluate.predict.what_is_on(), identity.code_of(identity.prediction_roots())])

    @cached_property
    def scored_by(self) -> str:
        """A digest of how predictions are scored, by settings and code."""
        return digest([self.evaluate.what_is_on(), identity.scoring_version(self.evaluate.metrics)])

    @property
    def conventions(self) -> dict[str, Any]:
        """What has to be one for all scores of a dataset to be comparable: who is tested and what a score is."""
        split = dict(self.split)
        split["split_file"] = self.params.split_file and f"{self.params.split_file} ({split.pop('names')})"
        return split | {f"evaluate.{key}": getattr(self.evaluate, key) for key in ("empty", "hd95")}


def dataset_of(params: Params, name: str) -> Dataset:
    """The dataset that the params call so; raises InputError that names the key at fault."""
    settings = params.datasets[name]
    preprocess = changed(params.preprocess, settings.preprocess, f"datasets.{name}.preprocess")
    settings, raw, version = _content(params, name)
    split = split_settings(settings, name)
    data = {
        "version": version,
        "reading": settings.what_is_on(HOW_READ),
        "order": [list(settings.classes or ()), list(settings.channels or ())],  # to which a digest is blind
        "preprocess": preprocess.what_is_on(),
        "split": split if preprocess.learns else None,
    }
    code = identity.preparation_roots(settings.layout)
    if preprocess.learns:
        code += identity.split_roots(settings.split)
    prepared = digest([data, identity.code_of(code)])
    maps_of = map_settings(params, name)
    maps = digest(
        [
            prepared,
            maps_of.model_dump(mode="json", include={"scope", "distance_units"}),
            identity.code_of(identity.storage_roots()),
        ]
    )
    return Dataset(
        name=name,
        params=settings,
        preprocess=preprocess,
        train=train_settings(params, name),
        evaluate=changed(params.evaluate, settings.evaluate, f"datasets.{name}.evaluate"),
        map_settings=maps_of,
        data=data,
        split=split,
        raw=raw,
        prepared=Path("data/prepared") / f"{word(name)}-{prepared}",
        maps=Path("data/maps") / f"{word(name)}-{maps}",
    )


def _content(params: Params, name: str) -> tuple[DatasetParams, Path, str]:
    """The dataset's settings, with its layout where that is known, its raw folder, and what decides what lies there."""
    settings = params.datasets[name]
    if settings.source is not None and params.data_root is not None:
        here = {"source": None, "folder": _folder_below(params.data_root, name), "layout": _layout(settings)}
        settings = settings.model_copy(update=here)  # there already, so that nothing is downloaded
    if settings.phantom is not None:
        drawn = settings.phantom
        code = identity.code_of(identity.phantom_roots(drawn.layout))
        version = digest([drawn.what_is_on(), code])
        if settings.layout == "auto":
            settings = settings.model_copy(update={"layout": WRITTEN_AS.get(drawn.layout, drawn.layout)})
        return settings, Path("data/raw") / f"{word(name)}-{version}", version
    if settings.source is not None:
        version = source_version(settings, f"datasets.{name}")
        settings = settings.model_copy(update={"layout": _layout(settings)})
        return settings, raw_folder(settings, version), version
    folder = settings.folder or (params.data_root and _folder_below(params.data_root, name))
    if folder is None:
        raise InputError(
            f"datasets.{name}: no data given; set data_root to the folder of your data, as in "
            f"snakemake --cores all --config experiment={params.experiment} data_root=PATH"
        )
    key = f"datasets.{name}.folder" if settings.folder else "data_root"
    return settings, Path(folder), folder_version(Path(folder), key=key)


def _layout(settings: DatasetParams) -> str:
    """The layout of a source's files, unless the params say another."""
    assert settings.source is not None
    return settings.layout if settings.layout != "auto" else sources.find(settings.source).layout


def _folder_below(data_root: str, name: str) -> str:
    """Where below ``data_root`` the dataset lies: in a folder of its name if there is one, else ``data_root`` is it."""
    own = Path(data_root) / name
    return str(own) if own.is_dir() else data_root


def train_settings(params: Params, dataset: str, network: str | None = None) -> TrainParams:
    """The section train with what the dataset, and then the network, changes of it."""
    key = f"datasets.{dataset}.train"
    train = changed(params.train, params.datasets[dataset].train, key)
    if network is not None:
        key = f"networks.{network}.train"
        train = changed(train, params.networks[network].get("train", {}), key)
    if train.augmentation.resamples and map_settings(params, dataset).scope == "volume":
        raise InputError(f"{key}.augmentation: {NO_VOLUME_MAPS}")
    return train


def map_settings(params: Params, dataset: str) -> MapsParams:
    """The section maps with what the dataset changes of it."""
    return changed(params.maps, params.datasets[dataset].maps, f"datasets.{dataset}.maps")


def changed(section: Settings, changes: Mapping[str, Any], key: str) -> Settings:
    """``section`` with changes to it; raises InputError that names the key at fault."""
    kind = type(section)
    try:
        return kind.model_validate(parameters.merge(section.model_dump(), changes))
    except ValidationError as error:
        first = error.errors()[0]
        wrong = ".".join(str(part) for part in first["loc"])
        hint = f"; {nearest(wrong, tuple(kind.model_fields))}" if first["type"] == "extra_forbidden" else ""
        message = f"{key}.{wrong}".rstrip(".")
        raise InputError(f"{message}: {parameters.in_a_sentence(first['msg'])}{hint}") from None


def split_settings(params: DatasetParams, dataset: str) -> dict[str, Any]:
    """All that decides which cases train."""
    split = params.what_is_on(HOW_SPLIT)
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
