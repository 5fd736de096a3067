"""A skull-stripped head with a glioma as four MRI modalities show it."""

import numpy as np

from seglossbench.phantoms.canvas import Canvas
from seglossbench.phantoms.fields import Field, Grid, deformed_position_mm, smooth_field
from seglossbench.phantoms.shapes import Ellipsoid, Tube, union_depth_mm

NECROSIS, EDEMA, ENHANCING = 1, 2, 4
MODALITIES = ("t1", "t1ce", "t2", "flair")

# Mean intensity of each tissue by modality; a patient's tissues scatter about them, so intensities overlap.
TISSUES = {
    "fluid": (25, 24, 125, 28),
    "grey matter": (68, 70, 78, 76),
    "white matter": (100, 102, 56, 60),
    "edema": (70, 72, 108, 116),
    "necrosis": (46, 44, 118, 84),
    "non-enhancing core": (58, 58, 113, 100),
    "enhancing": (72, 128, 92, 104),
    "vessel": (60, 125, 45, 50),
}
Tissues = dict[str, list[float]]


def paint_head(grid: Grid, enhances: bool, rng: np.random.Generator) -> Canvas:
    """Brain, glioma, then what the scanner adds; outside the brain every modality is 0."""
    position = deformed_position_mm(grid, 3.0, 45.0, rng) / rng.uniform(0.92, 1.06)
    tissues = {name: (rng.normal(1, 0.06, 4) * means).tolist() for name, means in TISSUES.items()}
    canvas = Canvas(grid, [0, 0, 0, 0])
    brain = _brain_depth_mm(position)
    _paint_cortex(canvas, position, brain, tissues, grid, rng)
    _paint_deep_structures(canvas, position, brain, tissues, rng)
    _paint_glioma(canvas, position, brain, tissues, enhances, grid, rng)
    _scan(canvas, brain, grid, rng)
    return canvas


def _brain_depth_mm(position: Field) -> Field:
    """Depth in cerebrum (flat below), temporal lobes, cerebellum and brain stem."""
    _, y, z = position
    cerebrum = np.minimum(Ellipsoid((0, 0, 2), (67, 84, 64)).depth_mm(position), z + 32 - 0.004 * y**2)
    stem = Tube(((0, -14, -15, 15), (0, -22, -72, 11)))
    lobes = [Ellipsoid((side * 42, 14, -24), (22, 36, 22)) for side in (-1, 1)]
    cerebellum = [Ellipsoid((side * 22, -48, -34), (34, 30, 24)) for side in (-1, 1)]
    brain: Field = np.maximum(cerebrum, union_depth_mm([stem, *lobes, *cerebellum], position))
    return brain


def _paint_cortex(
    canvas: Canvas, position: Field, brain: Field, tissues: Tissues, grid: Grid, rng: np.random.Generator
) -> None:
    """Paint fluid, in it grey matter, in that white matter; fissure and sulci cut into both."""
    # The zero level of a random field is a winding sheet, and so are the sulci; they end 12 mm deep.
    from_sulcus = 9 * np.abs(smooth_field(grid, 13.0, rng))
    from_fissure = np.abs(position[0]) - 1.5
    grey = np.minimum(np.maximum(from_sulcus - 1, brain - 12), from_fissure)
    white = np.minimum(np.maximum(from_sulcus - 4, brain - 16), from_fissure - 4)
    canvas.paint(brain, tissues["fluid"])
    canvas.paint(np.minimum(grey, brain - 1), tissues["grey matter"])
    canvas.paint(np.minimum(white, brain - 5), tissues["white matter"])


def _paint_deep_structures(
    canvas: Canvas, position: Field, brain: Field, tissues: Tissues, rng: np.random.Generator
) -> None:
    """Paint corpus callosum, basal ganglia, thalami and lateral ventricles, and the sagittal sinus."""
    canvas.paint(Ellipsoid((0, 2, 14), (14, 32, 6)).depth_mm(position), tissues["white matter"])
    for side in (-1, 1):
        canvas.paint(Ellipsoid((side * 24, 8, 2), (8, 20, 10)).depth_mm(position), tissues["grey matter"])
        canvas.paint(Ellipsoid((side * 11, -8, 2), (8, 14, 9)).depth_mm(position), tissues["grey matter"])
        front, back = (
            ((side * 9, 34, 8, 4), (side * 10, 5, 17, 6)),
            ((side * 17, -25, 12, 7), (side * 22, -48, 2, 4)),
        )
        ventricle = Tube((*front, *back)).moved((0, 0, 0), rng.uniform(0.7, 1.3))
        canvas.paint(ventricle.depth_mm(position), tissues["fluid"])
    # A vessel is as bright on t1ce as the tumour's rim, and no tumour.
    sinus = Tube(((0, 74, 30, 3), (0, 35, 58, 4), (0, -35, 58, 4), (0, -78, 20, 5)))
    canvas.paint(np.minimum(sinus.depth_mm(position), brain), tissues["vessel"])


def _paint_glioma(
    canvas: Canvas,
    position: Field,
    brain: Field,
    tissues: Tissues,
    enhances: bool,
    grid: Grid,
    rng: np.random.Generator,
) -> None:
    """Paint edema, in it the enhancing rim, in that the necrosis; without a rim all of the core is label 1."""
    side = int(rng.choice([-1, 1]))
    centre = (side * rng.uniform(22, 42), rng.uniform(-45, 45), rng.uniform(0, 34))
    radius_mm = rng.uniform(13, 23)
    radii_mm = (radius_mm * rng.uniform(0.8, 1.25, 3)).tolist()
    core = Ellipsoid(centre, radii_mm).depth_mm(position)
    core = np.minimum(core + 0.16 * radius_mm * smooth_field(grid, 12.0, rng), brain - 4)
    # Edema creeps along white matter, so its front is the most irregular; it does not cross the fissure.
    edema = core + np.maximum(rng.uniform(7, 15) + 4.5 * smooth_field(grid, 16.0, rng), 2)
    edema = np.minimum(edema, np.minimum(brain - 3, side * position[0] - 2))
    canvas.paint(edema, tissues["edema"], EDEMA)
    core = np.minimum(core, edema)
    if not enhances:
        canvas.paint(core, tissues["non-enhancing core"], NECROSIS)
        return
    canvas.paint(core, tissues["enhancing"], ENHANCING)
    rim_mm = np.maximum(rng.uniform(4, 7) + 2 * smooth_field(grid, 14.0, rng), 1.5)
    canvas.paint(core - rim_mm, tissues["necrosis"], NECROSIS)


def _scan(canvas: Canvas, brain: Field, grid: Grid, rng: np.random.Generator) -> None:
    """Texture, bias field, noise and scale, each modality its own; then the skull strip."""
    for image in canvas.images:
        image *= 1 + 0.06 * smooth_field(grid, 14.0, rng)
        image *= 1 + 0.12 * smooth_field(grid, 110.0, rng)
        image += rng.normal(0, 6.0, grid.shape)
        image *= rng.uniform(2.5, 6.0)
        image[brain < 0] = 0
