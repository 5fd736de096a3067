"""A fractured pelvis in CT: sacrum and hipbones, each in one to several fragments with a gap between them."""

import numpy as np

from seglossbench.phantoms.canvas import Canvas
from seglossbench.phantoms.fields import Field, Grid, deformed_position_mm, smooth_field
from seglossbench.phantoms.shapes import Ellipsoid, Tube, union_depth_mm

FIRST_LABELS = {"sacrum": 1, "left hipbone": 11, "right hipbone": 21}
HOUNSFIELD = {"air": -1000.0, "fat": -100.0, "muscle": 55.0, "bowel": 35.0, "bone": 380.0}
GAP_MM = 1.5


def paint_pelvis(grid: Grid, fragments: dict[str, int], rng: np.random.Generator) -> Canvas:
    """One patient whose bones have so many ``fragments``; the first label of a bone is its largest one."""
    position = deformed_position_mm(grid, 4.0, 60.0, rng) / rng.uniform(0.93, 1.05)
    canvas = Canvas(grid, [HOUNSFIELD["air"]])
    body = Ellipsoid((0, 0, 0), (168, 118, 1000)).depth_mm(position)
    canvas.paint(body, [HOUNSFIELD["fat"]])
    canvas.paint(body - rng.uniform(12, 24), [HOUNSFIELD["muscle"]])
    canvas.paint(Ellipsoid((0, 35, 20), (70, 45, 90)).depth_mm(position), [HOUNSFIELD["bowel"]])
    for bone, depth in _bones_depth_mm(position).items():
        brightness = HOUNSFIELD["bone"] + rng.normal(0, 25)
        pieces = _fragments_depth_mm(depth, position, fragments[bone], rng)
        for number, piece in enumerate(pieces):
            canvas.paint(piece, [brightness], FIRST_LABELS[bone] + number)
            canvas.paint(piece - 5, [brightness / 2], FIRST_LABELS[bone] + number)  # marrow
    (image,) = canvas.images
    image += 6 * smooth_field(grid, 15.0, rng)
    image += rng.normal(0, 12.0, grid.shape)
    return canvas


def _bones_depth_mm(position: Field) -> dict[str, Field]:
    """How deep in each bone a point lies; the patient's left has the lower x."""
    x, _, z = position
    bones = {"sacrum": Ellipsoid((0, -62, 25), (42, 17, 58)).depth_mm(position)}
    for name, side in (("left hipbone", -1), ("right hipbone", 1)):
        shell = Ellipsoid((side * 62, -15, 45), (60, 52, 66)).depth_mm(position)
        wing: Field = np.minimum(np.minimum(7 - np.abs(shell), side * x - 52), z + 25)
        socket = Ellipsoid((side * 86, 2, -40), (29, 29, 29))
        branches = Tube(
            (
                (side * 78, 10, -50, 13),
                (side * 14, 48, -70, 9),
                (side * 55, -20, -98, 12),
                (side * 80, -8, -50, 14),
            )
        )
        bones[name] = np.maximum(wing, union_depth_mm([socket, branches], position))
    return bones


def _fragments_depth_mm(depth: Field, position: Field, count: int, rng: np.random.Generator) -> list[Field]:
    """The bone cut into the cells of ``count`` of its points, the largest first."""
    if count == 1:
        return [depth]
    inside = position[:, depth > 0]
    centres = inside[:, rng.choice(inside.shape[1], count, replace=False)]
    distances = np.stack(
        [np.linalg.norm(position - centre.reshape(3, 1, 1, 1), axis=0) for centre in centres.T]
    )
    pieces = []
    for number, distance in enumerate(distances):
        others = np.delete(distances, number, axis=0).min(axis=0)
        pieces.append(np.minimum(depth, (others - distance) / 2 - GAP_MM / 2))
    return sorted(pieces, key=lambda piece: -int(np.count_nonzero(piece > 0)))
