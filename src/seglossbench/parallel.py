"""One function over many cases, in several processes and with a progress bar."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import TypeVar

from tqdm import tqdm

from seglossbench import plugins
from seglossbench.errors import JobError

Item = TypeVar("Item")
Result = TypeVar("Result")


def over_cases(
    function: Callable[[Item], Result],
    cases: Sequence[Item],
    processes: int,
    title: str,
    bar: bool | None = None,
) -> Iterator[Result]:
    """The function's results in the order of the cases; raises JobError if a process is killed.

    The bar is shown on a terminal only, unless ``bar`` says that it is always or never.
    """
    progress = partial(
        tqdm, total=len(cases), desc=title, unit="case", disable=None if bar is None else not bar
    )
    processes = min(processes, len(cases))
    if processes <= 1:
        yield from progress(map(function, cases))
        return
    # New processes rather than forks: a fork of a process with threads can hang.
    context = multiprocessing.get_context("spawn")
    own = plugins.files_in_use()  # whose names the new processes are to know, too
    with ProcessPoolExecutor(processes, context, initializer=plugins.use, initargs=(own,)) as pool:
        try:
            yield from progress(pool.map(function, cases))
        except BrokenProcessPool:
            raise JobError(
                f"{title}: a process was killed (for want of memory?); use fewer at a time"
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)
