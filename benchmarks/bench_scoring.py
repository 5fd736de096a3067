"""Scoring against MedPy, MONAI and google's surface-distance: time, memory, and no cliff for noisy predictions.

Needs the peers: ``pip install medpy surface-distance``. Takes about three minutes, nearly all of them the peers'.
"""

import gc
import time
import tracemalloc
import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from seglossbench.evaluation import score_case

SHAPE, SPACING_MM, CLASSES = (96, 256, 256), (5.0, 2.0, 2.0), 15
METRICS = ("DSC", "HD", "HD95_pooled", "HD95_max_directed", "ASSD")
TOLERANCE_MM = 2.0
NSD = f"NSD@{TOLERANCE_MM:g}mm"
ORGANS = {str(value): [value] for value in range(1, CLASSES + 1)}
BRATS_SHAPE = (240, 240, 155)
REGIONS = {"NCR": [1], "ED": [2], "ET": [4], "TC": [1, 4], "WT": [1, 2, 4]}

Labels = NDArray[np.uint8]


def organs(seed: int = 0) -> tuple[Labels, Labels]:
    """A truth of 15 warped ellipsoids and a prediction with DSC of about 0.9: moved, resized, warped a little more."""
    rng = np.random.default_rng(seed)
    place = np.indices(SHAPE, dtype=np.float32)
    centres = rng.uniform(0.2, 0.8, (CLASSES, 3)) * SHAPE
    radii = rng.uniform(0.06, 0.18, (CLASSES, 3)) * SHAPE
    warps = [8 * ndimage.gaussian_filter(rng.standard_normal(SHAPE, dtype=np.float32), 4) for _ in range(2)]

    def paint(centres: NDArray[np.float64], radii: NDArray[np.float64], warp: NDArray[np.float32]) -> Labels:
        labels = np.zeros(SHAPE, np.uint8)
        for value, (centre, radius) in enumerate(zip(centres, radii, strict=True), start=1):
            offsets = ((place[axis] - centre[axis]) / radius[axis] for axis in range(3))
            labels[sum(offset**2 for offset in offsets) + warp < 1] = value
        return labels

    moved = centres + rng.normal(0, 1, centres.shape)
    resized = radii * rng.normal(1, 0.03, radii.shape)
    return paint(centres, radii, warps[0]), paint(moved, resized, warps[0] + 0.4 * warps[1])


def tumour(seed: int = 0) -> tuple[Labels, Labels]:
    """A truth of a warped tumour in BraTS space with its core and enhancing part, and it moved as prediction."""
    rng = np.random.default_rng(seed)
    place = np.indices(BRATS_SHAPE, dtype=np.float32)
    warp = 10 * ndimage.gaussian_filter(rng.standard_normal(BRATS_SHAPE, dtype=np.float32), 4)
    distance = (
        np.sqrt(sum((place[axis] - middle) ** 2 for axis, middle in enumerate((90, 130, 80)))) / 36
        + 0.3 * warp
    )
    labels = np.select([distance < 0.3, distance < 0.6, distance < 1], [1, 4, 2]).astype(np.uint8)
    return labels, np.roll(labels, (1, 2, 1), (0, 1, 2))


def scattered(prediction: Labels, values: list[int], share: float = 0.0005) -> Labels:
    """The prediction with a share of all its voxels, anywhere, given a random one of the values."""
    rng = np.random.default_rng(1)
    noisy = prediction.copy()
    where = rng.integers(0, noisy.size, int(share * noisy.size))
    noisy.ravel()[where] = rng.choice(values, where.size)
    return noisy


def seconds(work: Callable[[], object], repeats: int = 1) -> float:
    """The shortest of several times."""
    times = []
    for _ in range(repeats):
        gc.collect()
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def medpy_seconds(truths: list[NDArray[np.bool_]], predictions: list[NDArray[np.bool_]]) -> float:
    from medpy.metric import binary

    def work() -> None:
        for truth, prediction in zip(truths, predictions, strict=True):
            binary.dc(prediction, truth)
            for metric in (binary.hd, binary.hd95, binary.assd):
                metric(prediction, truth, SPACING_MM)

    return seconds(work)


def monai_seconds(truths: list[NDArray[np.bool_]], predictions: list[NDArray[np.bool_]]) -> float:
    import torch
    from monai.metrics.hausdorff_distance import compute_hausdorff_distance

    truth, prediction = (torch.from_numpy(np.stack(masks)[None]) for masks in (truths, predictions))
    options = {"include_background": True, "percentile": 95, "spacing": SPACING_MM}
    return seconds(lambda: compute_hausdorff_distance(prediction, truth, **options), repeats=2)


def surface_distance_seconds(truths: list[NDArray[np.bool_]], predictions: list[NDArray[np.bool_]]) -> float:
    import surface_distance as peer

    def work() -> None:
        for truth, prediction in zip(truths, predictions, strict=True):
            distances = peer.compute_surface_distances(truth, prediction, SPACING_MM)
            peer.compute_robust_hausdorff(distances, 95)
            peer.compute_average_surface_distance(distances)

    return seconds(work, repeats=2)


