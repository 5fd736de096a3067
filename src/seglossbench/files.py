"""Writing files so that a reader sees the old content or the new one, never half of either."""

import codecs
import errno
import fcntl
import glob
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

from seglossbench.errors import InputError, ShortageError

TEMPORARY = ".tmp-"
"""How the names of files and folders begin that are not whole yet, or never will be."""
_FORMER = ".old-"


def read_text(path: Path) -> str:
    """The text of a file of the user's, with or without the byte order mark that some editors write.

    Raises InputError that names a file that is neither UTF-8 nor, with that mark, UTF-16.
    """
    content = path.read_bytes()
    encoding = "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        raise InputError(f"{path}: is no text in UTF-8; save it so") from None


@contextmanager
def atomic_file(path: Path, *, durable: bool = False) -> Iterator[Path]:
    """A temporary name beside ``path``, renamed to it if the block succeeds and removed if it fails.

    What is ``durable`` is on the disk itself before the former content goes, so that a power cut leaves one of the two.
    Raises ShortageError where the disk is full.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # The ending stays last, because writers of images choose the format by it.
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=TEMPORARY, suffix="-" + path.name)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        if durable:
            _sync(temporary)
        temporary.replace(path)
        if durable:
            _sync(path.parent)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise ShortageError(f"{path}: the disk is full; make room and run the same command again") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Have the disk keep a file's content, or which names a folder holds."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def atomic_folder(path: Path, *, keep_existing: bool = False) -> Iterator[Path]:
    """A temporary folder beside ``path``, which takes its place if the block succeeds and vanishes if it fails.

    What killed processes left of the same folder is removed first. With ``keep_existing``, for a folder whose name
    tells its content, one that another process has finished meanwhile stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for left_over in _of_former_calls(path, TEMPORARY):
        with suppress(OSError), _locked(left_over):  # of a process that is alive it cannot be locked
            shutil.rmtree(left_over, ignore_errors=True)
    with _temporary_folder(path) as temporary:
        yield temporary
        temporary.chmod(0o777 & ~_umask())
        if keep_existing:
            with suppress(FileExistsError):
                _rename(temporary, path)
        else:
            replace_folder(temporary, path)


def replace_folder(source: Path, target: Path) -> None:
    """Rename the folder ``source`` to ``target``, in whose place it comes if there is one."""
    while True:
        try:
            _rename(source, target)
            break
        except FileExistsError:
            former = Path(tempfile.mkdtemp(dir=target.parent, prefix=_FORMER, suffix="-" + target.name))
            with suppress(FileNotFoundError):  # another process has taken it away
                target.replace(former)  # a rename, so that nobody sees a half-emptied folder
    for former in _of_former_calls(target, _FORMER):
        shutil.rmtree(former, ignore_errors=True)


@contextmanager
def _temporary_folder(path: Path) -> Iterator[Path]:
    """A new folder beside ``path`` that is gone at the end, locked so that others see whether its process lives."""
    while True:
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=TEMPORARY, suffix="-" + path.name))
        try:
            with ExitStack() as held:
                try:
                    held.enter_context(_locked(temporary))
                except (BlockingIOError, FileNotFoundError):
                    # taken for a left-over before it could be locked
                    continue
                except OSError:  # a file system that locks no folders: nothing is ever taken for a left-over
                    pass
                if temporary.exists():
                    yield temporary
                    return
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """A block in which a folder is locked; raises BlockingIOError if it is already."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _of_former_calls(path: Path, prefix: str) -> list[Path]:
    """The folders beside ``path`` that calls of this module made for it under a random name."""
    return list(path.parent.glob(f"{prefix}????????-{glob.escape(path.name)}"))


def _rename(source: Path, target: Path) -> None:
    """Rename a folder; raises FileExistsError where there is one that is not empty."""
    try:
        source.replace(target)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        raise FileExistsError(error.errno, error.strerror, str(target)) from None


def write_text(path: Path, text: str, *, durable: bool = False) -> None:
    """Write ``text`` to ``path`` in one atomic step."""
    with atomic_file(path, durable=durable) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON to ``path`` in one atomic step; the order of keys is kept, as it may matter."""
    write_text(path, json.dumps(value, indent=2) + "\n")


def save_array(path: Path, array: "NDArray[Any]") -> None:
    """Write an array as .npy, as ``np.save`` does, which does not notice if the disk is full at the last few bytes."""
    import numpy as np

    array = np.ascontiguousarray(array)
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        file.write(array.data)


def open_array(path: Path) -> "NDArray[Any]":
    """A .npy file as an array that reads from the disk what is asked of it; nothing may change the file afterwards."""
    return _open_array(path.absolute())


# An open array holds an open file, of which a process may have 256 on some systems, and BraTS has 1,251 cases.
@lru_cache(maxsize=128)
def _open_array(path: Path) -> "NDArray[Any]":
    import numpy as np

    return np.asarray(np.load(path, mmap_mode="r"))


def digest(value: Any) -> str:
    """The first 12 hexadecimal digits of the SHA-256 of a JSON value, whatever the order of its keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def link_or_copy(source: Path, target: Path) -> None:
    """Another name for a file, which takes no disk, or a copy of it where there can be none."""
    try:
        os.link(source, target)
    except OSError:  # another disk, or one that has no hard links
        with atomic_file(target) as temporary:
            shutil.copy2(source, temporary)
