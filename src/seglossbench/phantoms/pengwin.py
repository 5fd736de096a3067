"""PENGWIN phantoms: CT-like fractured pelves as MetaImage files, in the layout of the challenge's first task."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from seglossbench.params import PhantomParams
from seglossbench.phantoms.archive import mha, write_zip
from seglossbench.phantoms.fields import Grid
from seglossbench.phantoms.pelvis import paint_pelvis
from seglossbench.randomness import stream

EXTENT_MM = (384.0, 288.0, 260.0)
# every fifth left hipbone has a fifth fragment, for which paper A's release has no class
CASES_PER_SHATTERED = 5


def draw(archive: Path, settings: PhantomParams) -> None:
    """Write the phantom of the params as a zip."""
    cases = settings.training + settings.test
    write_pengwin_phantom(archive, cases=cases, shape=settings.shape, seed=settings.seed)


def write_pengwin_phantom(archive: Path, *, cases: int, shape: tuple[int, int, int], seed: int) -> None:
    """Write a zip of ``cases`` phantoms of ``shape`` voxels; the spacing is the field of view over the shape."""
    write_zip(archive, _files(cases, Grid(shape, EXTENT_MM), seed))


def _files(cases: int, grid: Grid, seed: int) -> Iterator[tuple[str, bytes]]:
    for case in range(1, cases + 1):
        rng = stream("pengwin_phantom", seed, case)
        fragments = {
            "sacrum": int(rng.integers(1, 3)),
            "left hipbone": 5 if case % CASES_PER_SHATTERED == 0 else int(rng.integers(1, 5)),
            "right hipbone": int(rng.integers(1, 5)),
        }
        canvas = paint_pelvis(grid, fragments, rng)
        axes = "LPS" if case % 2 else "RAS"  # the real files have both orders, too
        part = 1 if case <= (cases + 1) // 2 else 2
        image = canvas.images[0].round().astype(np.int16)
        yield f"PENGWIN_CT_train_images_part{part}/{case:03d}.mha", mha(image, grid, axes=axes)
        yield f"PENGWIN_CT_train_labels/{case:03d}.mha", mha(canvas.labels, grid, axes=axes)
