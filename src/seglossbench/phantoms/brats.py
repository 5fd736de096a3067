"""BraTS phantoms: four modalities of a skull-stripped head with a glioma, in the BraTS 2020 layout."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from seglossbench.params import PhantomParams
from seglossbench.phantoms.archive import nifti_gz, write_zip
from seglossbench.phantoms.fields import Grid
from seglossbench.phantoms.head import MODALITIES, paint_head
from seglossbench.randomness import stream

EXTENT_MM = (240.0, 240.0, 155.0)  # the real field of view, whatever the shape
CASES_PER_NON_ENHANCING = 8  # 27 of the real 369 lack label 4, and so does every eighth here, from case 2 on


def draw(archive: Path, settings: PhantomParams) -> None:
    """Write the phantom of the params as a zip."""
    cases = settings.training + settings.test
    write_brats_phantom(archive, cases=cases, shape=settings.shape, seed=settings.seed)


def write_brats_phantom(archive: Path, *, cases: int, shape: tuple[int, int, int], seed: int) -> None:
    """Write a zip of ``cases`` phantoms of ``shape`` voxels; the spacing is the field of view over the shape."""
    write_zip(archive, _files(cases, Grid(shape, EXTENT_MM), seed))


def _files(cases: int, grid: Grid, seed: int) -> Iterator[tuple[str, bytes]]:
    for case in range(1, cases + 1):
        enhances = case % CASES_PER_NON_ENHANCING != 2
        canvas = paint_head(grid, enhances, stream("brats_phantom", seed, case))
        name = f"BraTS20_Training_{case:03d}"
        stem = f"MICCAI_BraTS2020_TrainingData/{name}/{name}"
        for modality, image in zip(MODALITIES, canvas.images, strict=True):
            yield f"{stem}_{modality}.nii.gz", nifti_gz(image.round().astype(np.int16), grid, axes="LPS")
        yield f"{stem}_seg.nii.gz", nifti_gz(canvas.labels, grid, axes="LPS")
