"""Batches that worker processes make for a GPU: against threads, against one, and against what a GPU would take.

What a processor makes is told in its own time, which other work beside it makes little longer; all else is by the
clock, the best of some tries, and wants a quiet machine.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
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
BATCHES, TRIES = 16, 3
VOLUME = {"batch_size": 2, "patch_size": (96, 96, 96)}
SLICES = {"batch_size": 48, "patch_size": (256, 256)}
SCALES = ((128, 128), (64, 64), (32, 32))
WORK: dict[str, tuple[dict[str, Any], str, list[str], tuple[tuple[int, ...], ...], float]] = {
    # settings, augmentation, maps of patches, coarser scales, batches per second that a GPU would take
    "2 x 96^3, flip; contours are the GPU's own": (VOLUME, "flip", [], (), 20),
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


def seconds_per_batch(make: Callable[[], Iterator[Batch]], workers: int = WORKERS) -> float:
    """Of all but the first ones, which wait for the workers to start; the best of some tries."""
    times = []
    for _ in range(TRIES):
        made = make()
        for _ in range(2 * workers):
            next(made)
        start = time.perf_counter()
        deque(made, maxlen=0)
        times.append((time.perf_counter() - start) / (BATCHES - 2 * workers))
    return min(times)


def processor_seconds(batches: PatchBatches) -> float:
    """Of a processor's own time for a batch: the mean of some, as augmentation is random, after one that imports."""
    batches.batch(0, 0)
    start = time.process_time()
    for step in range(1, 9):
        batches.batch(0, step)
    return (time.process_time() - start) / 8


def run() -> list[dict[str, object]]:
    """Of every work three rows: processes against threads and against one, and eight of them against a GPU."""
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
        steps = [(0, step) for step in range(BATCHES)]
        ours = seconds_per_batch(partial(prefetched, batches.batch, steps, WORKERS))
        alone = seconds_per_batch(partial(prefetched, batches.batch, steps, 1), 1)
        rival = seconds_per_batch(partial(by_threads, batches))
        own = processor_seconds(batches)
        rows.append(row(f"feeding: {work}", f"{WORKERS} processes", ours, f"{WORKERS} threads", rival, 1))
        made = f"{WORKERS} processes; a processor makes {1 / own:.3g} per second of its own"
        rows.append(row(f"feeding: {work}", made, ours, "one process", alone, 0.8 * WORKERS))
        fed = ours * WORKERS / FED
        taken = f"a GPU that takes {wanted:g} per second"
        rows.append(row(f"feeding: {work}", f"{FED} processes, from {WORKERS}", fed, taken, 1 / wanted, 1))
    torch.set_num_threads(threads)
    return rows
