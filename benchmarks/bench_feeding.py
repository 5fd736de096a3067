"""Batches that worker processes make for a GPU: against threads, and against what a GPU would take."""

import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch

from benchmarks.bench_scoring import row
from benchmarks.bench_training import case
from seglossbench.machine import BATCH_WORKERS, allowed_cpus
from seglossbench.params import MapsParams, TrainParams
from seglossbench.training.batches import Batch, PatchBatches
from seglossbench.training.prefetch import prefetched

CLASSES, CHANNELS = 16, 4
WORKERS = min(BATCH_WORKERS, allowed_cpus())
FED = 8
"""Workers of one GPU; fewer are measured where the machine has fewer CPUs, and counted as so many."""
BATCHES = 24
VOLUME = {"batch_size": 2, "patch_size": (96, 96, 96)}
SLICES = {"batch_size": 48, "patch_size": (256, 256)}
SCALES = ((128, 128), (64, 64), (32, 32))
WORK: dict[str, tuple[dict[str, Any], str, list[str], tuple[tuple[int, ...], ...], float]] = {
    # settings, augmentation, maps of patches, coarser scales, batches per second that a GPU would take
    "2 x 96^3, flip, contour": (VOLUME, "flip", ["contour"], (), 20),
    "2 x 96^3, nnU-Net's augmentation": (VOLUME, "nnunet", [], (), 20),
    "2 x 96^3, flip, rectified": (VOLUME, "flip", ["rectified"], (), 20),
    "2 x 96^3, flip, boundary": (VOLUME, "flip", ["boundary"], (), 20),
    "48 x 256^2, nnU-Net's, rectified, 4 scales": (SLICES, "nnunet", ["rectified"], SCALES, 10),
    "48 x 256^2, flip, boundary, 4 scales": (SLICES, "flip", ["boundary"], SCALES, 10),
}


def blobs(shape: tuple[int, ...], seed: int) -> tuple[Any, Any]:
    """An image (4, *shape) and its labels, boxes of fifteen classes."""
    rng = np.random.default_rng(seed)
    labels = np.zeros(shape, np.uint8)
    for label in range(1, CLASSES):
        start = [int(rng.integers(0, size // 2)) for size in shape]
        labels[tuple(slice(at, at + size // 3) for at, size in zip(start, shape, strict=True))] = label
    image = (labels[None] + rng.normal(0, 1, (CHANNELS, *shape))).astype(np.float16)
    return image, labels


def by_threads(batches: PatchBatches) -> Iterator[Batch]:
    """The rival: as many threads."""
    batches.batch(0, 0)  # threads that import MONAI together would wait for each other for ever
    with ThreadPoolExecutor(WORKERS) as pool:
        yield from pool.map(lambda step: batches.batch(0, step), range(BATCHES))


def seconds_per_batch(made: Iterator[Batch]) -> float:
    """Of all but the first ones, which wait for the workers to start."""
    for _ in range(2 * WORKERS):
        next(made)
    start = time.perf_counter()
    deque(made, maxlen=0)
    return (time.perf_counter() - start) / (BATCHES - 2 * WORKERS)


def run() -> list[dict[str, object]]:
    """Of every work two rows: processes against threads, and eight of them against a GPU."""
    rows = []
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    cases = [case(str(seed), *blobs((160, 192, 160), seed)) for seed in range(2)]
    for work, (size, preset, maps, scales, wanted) in WORK.items():
        settings = TrainParams(
            epochs=1,
            steps_per_epoch=BATCHES,
            augmentation={"preset": preset},  # type: ignore[arg-type]  # pydantic makes it one
            slice_axis=2 if len(size["patch_size"]) == 2 else None,
            **size,
        )
        batches = PatchBatches(
            cases,
            {},
            maps,
            CLASSES,
            settings,
            MapsParams(scope="patch"),
            dataset="x",
            seed=0,
            scales=scales,
        )
        ours = seconds_per_batch(prefetched(batches.batch, [(0, step) for step in range(BATCHES)], WORKERS))
        rival = seconds_per_batch(by_threads(batches))
        rows.append(row(f"feeding: {work}", f"{WORKERS} processes", ours, f"{WORKERS} threads", rival, 1))
        fed = ours * WORKERS / FED
        taken = f"a GPU that takes {wanted:g} per second"
        rows.append(row(f"feeding: {work}", f"{FED} processes, from {WORKERS}", fed, taken, 1 / wanted, 1))
    torch.set_num_threads(threads)
    return rows
