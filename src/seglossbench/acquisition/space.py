"""Room on a disk: asked for before long work starts, and a clear error where it runs out all the same."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

from seglossbench.errors import JobError


class NoSpaceError(JobError):
    """The disk is full, so that no other way to the same data would help."""


def size_text(size_bytes: float) -> str:
    """A size for people, such as 24.2GB."""
    return f"{tqdm.format_sizeof(size_bytes)}B"


def require_space(folder: Path, needed_bytes: float, purpose: str) -> None:
    """Raise NoSpaceError if the disk of ``folder``, which may not be there yet, has less than ``needed_bytes`` free."""
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    free = shutil.disk_usage(there).free
    if free < needed_bytes:
        raise NoSpaceError(
            f"{folder}: {purpose} needs {size_text(needed_bytes)} and {size_text(free)} are free; "
            f"free {size_text(needed_bytes - free)} more, or let this folder be a link to a larger disk"
        )


@contextmanager
def full_disk_is_an_error(folder: Path, remedy: str) -> Iterator[None]:
    """Within the block, a disk that is full or a quota that is used up is a NoSpaceError that ends in ``remedy``."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoSpaceError(f"{folder}: the disk is full; {remedy}") from None
        raise
