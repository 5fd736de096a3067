"""From raw scans to prepared cases: each once, named by its content, in parallel, restartable at any moment."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seglossbench.checksums import KNOWN, folder_checksums
from seglossbench.data.cases import Case, CaseIndex, Modality
from seglossbench.data.geometry import Geometry
from seglossbench.data.images import Volume
from seglossbench.data.preparation.case_store import CaseStore, write_case, write_facts
from seglossbench.data.preparation.learning import case_facts, learn
from seglossbench.data.preparation.loading import load_case, respaced
from seglossbench.data.preparation.normalisation import case_mask, normalise
from seglossbench.data.preparation.presets import Recipe, recipe
from seglossbench.data.resampling import resample, resample_labels
from seglossbench.errors import InputError
from seglossbench.files import atomic_folder, write_json
from seglossbench.parallel import over_cases
from seglossbench.params import PreprocessParams

_GONE = np.empty(0)


def preprocess_dataset(
    index: CaseIndex,
    settings: PreprocessParams,
    folder: Path,
    dataset: str,
    processes: int = 1,
    *,
    raw: Path,
    learn_from: Sequence[str] = (),
    known: Path = KNOWN,
) -> None:
    """Prepare every case of ``index`` into the store beside ``folder``, and write ``folder/dataset.json`` of them.

    A case that is already in the store, from an interrupted call or another dataset, is not prepared again. What is
    learned from the data is learned from the cases named in ``learn_from``, those for training. ``raw`` holds the raw
    files; ``known`` is where their checksums are kept. Raises InputError where there is nothing to learn from.
    """
    checksums = folder_checksums(raw, known)
    store = CaseStore(folder.parent, raw, checksums)
    recipes = _recipes(index, settings, store, dataset, processes, learn_from)
    values = index.label_values
    places = [store.place(case, values, recipes[case.modality]) for case in index.cases]
    missing = [task for task in zip(index.cases, places, strict=True) if not task[1].exists()]
    prepare = partial(_prepare, label_values=values, channel_count=len(index.channels), recipes=recipes)
    for _ in over_cases(prepare, missing, processes, f"preprocess {dataset}", bar=bool(missing)):
        pass
    with atomic_folder(folder) as temporary:
        write_json(
            temporary / "dataset.json",
            {
                "layout": index.layout,
                "channels": index.channels,
                "classes": list(index.label_values),
                "label_values": dict(index.label_values),
                "regions": index.regions,
                "patients_by": index.patients_by,
                "skipped": {problem.case: str(problem) for problem in index.problems},
                "settings": settings.model_dump(mode="json"),
                "cases": {
                    case.name: store.read_facts(place, case)
                    for case, place in zip(index.cases, places, strict=True)
                },
            },
        )


def preprocess_case(
    case: Case, label_values: Mapping[str, int], channel_count: int, recipe: Recipe
) -> tuple[NDArray[np.float16], NDArray[np.uint8], Geometry, Volume | None]:
    """The image (C, *spatial), class indices (*spatial), geometry, and the truth if it is no longer the raw file's.

    Raises InputError that names a file at fault, or the key of a size with too few or too many axes.
    """
    loaded = load_case(case, label_values, channel_count, recipe)
    shape = target_shape(recipe, loaded.geometry)
    coarse = _coarse_axis(recipe, loaded.geometry)
    image = np.empty((len(loaded.channels), *shape), np.float16)
    mask = case_mask(loaded.channels) if recipe.has_case_mask(case.modality) else None
    if mask is not None and not recipe.normalise_first:
        mask = resample_labels(mask, shape, recipe.label_interpolation, coarse)
    for position in range(len(image)):  # one by one, so that only one channel is in float32 at a time
        channel, loaded.channels[position] = loaded.channels[position], _GONE
        if recipe.normalise_first:
            channel = normalise(channel, case.modality, recipe, position, mask)
        if channel.shape != shape:
            channel = resample(channel.astype(np.float32), shape, recipe.image_interpolation, coarse)
        if not recipe.normalise_first:
            channel = normalise(channel, case.modality, recipe, position, mask)
        image[position] = channel
    labels = resample_labels(loaded.labels, shape, recipe.label_interpolation, coarse)
    return image, np.ascontiguousarray(labels), respaced(loaded.geometry, shape), loaded.truth


def target_shape(recipe: Recipe, geometry: Geometry) -> tuple[int, ...]:
    """The shape that a case is resampled to; raises InputError that names a size with too few or too many axes."""
    shape = geometry.cropped_shape
    for key in ("resize", "spacing_mm"):
        sizes = getattr(recipe, key)
        if isinstance(sizes, tuple) and len(sizes) != len(shape):
            raise InputError(
                f"preprocess.{key}: has {len(sizes)} sizes, but the cases have {len(shape)} axes"
            )
    if isinstance(recipe.spacing_mm, tuple):
        shape = tuple(
            size if target is None else max(1, round(size * own / target))
            for size, own, target in zip(shape, geometry.spacing_mm, recipe.spacing_mm, strict=True)
        )
    if recipe.resize is not None:
        shape = tuple(new or old for new, old in zip(recipe.resize, shape, strict=True))
    return shape


def _coarse_axis(recipe: Recipe, geometry: Geometry) -> int | None:
    """The axis of slices too thick to interpolate between, if there is one."""
    spacing = geometry.spacing_mm
    if len(spacing) < 3 or max(spacing) <= recipe.anisotropy_ratio * min(spacing):
        return None
    return int(np.argmax(spacing))


def _recipes(
    index: CaseIndex,
    settings: PreprocessParams,
    store: CaseStore,
    dataset: str,
    processes: int,
    learn_from: Sequence[str],
) -> dict[Modality, Recipe]:
    """The recipe for the cases of each modality, with all that is to be learned from the training cases."""
    recipes = {case.modality: recipe(settings, index.layout, case.modality) for case in index.cases}
    for modality, lacking in recipes.items():
        if not lacking.learns(modality):
            continue
        names = set(learn_from)
        cases = [case for case in index.cases if case.modality == modality and case.name in names]
        if not cases:
            raise InputError(
                f"datasets.{dataset}: none of its {modality} cases trains, and how these are prepared is learned from "
                "training cases; train with one of them, or choose another preprocess.preset"
            )
        places = [store.place(case, index.label_values, lacking, "fingerprints") for case in cases]
        missing = [task for task in zip(cases, places, strict=True) if not task[1].exists()]
        find = partial(
            _find_facts,
            label_values=index.label_values,
            channel_count=len(index.channels),
            recipe=lacking,
        )
        for _ in over_cases(find, missing, processes, f"fingerprint {dataset} {modality}", bar=bool(missing)):
            pass
        recipes[modality] = learn(lacking, modality, [json.loads(place.read_text()) for place in places])
    return recipes


def _prepare(
    task: tuple[Case, Path],
    label_values: Mapping[str, int],
    channel_count: int,
    recipes: Mapping[Modality, Recipe],
) -> None:
    case, place = task
    prepared = preprocess_case(case, label_values, channel_count, recipes[case.modality])
    write_case(place, case.name, *prepared, len(label_values))


def _find_facts(
    task: tuple[Case, Path], label_values: Mapping[str, int], channel_count: int, recipe: Recipe
) -> None:
    case, place = task
    write_facts(place, case_facts(case, label_values, channel_count, recipe))
