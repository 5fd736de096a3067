"""One case from its files, as a recipe wants it to lie: turned, cropped, its labels as class indices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seglossbench.data import geometry as spaces
from seglossbench.data.cases import Case
from seglossbench.data.geometry import Geometry
from seglossbench.data.grids import difference
from seglossbench.data.images import Volume, read_label_map, read_volume
from seglossbench.data.preparation.kits_as_released import as_released
from seglossbench.data.preparation.presets import Recipe
from seglossbench.errors import InputError


@dataclass(frozen=True)
class Loaded:
    """``channels`` (*spatial) in the files' own number types, class indices of the same shape, and their geometry.

    ``truth`` is the label map that predictions are compared with, where that is no longer the raw file.
    """

    channels: list[NDArray[Any]]
    labels: NDArray[np.uint8]
    geometry: Geometry
    truth: Volume | None = None


def load_case(case: Case, label_values: Mapping[str, int], channel_count: int, recipe: Recipe) -> Loaded:
    """Read a case and turn and crop it by the recipe; raises InputError that names the file at fault.

    The arrays are views of what was read, so that a case takes no more memory here than in its files.
    """
    truth = read_label_map(case.labels)
    channels: list[NDArray[Any]] = []
    for file in case.images:
        volume = read_volume(file).turned_onto(truth.grid)
        if different := difference(volume.grid, truth.grid, str(case.labels)):
            raise InputError(f"{file}: {different[1]}")
        channels.extend(volume.array)
    if len(channels) != channel_count:
        files = ", ".join(file.name for file in case.images)
        raise InputError(
            f"{case.labels}: the images of this case ({files}) have {len(channels)} channels, "
            f"and the dataset has {channel_count}"
        )
    altered = None
    if recipe.released_kits:
        channels, truth = as_released(channels, truth, case.labels)
        altered = truth
    labels = class_indices(truth.array[0], label_values, case.labels, case.as_background)
    orientation = (
        spaces.orientation_of(truth.affine, len(truth.shape))
        if recipe.orientation == "RAS"
        else spaces.no_turn(len(truth.shape))
    )
    channels = [spaces.to_ras(channel, orientation) for channel in channels]
    labels = spaces.to_ras(labels, orientation)
    spacing_mm = tuple(truth.spacing_mm[axis] for axis in orientation[:, 0].argsort())
    box: spaces.Box = tuple((0, size) for size in labels.shape)
    if recipe.crop_to_nonzero:
        box = spaces.nonzero_box(channels)
    if recipe.centre_crop is not None and not recipe.learns_spacing:  # which is still to be learned
        box = spaces.centre_box(box, spacing_mm, _extent_mm(recipe, spacing_mm))
    part = spaces.slices(box)
    geometry = Geometry(
        raw_shape=truth.shape,
        affine=tuple(tuple(float(x) for x in row) for row in truth.affine),
        orientation=tuple(tuple(float(x) for x in row) for row in orientation),
        box=box,
        spacing_mm=spacing_mm,
    )
    return Loaded([channel[part] for channel in channels], labels[part], geometry, altered)


def _extent_mm(recipe: Recipe, spacing_mm: Sequence[float]) -> tuple[float | None, ...]:
    """What the recipe's central box measures along each axis; raises InputError where it has not a size for each."""
    sizes = recipe.centre_crop or ()
    if len(sizes) != len(spacing_mm):
        raise InputError(
            f"preprocess.centre_crop: has {len(sizes)} sizes, but the cases have {len(spacing_mm)} axes"
        )
    target = recipe.spacing_mm if isinstance(recipe.spacing_mm, tuple) else spacing_mm
    return tuple(
        None if size is None else size * (mm or own)
        for size, mm, own in zip(sizes, target, spacing_mm, strict=False)
    )


def class_indices(
    raw: NDArray[Any], label_values: Mapping[str, int], file: Path, as_background: Sequence[int] = ()
) -> NDArray[np.uint8]:
    """Label values as they stand in the file, turned into class indices; raises InputError for an unknown value."""
    values = list(label_values.values())
    ignored = [value for value in as_background if value not in values]
    if raw.dtype == np.uint8 and max(values + ignored) <= 255:
        table: NDArray[np.uint8] = np.full(256, 255, np.uint8)
        table[values] = np.arange(len(values))
        table[ignored] = 0
        indices: NDArray[np.uint8] = table[raw]  # np.take would make wide numbers of the whole map
    else:
        indices = np.full(raw.shape, 255, np.uint8)
        for position, value in enumerate(values):
            indices[raw == value] = position
        if ignored:
            indices[np.isin(raw, ignored)] = 0
    if indices.max(initial=0) == 255:
        unknown = np.unique(raw[indices == 255])
        known = ", ".join(map(str, values))
        raise InputError(f"{file}: unknown label values {unknown[:5].tolist()}; known: {known}")
    return indices


def respaced(geometry: Geometry, shape: tuple[int, ...]) -> Geometry:
    """The geometry of the same case on a grid of ``shape`` over the same extent."""
    spacing = zip(geometry.spacing_mm, geometry.cropped_shape, shape, strict=True)
    return replace(geometry, spacing_mm=tuple(mm * old / new for mm, old, new in spacing))
