"""Checksums of the files of a folder, each computed once, so that data counts by its content and not by its place."""

import hashlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from seglossbench.errors import InputError
from seglossbench.files import digest, write_text
from seglossbench.folders import walk
from seglossbench.image_files import SUFFIXES, read_by_layouts

KNOWN = Path("data/checksums")
"""Where known checksums are kept, a file per folder; they are found again by name, size and time of change."""
SHOW_PROGRESS_BYTES = 1 << 30  # less is hashed within a few seconds

Known = dict[str, tuple[int, int, str]]


def folder_version(
    folder: Path, known: Path = KNOWN, key: str = "data_root", also: Sequence[str] = ()
) -> str:
    """A digest of the names and contents of the files of ``folder_checksums``; raises InputError where there are none.

    Names are relative to the folder: one that is moved or touched keeps its version. Errors name ``key``.
    """
    if not folder.is_dir():
        raise InputError(f"{key}: no folder {folder}; give the folder that holds your cases")
    checksums = folder_checksums(folder, known, also)
    if not checksums:
        endings = ", ".join((*SUFFIXES, *also))
        raise InputError(f"{key}: no {endings} in the folder {folder}; give the one that holds your cases")
    return digest(checksums)


def folder_checksums(folder: Path, known: Path = KNOWN, also: Sequence[str] = ()) -> dict[str, str]:
    """The checksum of each file below ``folder`` that a layout reads, by its name relative to it.

    Notes, lists and what a system puts beside the data do not count; files whose names end in one of ``also`` do. Only
    files that are new or changed since the last call are read, in threads, with a progress bar where that takes
    long. What an interrupted call has read is kept.
    """
    place = known / f"{digest(str(folder.resolve()))}.json"
    before = _read(place)
    found = {name: (size, time) for name, size, time in _files(folder, tuple(also))}
    after: Known = {name: before[name] for name, facts in found.items() if before.get(name, ())[:2] == facts}
    missing = [name for name in found if name not in after]
    if missing:
        try:
            for name, checksum in _hash(folder, missing, sum(found[name][0] for name in missing)):
                after[name] = (*found[name], checksum)
        finally:
            write_text(place, json.dumps(after))
    return {name: after[name][2] for name in sorted(found)}


def _read(place: Path) -> Known:
    try:
        return {name: tuple(facts) for name, facts in json.loads(place.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}  # nothing known: it is all computed again


def _files(folder: Path, also: tuple[str, ...]) -> Iterator[tuple[str, int, int]]:
    """Name, size and time of change of each file that counts."""
    visible = {Path(entry.path): entry for _, files in walk(folder) for entry in files}
    counted = {
        file: None
        for path in visible
        for file in ([path] if path.name.lower().endswith(also) else read_by_layouts(path))
    }
    for path in counted:
        if path in visible:
            facts = visible[path].stat()
            yield path.relative_to(folder).as_posix(), facts.st_size, facts.st_mtime_ns


def _hash(folder: Path, names: list[str], total: int) -> Iterator[tuple[str, str]]:
    from tqdm import tqdm

    quick = total < SHOW_PROGRESS_BYTES
    with (
        ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool,
        tqdm(
            total=total,
            unit="B",
            unit_scale=True,
            desc=f"checksums of {folder}",
            disable=quick,
            file=sys.stderr,
        ) as progress,
    ):
        jobs = [pool.submit(_checksum, folder / name) for name in names]
        try:
            for name, job in zip(names, jobs, strict=True):
                checksum, size = job.result()
                progress.update(size)
                yield name, checksum
        finally:
            pool.shutdown(cancel_futures=True)


def _checksum(file: Path) -> tuple[str, int]:
    try:
        with file.open("rb") as stream:
            checksum = hashlib.file_digest(stream, "sha256").hexdigest()
            return checksum, stream.tell()
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from None
