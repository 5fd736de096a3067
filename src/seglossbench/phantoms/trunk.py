"""A trunk as CT or MRI shows it: body wall, lungs, bones and bowel, then the organs, then what the scanner adds."""

import numpy as np

from seglossbench.phantoms.canvas import Canvas
from seglossbench.phantoms.fields import Field, Grid, deformed_position_mm, smooth_field
from seglossbench.phantoms.organs import ORGANS
from seglossbench.phantoms.shapes import Ellipsoid, Tube, union_depth_mm

# CT (HU) and MRI intensity of all that is not one of the fifteen organs.
SURROUNDINGS = {
    "air": (-1000, 0),
    "lung": (-820, 15),
    "fat": (-100, 45),
    "muscle": (58, 140),
    "bone": (320, 90),
    "disc": (85, 120),
    "spinal canal": (25, 60),
    "heart": (160, 330),
    "bowel": (38, 130),
}
Tissues = dict[str, list[float]]  # one intensity: a trunk has one channel


def paint_trunk(grid: Grid, is_mri: bool, rng: np.random.Generator) -> Canvas:
    """One patient: position, size and brightness of everything vary about the average."""
    shift_mm = rng.normal(0, (4, 3, 8)).astype(np.float32).reshape(3, 1, 1, 1)
    position = (deformed_position_mm(grid, 5.0, 60.0, rng) - shift_mm) / rng.uniform(0.93, 1.05)
    tissues = {name: [means[is_mri] + rng.normal(0, 8)] for name, means in SURROUNDINGS.items()}
    canvas = Canvas(grid, [SURROUNDINGS["air"][is_mri]])
    cavity = _paint_walls(canvas, position, tissues, rng)
    _paint_bones(canvas, position, tissues)
    _paint_bowel(canvas, position, cavity, tissues, rng)
    _paint_organs(canvas, position, cavity, is_mri, rng)
    _scan(canvas, grid, is_mri, rng)
    return canvas


def _paint_walls(canvas: Canvas, position: Field, tissues: Tissues, rng: np.random.Generator) -> Field:
    """Paint skin to peritoneum, ribs, lungs and heart; returns the depth in the abdominal cavity in mm."""
    _, y, z = position
    body = Ellipsoid((0, 0, 0), (158, 112, 1000)).depth_mm(position)
    wall = body - rng.uniform(10, 20)
    cavity: Field = wall - 12
    canvas.paint(body, tissues["fat"])
    canvas.paint(wall, tissues["muscle"])
    canvas.paint(cavity, tissues["fat"])
    ribs = np.minimum(5 - np.abs(wall - 7), 9 * np.sin((z + 0.45 * y) / 5) - 3)  # they run down and forwards
    canvas.paint(np.minimum(ribs, z + 10), tissues["bone"])
    for side in (-1, 1):
        canvas.paint(Ellipsoid((side * 72, -5, 205), (60, 78, 100)).depth_mm(position), tissues["lung"])
        psoas = Tube(((side * 30, -52, 60, 12), (side * 42, -42, -60, 22), (side * 75, -5, -170, 20)))
        back = Tube(((side * 36, -82, 210, 22), (side * 36, -82, -120, 26)))
        canvas.paint(psoas.depth_mm(position), tissues["muscle"])
        canvas.paint(np.minimum(back.depth_mm(position), wall), tissues["muscle"])
    canvas.paint(Ellipsoid((-22, 28, 200), (52, 50, 50)).depth_mm(position), tissues["heart"])
    return cavity


def _paint_bones(canvas: Canvas, position: Field, tissues: Tissues) -> None:
    """Paint the pelvis, whose wings are shells, and the spine: vertebrae, discs between them, the canal."""
    x, y, z = position
    for side in (-1, 1):
        wing = Ellipsoid((side * 62, -25, -95), (58, 50, 62)).depth_mm(position)
        shell = np.minimum(np.minimum(6 - np.abs(wing), side * x - 55), 30 - y)
        canvas.paint(np.minimum(shell, -50 - z), tissues["bone"])
        canvas.paint(Ellipsoid((side * 84, 0, -182), (25, 25, 25)).depth_mm(position), tissues["bone"])
    spine = Tube(((0, -58, 210, 19), (0, -48, 0, 22), (0, -70, -120, 23), (0, -80, -200, 14))).depth_mm(
        position
    )
    canvas.paint(spine, tissues["disc"])
    canvas.paint(np.minimum(spine, 14 * np.sin(z / 5.5) + 10), tissues["bone"])
    arch = Tube(((0, -84, 210, 13), (0, -76, 0, 13), (0, -98, -120, 12))).depth_mm(position)
    canvas.paint(arch, tissues["bone"])
    canvas.paint(arch - 6, tissues["spinal canal"])


def _paint_bowel(
    canvas: Canvas, position: Field, cavity: Field, tissues: Tissues, rng: np.random.Generator
) -> None:
    """Paint colon and small bowel: about as bright as stomach and duodenum, and neither."""
    rising, falling = ((104, 0, -90, 20), (108, 10, 5, 18)), ((-108, -10, 30, 15), (-104, -5, -90, 15))
    colon = Tube((*rising, (60, 66, -5, 15), (-60, 66, 5, 15), *falling))
    colon_depth = colon.moved((0, 0, rng.normal(0, 8)), rng.uniform(0.8, 1.2)).depth_mm(position)
    colon_depth = np.minimum(colon_depth, cavity)
    canvas.paint(colon_depth, tissues["bowel"])
    canvas.paint(colon_depth - rng.uniform(6, 14), tissues["air"])
    for _ in range(4):
        points = rng.uniform((-75, 0, -110), (75, 62, -45), (5, 3)).tolist()
        loop = Tube(tuple((x, y, z, 12) for x, y, z in points))
        brightness = tissues["bowel"][0] + rng.normal(0, 20)
        canvas.paint(np.minimum(loop.depth_mm(position), cavity), [brightness])


def _paint_organs(
    canvas: Canvas, position: Field, cavity: Field, is_mri: bool, rng: np.random.Generator
) -> None:
    contrast = rng.uniform(0.95, 1.05)  # more or less contrast agent: what takes it up shifts together
    for organ in ORGANS:
        shift_mm, scale = rng.normal(0, 4.0, 3).tolist(), rng.uniform(0.85, 1.12)
        depth = union_depth_mm([solid.moved(shift_mm, scale) for solid in organ.solids], position)
        brightness = (organ.mri if is_mri else organ.ct) * rng.normal(1, 0.03)
        if organ.ct > 80:
            brightness *= contrast
        canvas.paint(np.minimum(depth, cavity), [brightness], organ.label)


def _scan(canvas: Canvas, grid: Grid, is_mri: bool, rng: np.random.Generator) -> None:
    """Texture and noise; on MRI also a bias field and the scanner's scale."""
    (image,) = canvas.images
    if is_mri:
        image *= 1 + 0.05 * smooth_field(grid, 15.0, rng)
        image *= 1 + 0.18 * smooth_field(grid, 160.0, rng)
        image += rng.normal(0, 18.0, grid.shape)
        np.abs(image, out=image)  # a magnitude image
        image *= rng.uniform(0.7, 1.5)
    else:
        image += 6 * smooth_field(grid, 15.0, rng)
        image += rng.normal(0, 9.0, grid.shape)
