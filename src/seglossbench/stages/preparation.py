"""From raw data to what a training reads: download, preparation, split and maps of a dataset."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from seglossbench.data.cases import CaseIndex
from seglossbench.data.layouts import index_cases
from seglossbench.data.prepared import PreparedCase, PreparedDataset
from seglossbench.data.splits import Split, split_cases
from seglossbench.experiment import Dataset, Experiment, raw_folder, source_version
from seglossbench.parallel import over_cases
from seglossbench.params import DatasetParams
from seglossbench.registry import PHANTOMS
from seglossbench.stages.checking import check_dataset, check_runs, check_validation

if TYPE_CHECKING:
    from seglossbench.data.cases import Problem


def download(dataset: Dataset) -> CaseIndex:
    """Get the raw dataset into its place and look whether its cases can be read, which are returned."""
    from seglossbench.acquisition.archives import extract

    if dataset.params.phantom is not None:
        archive = Path("data/phantoms") / f"{dataset.raw.name}.zip"
        if not archive.exists():
            PHANTOMS.load(dataset.params.phantom.layout)(archive, dataset.params.phantom)
        extract(archive, dataset.raw)
    elif dataset.params.source is not None:
        download_source(dataset.name, dataset.params)
    return index_cases(dataset.raw, dataset.params)


def download_source(name: str, settings: DatasetParams) -> Path:
    """Get the files of a source whose licence was accepted, unless they are there, and return their folder."""
    from seglossbench.acquisition import licences, sources
    from seglossbench.acquisition.acquire import acquire

    assert settings.source is not None
    source = sources.find(settings.source)
    if not settings.accept_licence:
        licences.require(settings.source, source.licence, name)
    raw = raw_folder(settings, source_version(settings, f"datasets.{name}"))
    if not raw.exists():
        routes = sources.routes_of(settings.source, settings.route)
        acquire(settings.source, source, raw, routes, origin=settings.origin)
    return raw


def preprocess(experiment: Experiment, dataset: Dataset, processes: int = 1) -> "Sequence[Problem]":
    """Prepare all cases of a raw dataset; returns why cases were left out, where ``on_bad_case`` is ``skip``.

    Raises InputError for what would stop the runs of the dataset later, before the work.
    """
    from seglossbench.data.checking import usable_cases
    from seglossbench.data.preparation.preprocessing import preprocess_dataset
    from seglossbench.data.published import published_folder

    index = index_cases(dataset.raw, dataset.params)
    if dataset.params.on_bad_case == "skip":
        index = usable_cases(index, processes, f"check {dataset.name}")
    check_dataset(experiment, dataset)
    check_runs(experiment, dataset, len(index.channels), len(index.label_values))
    split = split_cases(index.cases, dataset.params, dataset.name)
    published_folder(dataset)
    preprocess_dataset(
        index,
        dataset.preprocess,
        dataset.prepared,
        dataset.name,
        processes,
        raw=dataset.raw,
        learn_from=split.train,
    )
    return index.problems


def split_of(dataset: Dataset, prepared: PreparedDataset) -> Split:
    """The division of a prepared dataset's cases; raises InputError where the best epoch could not be told by it."""
    split = split_cases(tuple(prepared.cases.values()), dataset.params, dataset.name)
    check_validation(dataset, split)
    return split


def cache_maps(experiment: Experiment, dataset: Dataset, processes: int = 1) -> None:
    """Compute the maps of every case that losses may read, each once, and list them in the dataset's folder.

    None are listed with ``maps.scope: patch``, where they are computed on each patch.
    """
    from seglossbench.maps.store import write_index

    settings = dataset.map_settings
    prepared = PreparedDataset(dataset.prepared)
    cases = list(prepared.cases.values()) if settings.scope == "volume" else []
    cache = partial(
        _cache_maps_of, folder=dataset.maps.parent / "cases", in_mm=settings.distance_units == "mm"
    )
    places = over_cases(cache, cases, processes, f"maps {dataset.name}", bar=bool(cases))
    write_index(dataset.maps, dict(zip([case.name for case in cases], places, strict=True)))


def _cache_maps_of(case: PreparedCase, folder: Path, in_mm: bool) -> Path:
    from seglossbench.maps.caching import MapSettings, place_of, write

    settings = MapSettings(spacing_mm=case.geometry.spacing_mm if in_mm else None)
    place = place_of(folder, case.name, case.labels, settings)
    if not place.exists():
        write(place, case.labels, settings)
    return place
