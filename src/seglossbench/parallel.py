"""One function over many cases, in several processes and with a progress bar."""

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from tqdm import tqdm

from seglossbench import plugins
from seglossbench.errors import ShortageError

Item = TypeVar("Item")
Result = TypeVar("Result")
STARTS_IN_SECONDS = 3.0
"""A process that imports what computes; less work than that is done before it begins."""
TRIED = 2
"""Cases that are done before others are: the first one imports what it needs, too."""


def over_cases(
    function: Callable[[Item], Result],
    cases: Sequence[Item],
    processes: int,
    title: str,
    bar: bool | None = None,
) -> Iterator[Result]:
    """The function's results in the order of the cases; raises ShortageError if a process is killed.

    The first ones tell whether there is work enough for several processes. The bar is shown on a terminal only, unless
    ``bar`` says that it is always or never.
    """
    made = _made(function, cases, processes, title)
    yield from tqdm(made, total=len(cases), desc=title, unit="case", disable=None if bar is None else not bar)


def _made(
    function: Callable[[Item], Result], cases: Sequence[Item], processes: int, title: str
) -> Iterator[Result]:
    tried = TRIED if processes > 1 else len(cases)
    shortest = float("inf")
    for case in cases[:tried]:
        start = time.perf_counter()
        result = function(case)
        shortest = min(shortest, time.perf_counter() - start)
        yield result
    rest = cases[tried:]
    processes = min(processes, len(rest))
    if processes <= 1 or shortest * len(rest) * (1 - 1 / processes) < STARTS_IN_SECONDS:
        yield from map(function, rest)
        return
    # New processes rather than forks: a fork of a process with threads can hang.
    context = multiprocessing.get_context("spawn")
    own = plugins.files_in_use()  # whose names the new processes are to know, too
    with ProcessPoolExecutor(processes, context, initializer=plugins.use, initargs=(own,)) as pool:
        try:
            yield from pool.map(function, rest)
        except BrokenProcessPool:
            raise ShortageError(
                f"{title}: a process was killed (for want of memory?); use fewer at a time"
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)