def surface_dice_seconds(truths: list[NDArray[np.bool_]], predictions: list[NDArray[np.bool_]]) -> float:
    import surface_distance as peer

    def work() -> None:
        for truth, prediction in zip(truths, predictions, strict=True):
            distances = peer.compute_surface_distances(truth, prediction, SPACING_MM)
            peer.compute_surface_dice_at_tolerance(distances, TOLERANCE_MM)

    return seconds(work, repeats=2)


def peak_bytes(work: Callable[[], object]) -> int:
    gc.collect()
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def row(what: str, work: str, ours_s: float, rival: str, rival_s: float, target: float) -> dict[str, object]:
    """One figure; ``ratio`` is how many times faster ours is than the rival."""
    ratio = rival_s / ours_s
    figures = {"ours_s": round(ours_s, 4), "rival_s": round(rival_s, 4), "ratio": round(ratio, 2)}
    return {"what": what, "work": work, "rival": rival, **figures, "target": target, "met": ratio >= target}


def noise_rows(truth: Labels, prediction: Labels) -> list[dict[str, object]]:
    """Three classes of a prediction that is a twentieth noise, nearly all of it surface."""
    values = [1, 2, 3]
    noise = scattered(prediction, values, share=0.05)
    truths, noises = ([labels == value for value in values] for labels in (truth, noise))
    work = f"{len(values)} classes, {'x'.join(map(str, SHAPE))}, 5 % of all voxels false"
    classes = {str(value): [value] for value in values}
    figures = []
    for what, metrics, rival, target in (
        ("scoring", METRICS, surface_distance_seconds, 4),
        (f"scoring {NSD}", (NSD,), surface_dice_seconds, 8),
    ):
        ours_s = seconds(
            lambda metrics=metrics: score_case(truth, noise, SPACING_MM, classes=classes, metrics=metrics),  # type: ignore[misc]  # has no types
            repeats=3,
        )
        figures.append(row(f"{what}: noise", work, ours_s, "surface-distance", rival(truths, noises), target))
    return figures


def run() -> list[dict[str, object]]:
    """All figures of the scoring; ``met`` says whether the ratio reaches the target."""
    truth, prediction = organs()
    metrics = "DSC, HD, both HD95 and ASSD"
    organs_work = f"{CLASSES} classes, {'x'.join(map(str, SHAPE))}"
    volume = f"{organs_work}, {metrics}"

    def ours(prediction: Labels, metrics: tuple[str, ...] = METRICS) -> Callable[[], object]:
        return lambda: score_case(truth, prediction, SPACING_MM, classes=ORGANS, metrics=metrics)

    clean_s = seconds(ours(prediction), repeats=5)
    noisy = scattered(prediction, list(range(1, CLASSES + 1)))
    noisy_s = seconds(ours(noisy), repeats=5)
    peak = max(peak_bytes(ours(prediction)), peak_bytes(ours(noisy)))
    nsd_s = seconds(ours(prediction, (NSD,)), repeats=5)
    allowed = 3 * (truth.nbytes + prediction.nbytes) + 4 * truth.size

    truths, predictions = (
        [labels == value for value in range(1, CLASSES + 1)] for labels in (truth, prediction)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nsd_rival_s = surface_dice_seconds(truths, predictions)
        peers = [
            row("scoring", volume, clean_s, "MedPy's four calls", medpy_seconds(truths, predictions), 100),
            row("scoring", volume, clean_s, "MONAI's HD95 alone", monai_seconds(truths, predictions), 8),
            row(
                "scoring",
                volume,
                clean_s,
                "surface-distance",
                surface_distance_seconds(truths, predictions),
                2,
            ),
            row(f"scoring {NSD}", organs_work, nsd_s, "surface-distance", nsd_rival_s, 4),
        ]
    del truths, predictions

    brats_truth, brats_prediction = tumour()
    brats_s = seconds(
        lambda: score_case(brats_truth, brats_prediction, (1, 1, 1), classes=REGIONS, metrics=METRICS),
        repeats=3,
    )
    memory = row(
        "scoring: peak memory in MB",
        volume,
        peak / 1e6,
        "3 x the label maps + one float volume",
        allowed / 1e6,
        1,
    )
    return [
        *peers,
        row("scoring", f"5 regions, 240x240x155, {metrics}", brats_s, "a limit of 0.6 s", 0.6, 1),
        row(
            "scoring: no cliff",
            "0.05 % scattered false voxels",
            noisy_s,
            "3 x the clean prediction",
            3 * clean_s,
            1,
        ),
        *noise_rows(truth, prediction),
        memory,
    ]


if __name__ == "__main__":
    for figures in run():
        print(figures)
