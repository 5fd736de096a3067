"""What a recipe learns from the training cases, as nnU-Net does: voxel size, foreground intensities, need of a mask.

nnU-Net learns from every case that it is given. Here these are the training cases of the split alone: neither
validation nor test cases have a say in how they are prepared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seglossbench.data.cases import Case, Modality
from seglossbench.data.preparation.loading import load_case
from seglossbench.data.preparation.presets import Foreground, Recipe
from seglossbench.randomness import stream

SAMPLES = 10_000  # voxels of the foreground, of each case and channel
PERCENTILES = (0.5, 99.5)
CROPPED = 0.75  # nnU-Net masks the z-score if cropping leaves less than this share of the voxels
ANISOTROPIC = 3.0


def case_facts(
    case: Case, label_values: Mapping[str, int], channel_count: int, recipe: Recipe
) -> dict[str, Any]:
    """What one case contributes, as JSON: voxel size, shape, the share that cropping keeps, foreground intensities.

    The intensities are of CT alone, where the recipe normalises by them.
    """
    loaded = load_case(case, label_values, channel_count, recipe)
    facts: dict[str, Any] = {
        "spacing_mm": loaded.geometry.spacing_mm,
        "shape": loaded.labels.shape,
        "kept": loaded.labels.size / float(np.prod(loaded.geometry.raw_shape)),
    }
    if recipe.learns_foreground(case.modality):
        foreground = np.flatnonzero(loaded.labels)
        if len(foreground) > SAMPLES:
            foreground = stream("fingerprint", case.name).choice(foreground, SAMPLES, replace=False)
        place = np.unravel_index(foreground, loaded.labels.shape)
        facts["intensities"] = [channel[place].astype(float).tolist() for channel in loaded.channels]
    return facts


def learn(recipe: Recipe, modality: Modality, facts: Sequence[Mapping[str, Any]]) -> Recipe:
    """The recipe with the values that it was lacking, from the facts of the training cases of that modality."""
    if recipe.learns_spacing:
        spacings, shapes = (np.array([fact[key] for fact in facts]) for key in ("spacing_mm", "shape"))
        target = target_spacing(spacings, shapes)
        in_plane = recipe.spacing_mm == "median_in_plane"
        recipe = replace(recipe, spacing_mm=_own_slices(target) if in_plane else target)
    if modality == "MRI" and recipe.mri == "z_score_where_cropped":
        kept = np.median([fact["kept"] for fact in facts])
        recipe = replace(recipe, mri="z_score_nonzero" if kept < CROPPED else "z_score")
    if recipe.learns_foreground(modality):
        channels = zip(*(fact["intensities"] for fact in facts), strict=True)
        recipe = replace(recipe, foreground=tuple(_foreground(np.concatenate(each)) for each in channels))
    return recipe


def target_spacing(spacings_mm: NDArray[np.float64], shapes: NDArray[np.integer]) -> tuple[float, ...]:
    """The median voxel size per axis, of (cases, axes).

    As in nnU-Net, where slices are three times as thick as voxels are wide and few, the thickness is its percentile
    10, so that thin slices lose less.
    """
    target, shape = np.median(spacings_mm, axis=0), np.median(shapes, axis=0)
    thick = int(target.argmax())
    others = [axis for axis in range(len(target)) if axis != thick]
    if (
        target[thick] > ANISOTROPIC * target[others].max()
        and shape[thick] * ANISOTROPIC < shape[others].min()
    ):
        target[thick] = max(np.percentile(spacings_mm[:, thick], 10), target[others].max())
    return tuple(float(size) for size in target)


def _own_slices(target_mm: tuple[float, ...]) -> tuple[float | None, ...]:
    """The voxel size with none along the axis of the slices: that of the largest one, the last of equals."""
    if len(target_mm) < 3:
        return target_mm
    thick = max(range(len(target_mm)), key=lambda axis: (target_mm[axis], axis))
    return tuple(None if axis == thick else size for axis, size in enumerate(target_mm))


def _foreground(values: NDArray[np.float64]) -> Foreground:
    if values.size == 0:  # no training case has a class but the background
        return Foreground(-np.inf, np.inf, 0.0, 1.0)
    low, high = np.percentile(values, PERCENTILES)
    return Foreground(float(low), float(high), float(values.mean()), float(values.std()))
