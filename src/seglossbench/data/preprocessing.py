"""From raw scans to prepared cases: one folder per dataset and settings, written whole or not at all."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seglossbench.data import geometry as spaces
from seglossbench.data.cases import Case, CaseIndex
from seglossbench.data.geometry import Geometry
from seglossbench.data.images import Volume, read_volume
from seglossbench.errors import InputError
from seglossbench.files import atomic_folder, write_json
from seglossbench.parallel import over_cases
from seglossbench.params import PreprocessParams


def preprocess_dataset(
    index: CaseIndex, settings: PreprocessParams, folder: Path, dataset: str, processes: int = 1
) -> None:
    """Prepare every case of ``index`` into ``folder``: ``CASE/image.npy``, ``CASE/labels.npy`` and ``dataset.json``.

    Finished cases of an interrupted call wait beside the folder and are not prepared again.
    """
    parts = folder.with_name(folder.name + ".parts")
    prepare = partial(_prepare_into, index=index, settings=settings, parts=parts)
    facts = list(over_cases(prepare, index.cases, processes, f"preprocess {dataset}", bar=True))
    with atomic_folder(folder) as temporary:
        for case in index.cases:
            (parts / case.name).rename(temporary / case.name)
        write_json(
            temporary / "dataset.json",
            {
                "layout": index.layout,
                "channels": index.channels,
                "classes": list(index.label_values),
                "label_values": dict(index.label_values),
                "regions": index.regions,
                "skipped": {problem.case: str(problem) for problem in index.problems},
                "settings": settings.model_dump(mode="json"),
                "cases": {case.name: fact for case, fact in zip(index.cases, facts, strict=True)},
            },
        )
    parts.rmdir()


def preprocess_case(
    case: Case, label_values: Mapping[str, int], settings: PreprocessParams
) -> tuple[NDArray[np.float16], NDArray[np.uint8], Geometry]:
    """The image (C, *spatial), class indices (*spatial) and geometry of one case; raises InputError naming a file.

    In RAS order, cropped to the nonzero box (MRI), respaced if asked for, then CT clipped to its window and scaled to
    [-1, 1], MRI z-scored per channel inside its nonzero mask.
    """
    truth = read_volume(case.labels)
    if len(truth.array) != 1:
        raise InputError(f"{case.labels}: {len(truth.array)} values per voxel; a label map has one")
    channels = []
    for file in case.images:
        volume = read_volume(file)
        _check_same_grid(file, volume, case.labels, truth)
        channels += list(volume.array)
    labels = class_indices(truth.array[0], label_values, case.labels)
    orientation = spaces.orientation_of(truth.affine)
    image = np.stack([spaces.to_ras(channel, orientation) for channel in channels]).astype(np.float32)
    labels = spaces.to_ras(labels, orientation)
    spacing = np.array(truth.spacing_mm)[orientation[:, 0].argsort()]

    box: spaces.Box = tuple((0, size) for size in labels.shape)
    if settings.crop_to_nonzero and case.modality == "MRI":
        box = spaces.nonzero_box(image)
    image, labels = image[(slice(None), *spaces.slices(box))], labels[spaces.slices(box)]
    if settings.spacing_mm is not None:
        target = np.array(settings.spacing_mm)
        shape = np.maximum(1, np.round(np.array(labels.shape) * spacing / target)).astype(int).tolist()
        image = np.stack([spaces.resample(channel, shape, order=1) for channel in image])
        spacing = spacing * labels.shape / np.array(shape)
        labels = spaces.resample(labels, shape, order=0)
    geometry = Geometry(
        raw_shape=truth.shape,
        affine=tuple(tuple(float(x) for x in row) for row in truth.affine),
        orientation=tuple(tuple(float(x) for x in row) for row in orientation),
        box=box,
        spacing_mm=tuple(float(size) for size in spacing),
    )
    return (
        normalise(image, case.modality, settings).astype(np.float16),
        np.ascontiguousarray(labels),
        geometry,
    )


def normalise(image: NDArray[np.float32], modality: str, settings: PreprocessParams) -> NDArray[np.float32]:
    """Intensities (C, *spatial) on a common scale: CT to [-1, 1] by its window in HU, MRI z-scored where nonzero."""
    if modality == "CT":
        low, high = settings.ct_window_hu
        return (np.clip(image, low, high) - (low + high) / 2) / ((high - low) / 2)
    scaled = np.zeros_like(image)
    for channel, target in zip(image, scaled, strict=True):
        inside = channel != 0
        values = channel[inside]
        if values.size == 0:
            continue
        if settings.clip_percentiles is not None:
            values = np.clip(values, *np.percentile(values, settings.clip_percentiles))
        target[inside] = (values - values.mean()) / max(float(values.std()), 1e-6)
    return scaled


def class_indices(raw: NDArray[Any], label_values: Mapping[str, int], file: Path) -> NDArray[np.uint8]:
    """Label values as they stand in the file, turned into class indices; raises InputError for an unknown value."""
    indices = np.full(raw.shape, 255, dtype=np.uint8)
    for position, value in enumerate(label_values.values()):
        indices[raw == value] = position
    unknown = np.unique(raw[indices == 255])
    if unknown.size:
        known = ", ".join(str(value) for value in label_values.values())
        raise InputError(f"{file}: unknown label values {unknown[:5].tolist()}; known: {known}")
    return indices


def _check_same_grid(file: Path, volume: Volume, labels: Path, truth: Volume) -> None:
    if volume.shape != truth.shape:
        raise InputError(f"{file}: shape {volume.shape} differs from {truth.shape} of {labels}")
    if not np.allclose(volume.affine, truth.affine, atol=1e-2):
        raise InputError(
            f"{file}: its affine differs from that of {labels}; they do not lie in the same space"
        )


def _prepare_into(case: Case, index: CaseIndex, settings: PreprocessParams, parts: Path) -> dict[str, Any]:
    """Prepare one case into ``parts/CASE`` unless it is there already, and return its facts."""
    place = parts / case.name
    if not place.exists():
        image, labels, geometry = preprocess_case(case, index.label_values, settings)
        counts = np.bincount(labels.ravel(), minlength=len(index.label_values))
        facts = {
            "modality": case.modality,
            "official": case.official,
            "patient": case.patient,
            "truth": str(case.labels.resolve()),
            "geometry": asdict(geometry),
            "voxels_per_class": counts.tolist(),
        }
        with atomic_folder(place) as temporary:
            np.save(temporary / "image.npy", image)
            np.save(temporary / "labels.npy", labels)
            write_json(temporary / "case.json", facts)
    facts = json.loads((place / "case.json").read_text())
    return dict(facts)
