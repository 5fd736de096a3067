"""AMOS phantoms: CT-like and MRI-like trunks with fifteen organs, in the AMOS22 layout."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from seglossbench.errors import InputError
from seglossbench.params import PhantomParams
from seglossbench.phantoms.archive import nifti_gz, write_zip
from seglossbench.phantoms.fields import Grid
from seglossbench.phantoms.organs import LABELS
from seglossbench.phantoms.trunk import paint_trunk
from seglossbench.randomness import stream

EXTENT_MM = (340.0, 260.0, 400.0)  # from the lung bases to the pelvic floor, whatever the shape
MRI_SHARE_OF_HEIGHT = 0.625  # MRI ends above the pelvis: no bladder, no prostate

# The first case number of either list, by modality: as in the real set a number above 500 means MRI.
FIRST_CT = {"training": 1, "validation": 301}
FIRST_MRI = {"training": 501, "validation": 551}
MOST_CT, MOST_MRI = 200, 50
FOLDERS = {"training": "Tr", "validation": "Va"}


def draw(archive: Path, settings: PhantomParams) -> None:
    """Write the phantom of the params as a zip; AMOS keeps its labelled validation part for what is our test."""
    write_amos_phantom(
        archive,
        training=settings.training,
        validation=settings.test,
        mri_fraction=settings.mri_fraction,
        shape=settings.shape,
        seed=settings.seed,
    )


def write_amos_phantom(
    archive: Path,
    *,
    training: int,
    validation: int,
    mri_fraction: float,
    shape: tuple[int, int, int],
    seed: int,
) -> None:
    """Write a zip of CT-like cases of ``shape`` voxels and, ``mri_fraction`` of each list, MRI-like ones.

    The spacing is the field of view over the shape; an MRI-like case has the upper five eighths of the slices.
    """
    numbers = {
        "training": _numbers("training", training, mri_fraction),
        "validation": _numbers("validation", validation, mri_fraction),
    }
    write_zip(archive, _files(numbers, shape, seed))


def _numbers(part: str, count: int, mri_fraction: float) -> list[int]:
    mri = round(count * mri_fraction)
    if count - mri > MOST_CT or mri > MOST_MRI:
        raise InputError(
            f"amos_phantom: {part} has {count - mri} CT and {mri} MRI cases; at most {MOST_CT} and {MOST_MRI}"
        )
    first_ct, first_mri = FIRST_CT[part], FIRST_MRI[part]
    return [*range(first_ct, first_ct + count - mri), *range(first_mri, first_mri + mri)]


def _files(
    numbers: dict[str, list[int]], shape: tuple[int, int, int], seed: int
) -> Iterator[tuple[str, bytes]]:
    yield "amos22/dataset.json", json.dumps(_description(numbers), indent=1).encode()
    for part, of_part in numbers.items():
        for number in of_part:
            is_mri = number > 500
            grid = _grid(shape, is_mri)
            canvas = paint_trunk(grid, is_mri, stream("amos_phantom", seed, number))
            axes = "LPS" if is_mri else "RAS"  # the real files do not agree on one orientation either
            name = f"{FOLDERS[part]}/amos_{number:04d}.nii.gz"
            yield f"amos22/images{name}", nifti_gz(canvas.images[0].round().astype(np.int16), grid, axes=axes)
            yield f"amos22/labels{name}", nifti_gz(canvas.labels, grid, axes=axes)


def _description(numbers: dict[str, list[int]]) -> dict[str, object]:
    """The content of dataset.json."""
    lists = {
        part: [
            {kind: f"./{kind}s{FOLDERS[part]}/amos_{number:04d}.nii.gz" for kind in ("image", "label")}
            for number in of_part
        ]
        for part, of_part in numbers.items()
    }
    return {
        "name": "AMOS phantom",
        "labels": {str(label): name for label, name in LABELS.items()},
        "numTraining": len(lists["training"]),
        "numValidation": len(lists["validation"]),
        "numTest": 0,
        **lists,
        "test": [],
    }


def _grid(shape: tuple[int, int, int], is_mri: bool) -> Grid:
    if not is_mri:
        return Grid(shape, EXTENT_MM)
    width, depth, height = EXTENT_MM
    slices = max(1, round(shape[2] * MRI_SHARE_OF_HEIGHT))
    mri_height = height * slices / shape[2]
    return Grid((*shape[:2], slices), (width, depth, mri_height), (0, 0, (height - mri_height) / 2))
