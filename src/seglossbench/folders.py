"""What lies below a folder, as users keep their data: links are followed, for a large dataset is often a link."""

import os
from collections.abc import Iterator
from pathlib import Path

from seglossbench.errors import InputError

NO_DATA = (".", "__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found")
"""How hidden names begin, and what systems, servers and archives put beside the data."""


def walk(folder: Path) -> Iterator[tuple[Path, list[os.DirEntry[str]]]]:
    """``folder`` and every folder below it, each with its files, all sorted by name and none of them hidden.

    A link that leads back to a folder it lies in is not followed. Raises InputError that names a link to nothing, or a
    folder that cannot be read, because a dataset would silently be smaller without them.
    """
    yield from _walk(folder, frozenset())


def _walk(folder: Path, above: frozenset[tuple[int, int]]) -> Iterator[tuple[Path, list[os.DirEntry[str]]]]:
    files, folders = [], []
    try:
        facts = folder.stat()
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.name.startswith(NO_DATA):
                    continue
                if entry.is_dir():
                    folders.append(Path(entry.path))
                elif entry.is_file():
                    files.append(entry)
                elif entry.is_symlink():
                    raise InputError(
                        f"{entry.path}: a link to {Path(entry.path).readlink()}, which is not there; mend or remove it"
                    )
    except OSError as error:
        raise InputError(f"{folder}: cannot be read: {error.strerror}") from None
    here = above | {(facts.st_dev, facts.st_ino)}
    yield folder, files
    for below in folders:
        facts = below.stat()
        if (facts.st_dev, facts.st_ino) not in here:
            yield from _walk(below, here)
