"""Maps against the released code's plain algorithm, one class after the other with scipy. Takes three minutes."""

import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.bench_scoring import row, seconds
from seglossbench.maps import caching
from seglossbench.maps.contour import contour
from seglossbench.maps.distance import boundary, rectified_distance

SHAPE, CLASSES = (96, 256, 256), 16

Labels = NDArray[np.uint8]


def blobs(seed: int = 0) -> Labels:
    """A label map of 16 smooth classes, the background filling half of it."""
    rng = np.random.default_rng(seed)
    best, labels = np.full(SHAPE, -np.inf, np.float32), np.zeros(SHAPE, np.uint8)
    for index in range(CLASSES):
        coarse = rng.standard_normal([size // 16 for size in SHAPE], dtype=np.float32) + (index == 0)
        field = ndimage.zoom(coarse, 16, order=1)
        labels[field > best] = index
        np.maximum(best, field, out=best)
    return labels


def plain_rectified_maps(labels: Labels) -> NDArray[np.float32]:
    maps = np.ones((CLASSES, *labels.shape), np.float32)
    for index in range(CLASSES):
        mask = labels == index
        if mask.any():
            distance = ndimage.distance_transform_edt(mask)
            maps[index][mask] = -(distance / distance.max())[mask]
    return maps


def plain_boundary_maps(labels: Labels) -> NDArray[np.float32]:
    maps = np.zeros((CLASSES, *labels.shape), np.float32)
    for index in range(CLASSES):
        mask = labels == index
        maps[index] = ndimage.distance_transform_edt(~mask) - ndimage.distance_transform_edt(mask)
    return maps


def plain_contours(labels: Labels) -> NDArray[np.uint8]:
    contours = np.zeros((CLASSES, *labels.shape), np.uint8)
    for index in range(CLASSES):
        mask = labels == index
        contours[index] = mask & ~ndimage.binary_erosion(mask, np.ones((3, 3, 3)))
    return contours


def check_equal(labels: Labels) -> None:
    """What is timed is the same map, on a part small enough for the plain algorithm."""
    part = labels[:24, :64, :64]
    own = part == np.arange(CLASSES)[:, None, None, None]
    np.testing.assert_array_equal(own & (contour(part) != 0), plain_contours(part))
    np.testing.assert_allclose(
        np.where(own, -rectified_distance(part), 1), plain_rectified_maps(part), rtol=1e-6
    )
    with_edge = own.any((1, 2, 3))
    np.testing.assert_allclose(
        boundary(part, CLASSES)[with_edge], plain_boundary_maps(part)[with_edge], rtol=1e-6
    )


def run() -> list[dict[str, object]]:
    """All figures of the maps; ``met`` says whether the ratio reaches the target."""
    labels = blobs()
    check_equal(labels)
    work = f"{CLASSES} classes, {'x'.join(map(str, SHAPE))}"
    figures = []
    for what, ours, plain, target in (
        ("RRW map", lambda: rectified_distance(labels), lambda: plain_rectified_maps(labels), 60),
        ("contour map", lambda: contour(labels), lambda: plain_contours(labels), 150),
        ("boundary map", lambda: boundary(labels, CLASSES), lambda: plain_boundary_maps(labels), 8),
    ):
        repeats = 20 if what == "contour map" else 3
        figures.append(row(what, work, seconds(ours, repeats), "per class, scipy", seconds(plain), target))
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "case"
        caching.write(place, labels, caching.MapSettings())
        stored = sum(path.stat().st_size for path in place.iterdir())
    what = "maps on disk: bytes per voxel, all scalar maps of both papers"
    return [*figures, row(what, work, stored / labels.size, "a limit of 3", 3.0, 1)]


if __name__ == "__main__":
    for figures in run():
        print(figures)
