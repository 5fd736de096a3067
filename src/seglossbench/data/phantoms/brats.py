"""BraTS phantoms: four modalities of a skull-stripped head with a glioma, in the BraTS 2020 layout."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from seglossbench.data.phantoms.archive import nifti_gz, write_zip
from seglossbench.data.phantoms.canvas import Canvas
from seglossbench.data.phantoms.fields import Field, Grid, case_rng, deformed_position_mm, smooth_field
from seglossbench.data.phantoms.shapes import Ellipsoid, Point, Tube, union_depth_mm

EXTENT_MM = (240.0, 240.0, 155.0)  # the real field of view, whatever the shape
MODALITIES = ("t1", "t1ce", "t2", "flair")
NECROSIS, EDEMA, ENHANCING = 1, 2, 4
CASES_BETWEEN_NON_ENHANCING = 8  # of the real 369 cases 27 lack label 4; case 2 is the first here

# Mean intensity by tissue, one value per modality in the order above; 100 is about white matter on t1.
INTENSITIES = {
    "fluid": (25, 24, 125, 28),
    "grey matter": (68, 70, 78, 76),
    "white matter": (100, 102, 56, 60),
    "edema": (70, 72, 108, 116),
    "necrosis": (46, 44, 118, 84),
    "enhancing": (72, 128, 92, 104),
    "vessel": (60, 125, 45, 50),
}


def write_brats_phantom(archive: Path, *, cases: int, shape: tuple[int, int, int], seed: int) -> None:
    """Write a zip of ``cases`` phantoms of ``shape`` voxels; the spacing follows from the real field of view."""
    write_zip(archive, _files(cases, Grid(shape, EXTENT_MM), seed))


def _files(cases: int, grid: Grid, seed: int) -> Iterator[tuple[str, bytes]]:
    for case in range(1, cases + 1):
        canvas = paint_head(grid, case, case_rng(seed, "brats_phantom", case))
        name = f"BraTS20_Training_{case:03d}"
        folder = f"MICCAI_BraTS2020_TrainingData/{name}/{name}"
        for modality, image in zip(MODALITIES, canvas.images, strict=True):
            yield f"{folder}_{modality}.nii.gz", nifti_gz(image.round().astype(np.int16), grid, axes="LPS")
        yield f"{folder}_seg.nii.gz", nifti_gz(canvas.labels, grid, axes="LPS")


def paint_head(grid: Grid, case: int, rng: np.random.Generator) -> Canvas:
    """Brain, glioma, then what the scanner adds; outside the brain every modality is 0."""
    position = deformed_position_mm(grid, 3.0, 45.0, rng) / np.float32(rng.uniform(0.92, 1.06))
    # A patient's tissues are a little darker or lighter than the mean, so intensities of tissues overlap.
    tissues = {name: np.multiply(means, rng.normal(1, 0.06, 4)) for name, means in INTENSITIES.items()}
    canvas = Canvas(grid, [0, 0, 0, 0])
    brain = _paint_brain(canvas, position, tissues, grid, rng)
    _paint_glioma(canvas, position, brain, tissues, grid, case, rng)
    _scan(canvas, brain, grid, rng)
    return canvas


def _paint_brain(
    canvas: Canvas,
    position: Field,
    tissues: dict[str, npt.NDArray[np.float64]],
    grid: Grid,
    rng: np.random.Generator,
) -> Field:
    """Paint healthy tissue; returns the depth in the brain in mm."""
    x, y, z = position
    cerebrum = np.minimum(Ellipsoid((0, 0, 2), (67, 84, 64)).depth_mm(position), z + 32 - 0.004 * y**2)
    hindbrain = union_depth_mm(
        (
            Ellipsoid((-22, -48, -34), (34, 30, 24)),
            Ellipsoid((22, -48, -34), (34, 30, 24)),
            Tube(((0, -14, -15), (0, -22, -72)), (15, 11)),
        ),
        position,
    )
    temporal = union_depth_mm(
        (Ellipsoid((-42, 14, -24), (22, 36, 22)), Ellipsoid((42, 14, -24), (22, 36, 22))), position
    )
    brain = np.maximum.reduce([cerebrum, hindbrain, temporal])
    # The zero level of a random field is a winding sheet: the sulci, fluid lined with grey matter.
    from_sulcus = 9.0 * np.abs(smooth_field(grid, 13.0, rng))
    fissure = np.abs(x) - 1.5
    cortex = np.minimum(np.maximum(from_sulcus - 1, brain - 12), fissure)
    canvas.paint(brain, tissues["fluid"])
    canvas.paint(np.minimum(cortex, brain - 1), tissues["grey matter"])
    canvas.paint(
        np.minimum(np.minimum(np.maximum(from_sulcus - 4, brain - 16), fissure - 4), brain - 5),
        tissues["white matter"],
    )
    canvas.paint(Ellipsoid((0, 2, 14), (14, 32, 6)).depth_mm(position), tissues["white matter"])
    for side in (-1, 1):
        canvas.paint(Ellipsoid((side * 24, 8, 2), (8, 20, 10)).depth_mm(position), tissues["grey matter"])
        canvas.paint(Ellipsoid((side * 11, -8, 2), (8, 14, 9)).depth_mm(position), tissues["grey matter"])
        horn: tuple[Point, ...] = (
            (side * 9, 34, 8),
            (side * 10, 5, 17),
            (side * 17, -25, 12),
            (side * 22, -48, 2),
        )
        canvas.paint(
            Tube(horn, (4, 6, 7, 4)).moved((0, 0, 0), rng.uniform(0.7, 1.3)).depth_mm(position),
            tissues["fluid"],
        )
    # The sagittal sinus takes up contrast agent as the tumour does: bright on t1ce, and no tumour.
    sinus = Tube(((0, 74, 30), (0, 35, 58), (0, -35, 58), (0, -78, 20)), (3, 4, 4, 5)).depth_mm(position)
    canvas.paint(np.minimum(sinus, brain), tissues["vessel"])
    return np.asarray(brain)


def _paint_glioma(
    canvas: Canvas,
    position: Field,
    brain: Field,
    tissues: dict[str, npt.NDArray[np.float64]],
    grid: Grid,
    case: int,
    rng: np.random.Generator,
) -> None:
    """Paint edema, in it the enhancing rim, in that the necrosis; without a rim the core is all label 1."""
    side = int(rng.choice([-1, 1]))
    centre = (side * rng.uniform(22, 42), rng.uniform(-45, 45), rng.uniform(0, 34))
    core_mm = rng.uniform(13, 23)
    radii_mm = (core_mm * rng.uniform(0.8, 1.25, 3)).tolist()
    ragged = smooth_field(grid, 12.0, rng)
    core = Ellipsoid(centre, radii_mm).depth_mm(position) + 0.16 * core_mm * ragged
    core = np.minimum(core, brain - 4)
    # Edema creeps along white matter: its front is far more irregular than the core's.
    edema = core + rng.uniform(7, 15) + 4.5 * smooth_field(grid, 16.0, rng)
    canvas.paint(
        np.minimum(np.maximum(edema, core + 2), np.minimum(brain - 3, side * position[0] - 2)),
        tissues["edema"],
        EDEMA,
    )
    if case % CASES_BETWEEN_NON_ENHANCING == 2:
        canvas.paint(core, 0.5 * (tissues["necrosis"] + tissues["edema"]), NECROSIS)
        return
    canvas.paint(core, tissues["enhancing"], ENHANCING)
    rim_mm = rng.uniform(4, 7) + 2.0 * smooth_field(grid, 14.0, rng)
    canvas.paint(core - np.maximum(rim_mm, 1.5), tissues["necrosis"], NECROSIS)


def _scan(canvas: Canvas, brain: Field, grid: Grid, rng: np.random.Generator) -> None:
    """Texture, bias field, noise and the scanner's scale, each modality its own; then the skull strip."""
    for image in canvas.images:
        image *= 1 + 0.06 * smooth_field(grid, 14.0, rng)
        image *= 1 + 0.12 * smooth_field(grid, 110.0, rng)
        image += rng.normal(0, 6.0, grid.shape)
        image *= rng.uniform(2.5, 6.0)
        image[brain < 0] = 0
