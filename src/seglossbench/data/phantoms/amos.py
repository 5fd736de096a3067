"""AMOS phantoms: CT-like and MRI-like trunks with fifteen organs, in the AMOS22 layout."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from seglossbench.data.phantoms.archive import nifti_gz, write_zip
from seglossbench.data.phantoms.canvas import Canvas
from seglossbench.data.phantoms.fields import Field, Grid, case_rng, deformed_position_mm, smooth_field
from seglossbench.data.phantoms.organs import LABELS, ORGANS
from seglossbench.data.phantoms.shapes import Ellipsoid, Tube, union_depth_mm
from seglossbench.errors import InputError

EXTENT_MM = (340.0, 260.0, 400.0)  # a trunk from the lung bases to the pelvic floor
MRI_SHARE_OF_HEIGHT = 0.625  # MRI ends above the pelvis, so it lacks bladder and prostate
# First case number of each list, by modality; a number above 500 means MRI, as in the real set.
FIRST_CT = {"training": 1, "validation": 301}
FIRST_MRI = {"training": 501, "validation": 551}
FOLDERS = {"training": "Tr", "validation": "Va"}

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


def write_amos_phantom(
    archive: Path,
    *,
    training: int,
    validation: int,
    mri_fraction: float,
    shape: tuple[int, int, int],
    seed: int,
) -> None:
    """Write a zip of phantoms of ``shape`` voxels (X, Y, Z), of either list about ``mri_fraction`` MRI-like.

    The spacing follows from a fixed field of view; an MRI-like case has the upper slices only.
    """
    cases = {"training": _numbers("training", training, mri_fraction)}
    cases["validation"] = _numbers("validation", validation, mri_fraction)
    write_zip(archive, _files(cases, shape, seed))


def _numbers(split: str, count: int, mri_fraction: float) -> list[int]:
    mri = round(count * mri_fraction)
    numbers = [FIRST_CT[split] + i for i in range(count - mri)] + [FIRST_MRI[split] + i for i in range(mri)]
    if count - mri > 199 or mri > 49:
        raise InputError(
            f"amos_phantom: {count} {split} cases are too many: at most 199 CT and 49 MRI are numbered"
        )
    return numbers


def _files(
    cases: dict[str, list[int]], shape: tuple[int, int, int], seed: int
) -> Iterator[tuple[str, bytes]]:
    yield "amos22/dataset.json", json.dumps(_dataset(cases), indent=1).encode()
    for split, numbers in cases.items():
        for number in numbers:
            mri = number > 500
            grid = _grid(shape, mri)
            canvas = paint_trunk(grid, mri, case_rng(seed, "amos_phantom", number))
            axes = "LPS" if mri else "RAS"  # scanners differ, and so do the real files
            image = canvas.images[0].round().astype(np.int16)
            yield f"amos22/images{FOLDERS[split]}/amos_{number:04d}.nii.gz", nifti_gz(image, grid, axes=axes)
            yield (
                f"amos22/labels{FOLDERS[split]}/amos_{number:04d}.nii.gz",
                nifti_gz(canvas.labels, grid, axes=axes),
            )


def _dataset(cases: dict[str, list[int]]) -> dict[str, object]:
    """The content of dataset.json."""
    lists = {
        split: [
            {part: f"./{part}s{FOLDERS[split]}/amos_{number:04d}.nii.gz" for part in ("image", "label")}
            for number in numbers
        ]
        for split, numbers in cases.items()
    }
    counts = {f"num{split.capitalize()}": len(numbers) for split, numbers in cases.items()} | {"numTest": 0}
    labels = {str(label): name for label, name in LABELS.items()}
    return {"name": "AMOS phantom", "labels": labels, **counts, **lists, "test": []}


def _grid(shape: tuple[int, int, int], mri: bool) -> Grid:
    if not mri:
        return Grid(shape, EXTENT_MM)
    slices = max(1, round(shape[2] * MRI_SHARE_OF_HEIGHT))
    height = EXTENT_MM[2] * slices / shape[2]
    return Grid((*shape[:2], slices), (*EXTENT_MM[:2], height), (0, 0, (EXTENT_MM[2] - height) / 2))


def paint_trunk(grid: Grid, mri: bool, rng: np.random.Generator) -> Canvas:
    """Body wall, lungs, bones and bowel, then the organs, then what the scanner adds."""
    shift = np.array([rng.normal(0, 4), rng.normal(0, 3), rng.normal(0, 8)], np.float32).reshape(3, 1, 1, 1)
    position = (deformed_position_mm(grid, 5.0, 60.0, rng) - shift) / np.float32(rng.uniform(0.93, 1.05))
    tissues = {name: (pair[mri] + rng.normal(0, 8),) for name, pair in SURROUNDINGS.items()}
    canvas = Canvas(grid, [SURROUNDINGS["air"][mri]])
    cavity = _paint_surroundings(canvas, position, tissues, grid, rng)
    contrast = rng.uniform(0.95, 1.05)  # more or less contrast agent: the bright organs shift together
    for organ in ORGANS:
        shift_mm = rng.normal(0, 4.0, 3).tolist()
        solids = tuple(solid.moved(shift_mm, rng.uniform(0.85, 1.12)) for solid in organ.solids)
        intensity = organ.mri if mri else organ.ct
        intensity = intensity * contrast if intensity > 80 else intensity
        depth = np.minimum(union_depth_mm(solids, position), cavity)
        canvas.paint(depth, (intensity * rng.normal(1, 0.03),), organ.label)
    _scan(canvas, mri, grid, rng)
    return canvas


def _paint_surroundings(
    canvas: Canvas, position: Field, tissues: dict[str, tuple[float]], grid: Grid, rng: np.random.Generator
) -> Field:
    """Paint all that is no organ; returns the depth in the abdominal cavity in mm."""
    x, y, z = position
    body = Ellipsoid((0, 0, 0), (158, 112, 1000)).depth_mm(position)
    wall = body - rng.uniform(10, 20)
    cavity = wall - 12
    canvas.paint(body, tissues["fat"])
    canvas.paint(wall, tissues["muscle"])
    canvas.paint(cavity, tissues["fat"])
    # Ribs run down and forwards in the wall; the wings of the pelvis are shells.
    ribs = np.minimum(5 - np.abs(wall - 7), 9 * np.sin((z + 0.45 * y) / 5) - 3)
    canvas.paint(np.where(z > -10, ribs, -9), tissues["bone"])
    for side in (-1, 1):
        canvas.paint(Ellipsoid((side * 72, -5, 205), (60, 78, 100)).depth_mm(position), tissues["lung"])
        psoas = Tube(((side * 30, -52, 60), (side * 42, -42, -60), (side * 75, -5, -170)), (12, 22, 20))
        back = Tube(((side * 36, -82, 210), (side * 36, -82, -120)), (22, 26))
        canvas.paint(psoas.depth_mm(position), tissues["muscle"])
        canvas.paint(np.minimum(back.depth_mm(position), wall), tissues["muscle"])
        wing = Ellipsoid((side * 62, -25, -95), (58, 50, 62)).depth_mm(position)
        shell = np.minimum(np.minimum(6 - np.abs(wing), side * x - 55), 30 - y)
        canvas.paint(np.minimum(shell, -50 - z), tissues["bone"])
        canvas.paint(Ellipsoid((side * 84, 0, -182), (25, 25, 25)).depth_mm(position), tissues["bone"])
    canvas.paint(Ellipsoid((-22, 28, 200), (52, 50, 50)).depth_mm(position), tissues["heart"])
    spine = Tube(((0, -58, 210), (0, -48, 0), (0, -70, -120), (0, -80, -200)), (19, 22, 23, 14)).depth_mm(
        position
    )
    canvas.paint(spine, tissues["disc"])
    canvas.paint(np.minimum(spine, 14 * np.sin(z / 5.5) + 10), tissues["bone"])
    canvas.paint(
        Tube(((0, -84, 210), (0, -76, 0), (0, -98, -120)), (13, 13, 12)).depth_mm(position), tissues["bone"]
    )
    canvas.paint(
        Tube(((0, -84, 210), (0, -76, 0), (0, -98, -120)), (7, 7, 6)).depth_mm(position),
        tissues["spinal canal"],
    )
    _paint_bowel(canvas, position, cavity, tissues, rng)
    return cavity


def _paint_bowel(
    canvas: Canvas, position: Field, cavity: Field, tissues: dict[str, tuple[float]], rng: np.random.Generator
) -> None:
    """Paint colon and small bowel: as bright as duodenum and stomach, and neither."""
    frame = ((104, 0, -90), (108, 10, 5), (60, 66, -5), (-60, 66, 5), (-108, -10, 30), (-104, -5, -90))
    colon = Tube(frame, (20, 18, 15, 15, 15, 15)).moved((0, 0, rng.normal(0, 8)), rng.uniform(0.8, 1.2))
    depth = np.minimum(colon.depth_mm(position), cavity)
    canvas.paint(depth, tissues["bowel"])
    canvas.paint(depth - np.float32(rng.uniform(6, 14)), tissues["air"])
    for _ in range(4):
        points = rng.uniform((-75, 0, -110), (75, 62, -45), (5, 3)).tolist()
        loop = Tube(tuple((a, b, c) for a, b, c in points), (12,) * 5)
        canvas.paint(np.minimum(loop.depth_mm(position), cavity), (tissues["bowel"][0] + rng.normal(0, 20),))


def _scan(canvas: Canvas, mri: bool, grid: Grid, rng: np.random.Generator) -> None:
    """Texture and noise; on MRI also a bias field and the scanner's scale."""
    (image,) = canvas.images
    if mri:
        image *= 1 + 0.05 * smooth_field(grid, 15.0, rng)
        image *= 1 + 0.18 * smooth_field(grid, 160.0, rng)
        image += rng.normal(0, 18.0, grid.shape)
        np.abs(image, out=image)
        image *= rng.uniform(0.7, 1.5)
    else:
        image += 6 * smooth_field(grid, 15.0, rng)
        image += rng.normal(0, 9.0, grid.shape)
