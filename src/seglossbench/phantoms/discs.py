"""Discs: slices of noise with a bright disc to be found, whose difficulty is a dial, in nnU-Net's layout.

They speak of mechanisms and of no anatomy: one thing at a time makes them harder, namely how few pixels the disc has
(``disc_share``), how many slices have none (``empty_share``), or how far the edges drawn for training lie from the
true ones (``rim_noise``); the labels of test cases are always true. Every slice is a picture of its own.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from seglossbench.params import PhantomParams
from seglossbench.phantoms.archive import nifti_gz, write_zip
from seglossbench.phantoms.fields import Field, Grid, smooth_field
from seglossbench.randomness import stream

SLICE_MM = 5.0  # beside pixels of 1 mm, so that the slices are told from the other axes
DISC, SHADE, NOISE = 2.0, 1.0, 0.5
SHADES = 2  # in every slice: dimmer and larger than the disc, and background
SCALE = 100.0  # of intensities, which are written as whole numbers
RIM_SCALE = 6.0  # pixels along the edge over which it is drawn too far out or in


def draw(archive: Path, settings: PhantomParams) -> None:
    """Write the phantom of the params as a zip."""
    write_zip(archive, _files(settings))


def _files(settings: PhantomParams) -> Iterator[tuple[str, bytes]]:
    description = {
        "channel_names": {"0": "MRI"},
        "labels": {"background": 0, "disc": 1},
        "numTraining": settings.training,
        "file_ending": ".nii.gz",
    }
    yield "Dataset001_Discs/dataset.json", json.dumps(description).encode()
    extent_mm = (float(settings.shape[0]), float(settings.shape[1]), settings.shape[2] * SLICE_MM)
    grid = Grid(settings.shape, extent_mm)
    for case in range(1, settings.training + settings.test + 1):
        is_test = case > settings.training
        image, labels = _case(settings, stream("discs_phantom", settings.seed, case), is_test)
        part, name = "Ts" if is_test else "Tr", f"disc_{case:03d}"
        yield f"Dataset001_Discs/images{part}/{name}_0000.nii.gz", nifti_gz(image, grid, axes="RAS")
        yield f"Dataset001_Discs/labels{part}/{name}.nii.gz", nifti_gz(labels, grid, axes="RAS")


def _case(
    settings: PhantomParams, rng: np.random.Generator, is_test: bool
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.uint8]]:
    """The slices of one case and their labels, (X, Y, slices); a share of them, drawn by chance, has no disc."""
    width, height, slices = settings.shape
    empty = rng.permutation(slices) < round(settings.empty_share * slices)
    rim = 0.0 if is_test else settings.rim_noise
    images, labels = [], []
    for is_empty in empty:
        image, label = _slice(Grid((width, height, 1), (width, height, 1.0)), settings.disc_share, rim, rng)
        if is_empty:
            image, label = image - DISC * label[1], (np.zeros_like(label[0]), label[1])
        images.append(image)
        labels.append(label[0])
    volume = np.concatenate(images, axis=2) * SCALE
    return volume.round().astype(np.int16), np.concatenate(labels, axis=2).astype(np.uint8)


def _slice(
    grid: Grid, share: float, rim: float, rng: np.random.Generator
) -> tuple[Field, tuple[Field, Field]]:
    """A picture (X, Y, 1), and its disc as it is labelled and as it is, 1 inside."""
    x, y, _ = grid.position_mm
    pixels = grid.shape[0] * grid.shape[1]
    image = 0.3 * smooth_field(grid, 20.0, rng) + NOISE * rng.standard_normal(grid.shape, np.float32)
    for _ in range(SHADES):
        image = image + SHADE * (_depth(x, y, grid, 0.06 * pixels, rng) > 0)
    depth = _depth(x, y, grid, share * pixels * rng.lognormal(0.0, 0.15), rng)
    disc = (depth > 0).astype(np.float32)
    if not disc.any():  # smaller than a pixel's distance from its neighbours
        disc[np.unravel_index(int(depth.argmax()), depth.shape)] = 1
    # drawn without a rim, too, so that all pictures stay the same
    astray = smooth_field(grid, RIM_SCALE, rng)
    labelled = (depth + rim * astray > 0).astype(np.float32) if rim else disc
    return image + DISC * disc, (labelled, disc)


def _depth(x: Field, y: Field, grid: Grid, area: float, rng: np.random.Generator) -> Field:
    """About how many pixels deep in an ellipse of that area a point lies; it lies wholly in the picture."""
    radius, long = np.sqrt(area / np.pi), rng.uniform(1.0, 1.3)
    room = [max(0.0, size / 2 - radius * long) for size in grid.shape[:2]]
    centre_x, centre_y = (rng.uniform(-most, most) for most in room)
    angle = rng.uniform(0, np.pi)
    along = (x - centre_x) * np.cos(angle) + (y - centre_y) * np.sin(angle)
    across = (y - centre_y) * np.cos(angle) - (x - centre_x) * np.sin(angle)
    depth: Field = radius * (1 - np.sqrt((along / long) ** 2 + (across * long) ** 2) / radius)
    return depth.astype(np.float32)
