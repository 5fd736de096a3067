"""What an epoch cost: seconds by part, and memory. On a GPU no measurement makes a step wait."""

import resource
import sys
import time
from itertools import pairwise

import torch


class Clock:
    """Seconds by part, from calls that end a part of the work.

    On CUDA a call leaves an event among the work under way, and the events are read when it is over.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._parts: list[str] = []
        self._events: list[torch.cuda.Event] = []
        self._seconds: dict[str, float] = {}
        self._last = self.started = time.perf_counter()
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
            self._record("")

    def end(self, part: str) -> None:
        """The time since the call before this one was the ``part``'s."""
        if self._device.type == "cuda":
            self._record(part)
            return
        now = time.perf_counter()
        self._seconds[part] = self._seconds.get(part, 0.0) + now - self._last
        self._last = now

    def seconds(self) -> dict[str, float]:
        """Seconds of every part, in the order of their first ends; on CUDA this waits for all the work."""
        if self._events:
            torch.cuda.synchronize(self._device)
            for part, (before, after) in zip(self._parts[1:], pairwise(self._events), strict=True):
                milliseconds = before.elapsed_time(after)
                self._seconds[part] = self._seconds.get(part, 0.0) + milliseconds / 1000
            self._parts, self._events = self._parts[-1:], self._events[-1:]
        return dict(self._seconds)

    @property
    def elapsed_seconds(self) -> float:
        """Since the clock was made, whatever the parts."""
        return time.perf_counter() - self.started

    def _record(self, part: str) -> None:
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]  # torch has no types here
        event.record(torch.cuda.current_stream(self._device))
        self._parts.append(part)
        self._events.append(event)


def peak_memory_mb(device: torch.device) -> float:
    """The most memory in use at a time: on CUDA by torch since the last Clock was made, else by the process so far."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e6
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss is in bytes there, in KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
