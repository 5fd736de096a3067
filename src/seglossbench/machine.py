"""The machine that a job is on: the processors and GPUs that it may use, found out without torch."""

import os
import re
import subprocess
from functools import cache

BATCH_WORKERS = 8
"""Processes that feed one GPU, where there are processors for so many."""


def allowed_cpus() -> int:
    """How many processors this process may use, which a cluster's job or a container has fewer of than its machine."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def gpus() -> tuple[str, ...]:
    """The UUIDs of the GPUs that CUDA_VISIBLE_DEVICES leaves, or of their parts where they are divided by MIG.

    Empty where nvidia-smi is missing or sees none.
    """
    return chosen(listed(_listing()), os.environ.get("CUDA_VISIBLE_DEVICES"))


@cache
def _listing() -> str:
    try:
        return subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=60).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def listed(text: str) -> list[tuple[str, list[str]]]:
    """The UUIDs of GPUs, and those of each one's MIG parts, as ``nvidia-smi -L`` lists them."""
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if (uuid := re.search(r"\(UUID: ([^)\s]+)\)", line)) is None:
            continue
        if line.lstrip().startswith("MIG") and found:
            found[-1][1].append(uuid[1])
        else:
            found.append((uuid[1], []))
    return found


def chosen(devices: list[tuple[str, list[str]]], visible: str | None) -> tuple[str, ...]:
    """Of the GPUs listed, those that CUDA would use: by index or how a UUID begins, up to the first unknown one."""
    parts_of = {uuid: parts or [uuid] for uuid, parts in devices}
    if visible is None:
        return tuple(part for parts in parts_of.values() for part in parts)
    units = [*parts_of, *(part for _, parts in devices for part in parts)]
    found: list[str] = []
    for word in (word.strip() for word in visible.split(",")):
        if word.isdecimal():
            matches = [uuid for index, (uuid, _) in enumerate(devices) if index == int(word)]
        else:
            matches = [uuid for uuid in units if word and uuid.startswith(word)]
        if len(matches) != 1:
            break
        found += parts_of.get(matches[0], matches)
    return tuple(dict.fromkeys(found))


def batch_workers(threads: int, jobs: int) -> int:
    """Processes that make batches, where ``jobs`` trainings of so many threads share the processors; one at least."""
    return min(BATCH_WORKERS, max(1, allowed_cpus() // jobs - threads))
