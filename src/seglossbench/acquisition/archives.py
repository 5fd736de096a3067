"""Unpacking archives that nobody should trust: no path outside of the target, no links, no devices, no bombs."""

import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from seglossbench.acquisition.partial import BLOCK_BYTES, progress_bar
from seglossbench.acquisition.space import full_disk_is_an_error, require_space
from seglossbench.errors import InputError, JobError
from seglossbench.files import atomic_folder

ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2")
LARGEST_RATIO = 100  # unpacked to packed bytes; label maps alone reach some 50
ALWAYS_ALLOWED_BYTES = 1 << 30
MOST_FILES = 1_000_000
DAMAGES = (
    zipfile.BadZipFile,
    tarfile.TarError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,  # a compression that Python does not know
    RuntimeError,  # an encrypted member
)
Wanted = Callable[[str], bool]


def is_archive(file: Path) -> bool:
    """Whether a file is an archive, by its name."""
    return file.name.lower().endswith(ENDINGS)


class Allowance:
    """How much may come out of an archive and of all archives in it, so that a small one cannot fill the disk."""

    def __init__(self, archive: Path, known_gb: float = 0) -> None:
        self.archive = archive
        allowed = (ALWAYS_ALLOWED_BYTES, LARGEST_RATIO * archive.stat().st_size, int(known_gb * 1e9))
        self.bytes = max(allowed)
        self.files = MOST_FILES

    def require(self, size_bytes: int, files: int = 0) -> None:
        """Raise InputError if less than that is left."""
        if size_bytes > self.bytes or files > self.files:
            raise InputError(
                f"{self.archive}: unpacks to more than {LARGEST_RATIO} times its size or {MOST_FILES} files, as a "
                "decompression bomb does; unpack it by hand if you trust it, and give the folder as --origin"
            )


def extract(archive: Path, folder: Path) -> None:
    """Unpack a zip or tar archive into ``folder``, whole or not at all; raises as ``unpack`` does."""
    with atomic_folder(folder) as temporary:
        unpack(archive, temporary)


def unpack(
    archive: Path,
    folder: Path,
    *,
    strip: int = 0,
    wanted: Wanted = lambda path: True,
    allowance: Allowance | None = None,
) -> None:
    """Unpack the members that are ``wanted``, without their first ``strip`` folders, into ``folder``, which is there.

    Raises InputError for a damaged archive and for one that holds what no dataset needs: a link, a device, a path out
    of the folder, or far more than it weighs; NoSpaceError where the disk is too small.
    """
    allowance = allowance or Allowance(archive)
    remedy = f"free some space and run it again: {archive} is kept"
    try:
        with full_disk_is_an_error(folder.parent, remedy):
            members = _zip_members if zipfile.is_zipfile(archive) else _tar_members
            for name, size_bytes, open_member in members(archive, folder, allowance):
                target = _target(name, archive, strip)
                if target is None or not wanted(target.as_posix()):
                    continue
                allowance.require(size_bytes, files=1)
                allowance.files -= 1
                path = folder / target
                path.parent.mkdir(parents=True, exist_ok=True)
                with open_member() as source, path.open("wb") as sink:
                    while block := source.read(BLOCK_BYTES):  # counted, as a header may lie about the size
                        allowance.require(len(block))
                        allowance.bytes -= len(block)
                        sink.write(block)
    except JobError:
        raise
    except DAMAGES as error:
        raise InputError(f"{archive}: damaged archive: {error}; remove it and get it again") from None
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise InputError(
            f"{archive}: damaged archive: a file and a folder of one name: {error.filename}"
        ) from None


Member = tuple[str, int, Callable[[], AbstractContextManager[IO[bytes]]]]


def _zip_members(archive: Path, folder: Path, allowance: Allowance) -> Iterator[Member]:
    """The files of a zip archive: name, size in bytes, and how to open it."""
    with zipfile.ZipFile(archive) as container:
        members = [member for member in container.infolist() if not member.is_dir()]
        size_bytes = sum(member.file_size for member in members)
        allowance.require(size_bytes)
        require_space(folder.parent, size_bytes, f"what is in {archive.name}")
        with progress_bar(f"unpack {archive.name}", size_bytes) as bar:
            for member in members:
                if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
                    raise _not_a_file(member.filename, archive)
                yield member.filename, member.file_size, partial(container.open, member)
                bar.update(member.file_size)


def _tar_members(archive: Path, folder: Path, allowance: Allowance) -> Iterator[Member]:
    """The files of a tar archive, in whatever compression."""
    packed_bytes = archive.stat().st_size
    require_space(folder.parent, packed_bytes, f"what is in {archive.name}")
    with (
        archive.open("rb") as packed,
        tarfile.open(fileobj=packed) as container,
        progress_bar(f"unpack {archive.name}", packed_bytes) as bar,
    ):
        for member in container:
            if member.isdir():
                continue
            if not member.isreg():
                raise _not_a_file(member.name, archive)
            opened = container.extractfile(member)
            assert opened is not None  # as it is a regular file
            yield member.name, member.size, partial(_itself, opened)
            bar.update(packed.tell() - bar.n)


def _itself(member: IO[bytes]) -> IO[bytes]:
    return member


def _target(name: str, archive: Path, strip: int) -> PurePosixPath | None:
    """Where a member goes below the folder, none if it lies above what is stripped."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise InputError(
            f"{archive}: member {name!r} would lie outside of the target folder; do not trust it"
        )
    return PurePosixPath(*path.parts[strip:]) if len(path.parts) > strip else None


def _not_a_file(name: str, archive: Path) -> InputError:
    return InputError(
        f"{archive}: member {name!r} is a link or a device, which no dataset needs; do not trust it"
    )
