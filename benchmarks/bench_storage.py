"""Where prepared cases lie on disk: .npy as we write it against blosc2 and zarr, on real BraTS cases.

A crop is of a random place, 4 channels in float16 and the labels, as arrays in memory. Warm, its files are open and in
the system's cache. Cold, they are opened anew after the system was told to forget them; where it does not (it may keep
what others use), cold is as fast as warm.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.bench_data import BRATS, prepared_cases
from benchmarks.bench_scoring import row
from seglossbench.data.prepared import PreparedCase
from seglossbench.files import save_array

PATCH = 96
CHUNK = 64  # of 32, 48 and 64 the one with which both rivals read fast
CROPS = 20
NAMES = ("image", "labels")
WORK = f"BraTS, float16, 4 x {PATCH}^3 and labels"

Array = np.ndarray[Any, np.dtype[Any]]
Arrays = Sequence[Any]  # image (C, *spatial) and labels (*spatial), whatever can be indexed


def write_npy(folder: Path, name: str, array: Array) -> None:
    save_array(folder / f"{name}.npy", array)


def open_npy(folder: Path, name: str) -> Any:
    return np.load(folder / f"{name}.npy", mmap_mode="r")


def write_blosc2(folder: Path, name: str, array: Array) -> None:
    import blosc2

    blosc2.asarray(
        np.ascontiguousarray(array),
        chunks=chunks(array),
        urlpath=str(folder / f"{name}.b2nd"),
        cparams=blosc2.CParams(codec=blosc2.Codec.ZSTD, clevel=8, nthreads=1),
    )


def open_blosc2(folder: Path, name: str) -> Any:
    import blosc2

    return blosc2.open(
        str(folder / f"{name}.b2nd"), mode="r", mmap_mode="r", dparams=blosc2.DParams(nthreads=1)
    )


def write_zarr(folder: Path, name: str, array: Array) -> None:
    import zarr

    zarr.create_array(str(folder / name), data=np.ascontiguousarray(array), chunks=chunks(array))


def open_zarr(folder: Path, name: str) -> Any:
    import zarr

    return zarr.open_array(str(folder / name), mode="r")


FORMATS = {
    ".npy": (write_npy, open_npy),
    "blosc2": (write_blosc2, open_blosc2),
    "zarr": (write_zarr, open_zarr),
}


def chunks(array: Array) -> tuple[int, ...]:
    return (1,) * (array.ndim - 3) + (CHUNK,) * 3


def crop(arrays: Arrays, start: tuple[int, ...]) -> tuple[Array, ...]:
    region = tuple(slice(first, first + PATCH) for first in start)
    return tuple(np.array(array[(..., *region)]) for array in arrays)


def forget(folder: Path) -> None:
    """Have the system drop what it holds of the files in memory."""
    for file in folder.rglob("*"):
        if file.is_file():
            with file.open("rb") as opened:
                os.fsync(opened.fileno())
                os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def median_ms(
    work: Callable[[tuple[int, ...]], object], case: PreparedCase, before: Callable[[], None]
) -> float:
    """Of crops at the same random places for every format; ``before`` each is not counted."""
    places = np.random.default_rng(0)
    times = []
    for _ in range(CROPS):
        start = tuple(places.integers(0, np.array(case.labels.shape) - PATCH + 1).tolist())
        before()
        begin = time.perf_counter()
        work(start)
        times.append(time.perf_counter() - begin)
    return 1000 * statistics.median(times)


def measure(folder: Path, name: str, case: PreparedCase) -> dict[str, float]:
    """What a format takes on disk and how fast it gives crops, after they were found right."""
    write, open_file = FORMATS[name]
    folder.mkdir()
    for array in NAMES:
        write(folder, array, getattr(case, array))

    def opened() -> Arrays:
        return [open_file(folder, array) for array in NAMES]

    for read, truth in zip(
        crop(opened(), (1, 2, 3)), crop((case.image, case.labels), (1, 2, 3)), strict=True
    ):
        np.testing.assert_array_equal(read, truth)
    # First cold: what is open and mapped is not forgotten.
    cold = median_ms(lambda start: crop(opened(), start), case, lambda: forget(folder))
    arrays = opened()
    warm = median_ms(lambda start: crop(arrays, start), case, lambda: None)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return {"warm": warm, "cold": cold, "bytes": size / case.labels.size}


def run() -> list[dict[str, object]]:
    """How .npy compares with each rival; none where there are no scans to read."""
    if not BRATS.is_dir():
        print("no ../shared/realdata: nothing measured", file=sys.stderr)
        return []
    with tempfile.TemporaryDirectory() as folder:
        case = prepared_cases(Path(folder) / "prepared")[0]
        found = {name: measure(Path(folder) / name.strip("."), name, case) for name in FORMATS}
    npy = found.pop(".npy")
    rows = []
    for rival, figures in found.items():
        for what, key, target in (
            ("storage: warm crop in ms", "warm", 5),
            # a disk slower than the measured one favours the rival
            ("storage: cold crop in ms", "cold", 0.5),
            ("storage: bytes per voxel", "bytes", 0.25),  # the price that we pay
        ):
            rows.append(row(what, WORK, npy[key], f"{rival}, chunks of {CHUNK}^3", figures[key], target))
    return rows


if __name__ == "__main__":
    for figures in run():
        print(figures)
