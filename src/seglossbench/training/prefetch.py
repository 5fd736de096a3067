"""Batches made ahead by processes, while the network computes.

Processes and not threads: what takes longest in a batch, the distance transform, holds Python's lock, so threads make
no more batches than one, and stop the thread that launches the GPU's work.
"""

from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import TypeVar

import torch
from torch.utils.data import DataLoader, Dataset

from seglossbench import plugins
from seglossbench.errors import ShortageError

Item = TypeVar("Item")
Place = tuple[int, ...]


def prefetched(
    make: Callable[..., Item], places: Sequence[Place], workers: int, *, pin_memory: bool = False
) -> Generator[Item]:
    """``make(*place)`` of all places in their order, up to two per worker made ahead; without workers, when asked.

    ``make`` goes to the workers by pickle, and their tensors come back in shared memory; with ``pin_memory``, in
    page-locked memory. Raises what ``make`` raises, and ShortageError where a worker is killed.
    """
    if workers == 0:
        yield from (make(*place) for place in places)
        return
    batches: DataLoader[Item | _Failed] = DataLoader(
        _Made(make, places),
        batch_size=None,  # an item is a batch already
        num_workers=workers,
        # New processes rather than forks: a fork of a process with threads can hang, and CUDA does not survive it.
        multiprocessing_context="spawn",
        pin_memory=pin_memory,
        worker_init_fn=partial(_start, plugins.files_in_use()),
        generator=torch.Generator(),  # else it would draw from the global one
    )
    try:
        for item in batches:
            if isinstance(item, _Failed):
                raise item.error
            yield item
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise ShortageError(
            "a process that makes batches was killed: for want of memory, or of shared memory (/dev/shm)? lower "
            "train.workers"
        ) from None


class _Failed:
    """The error of a batch, carried to whoever waits for it: the loader itself would bury it in a traceback."""

    def __init__(self, error: Exception) -> None:
        self.error = error


class _Made(Dataset[Item | _Failed]):
    def __init__(self, make: Callable[..., Item], places: Sequence[Place]) -> None:
        self.make, self.places = make, places

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> Item | _Failed:
        try:
            return self.make(*self.places[index])
        except Exception as error:
            return _Failed(error)


def _start(files: Sequence[str], worker: int) -> None:
    plugins.use(files)  # whose names the new process is to know, too
