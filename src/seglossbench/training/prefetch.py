"""Batches made ahead by threads, while the network computes."""

from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


def prefetched(make: Callable[[int], Item], count: int, workers: int) -> Generator[Item]:
    """``make(0)``, ``make(1)``, ... in this order, up to two per worker made ahead; with no workers, made when asked.

    Threads do: what takes long in a batch, NumPy's copies and reads from the disk, runs in parallel.
    """
    if workers == 0:
        yield from map(make, range(count))
        return
    pool = ThreadPoolExecutor(workers, thread_name_prefix="batches")
    try:
        ahead = deque(pool.submit(make, index) for index in range(min(count, 2 * workers)))
        for index in range(count):
            item = ahead.popleft().result()
            if index + 2 * workers < count:
                ahead.append(pool.submit(make, index + 2 * workers))
            yield item
    finally:  # also where the training stops in the middle
        pool.shutdown(cancel_futures=True)
