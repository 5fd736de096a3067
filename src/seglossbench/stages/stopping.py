"""A request to stop, by a scheduler, a shell that goes away or Snakemake, as an exception that lets all be put away."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from seglossbench.errors import Stopped

SIGNALS = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stoppable() -> Iterator[None]:
    """A block that SIGTERM and SIGHUP end by Stopped, as Ctrl-C ends it; a second signal ends the process at once.

    What is ignored, as by ``nohup``, stays so. Outside the main thread, which alone gets signals, nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = {name: signal.getsignal(name) for name in SIGNALS}

    def stop(number: int, frame: FrameType | None) -> None:
        for name, handler in former.items():
            signal.signal(name, handler)
        raise Stopped(signal.Signals(number))

    for name, handler in former.items():
        if handler is signal.SIG_DFL:
            signal.signal(name, stop)
    try:
        yield
    finally:
        for name, handler in former.items():
            signal.signal(name, handler)
