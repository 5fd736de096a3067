"""One file over HTTP: goes on where it stopped, tries again where it fails, and is there only when it is whole.

The bytes so far lie in ``FILE.part`` and what the server said of them in ``FILE.json``. Both survive a failure, so that
the next call goes on from there; a server that cannot go on, or whose file has changed, makes it start again.
"""

import hashlib
import json
import random
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
import urllib3
from tqdm import tqdm

from seglossbench import __version__
from seglossbench.acquisition.space import full_disk_is_an_error, require_space, size_text
from seglossbench.errors import JobError
from seglossbench.files import write_json

BLOCK_BYTES = 1 << 20
WORTH_ANOTHER_TRY = {408, 425, 429}  # and all of 500 and above
NETWORK_ERRORS = (requests.RequestException, urllib3.exceptions.HTTPError, OSError)


@dataclass(frozen=True)
class Patience:
    """How often a download is tried again without progress, and how long it waits in between and for an answer.

    The wait doubles from try to try up to the longest one, and a random part of it keeps many clients from coming back
    all at once.
    """

    tries: int = 8
    first_wait_s: float = 1.0
    longest_wait_s: float = 60.0
    connect_timeout_s: float = 15.0
    read_timeout_s: float = 60.0
    sleep: Callable[[float], None] = time.sleep

    def wait_s(self, failures: int) -> float:
        """The seconds to wait after that many failures in a row."""
        longest = min(self.longest_wait_s, self.first_wait_s * 2.0 ** (failures - 1))
        return longest * random.SystemRandom().uniform(0.5, 1.0)


class _InterruptedError(Exception):
    """An attempt failed in a way that another one may mend; ``wait_s`` is what the server asked to wait."""

    def __init__(self, reason: str, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


def download(
    url: str,
    file: Path,
    *,
    checksums: Mapping[str, str] | None = None,
    size_bytes: int | None = None,
    room: float = 0.0,
    patience: Patience | None = None,
) -> dict[str, Any]:
    """Fetch ``url`` to ``file`` unless it is there, and return what is known of it: url, size_bytes, sha256 and more.

    ``checksums`` maps names of hashlib to the hexadecimal digest that the file must have; ``room`` is how much space
    must be free besides, as a multiple of the file's size. Raises JobError; the bytes so far are kept, but for those
    of a file with a wrong checksum.
    """
    patience = patience or Patience()
    part = _Part(url, file, size_bytes, can_prove=bool(checksums))
    if file.exists():
        return part.facts
    most, failures = part.size, 0
    with requests.Session() as session:
        session.headers.update({"User-Agent": f"seglossbench/{__version__}", "Accept-Encoding": "identity"})
        while True:
            try:
                _attempt(session, part, room, patience)
                break
            except _InterruptedError as error:
                # Bytes that were had before do not count as progress, or a server that drops each answer and cannot go
                # on from there would be asked for ever.
                failures = 1 if part.size > most else failures + 1
                most = max(most, part.size)
                if failures >= patience.tries:
                    kept = f"; {size_text(part.size)} are kept, run it again to go on" if part.size else ""
                    raise JobError(
                        f"{shown(url)}: cannot be downloaded after {failures} tries: {error}{kept}"
                    ) from None
                wait_s = max(patience.wait_s(failures), min(error.wait_s, patience.longest_wait_s))
                tqdm.write(f"{shown(url)}: {error}; again in {wait_s:.0f} s", file=sys.stderr)
                patience.sleep(wait_s)
    part.finish(checksums or {})
    return part.facts


def shown(url: str) -> str:
    """The address as it may be shown: without a password or a query, which may hold secrets."""
    pieces = urlsplit(url)
    return urlunsplit(pieces._replace(netloc=pieces.netloc.rpartition("@")[2], query="", fragment=""))


@contextmanager
def progress_bar(name: str, total: int | None, initial: int = 0) -> Iterator["tqdm[Any]"]:
    """A bar of bytes, drawn rarely where it goes to a log file."""
    with tqdm(
        total=total,
        initial=initial,
        unit="B",
        unit_scale=True,
        desc=name,
        mininterval=0.1 if sys.stderr.isatty() else 10.0,
    ) as bar:
        yield bar


class _Part:
    """The bytes of a file so far, and what the server said of the whole."""

    def __init__(self, url: str, file: Path, size_bytes: int | None, can_prove: bool) -> None:
        self.url = url
        self.file = file
        self.path = file.with_name(file.name + ".part")
        self.facts_file = file.with_name(file.name + ".json")
        self.known_bytes = size_bytes
        self.can_prove = can_prove
        file.parent.mkdir(parents=True, exist_ok=True)
        self.facts = self._read_facts()

    def _read_facts(self) -> dict[str, Any]:
        try:
            facts = json.loads(self.facts_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            facts = {}
        return facts if isinstance(facts, dict) else {}

    def can_go_on(self) -> bool:
        """Whether what is missing may be asked for alone."""
        # Without a mark of the file's version only a checksum can prove that two halves belong together.
        return self.facts.get("url") == shown(self.url) and bool(self.validator or self.can_prove)

    @property
    def size(self) -> int:
        """The bytes so far."""
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def total(self) -> int | None:
        """The bytes of the whole file, if anybody said."""
        return self.facts.get("size_bytes") or self.known_bytes

    @property
    def validator(self) -> str | None:
        """What If-Range takes: a strong ETag, or else the time of the last change."""
        return self.facts.get("etag") or self.facts.get("last_modified")

    def restart(self, response: requests.Response | None = None) -> None:
        """Forget the bytes so far; what comes next is the whole file of ``response``."""
        self.path.unlink(missing_ok=True)
        self.facts = {"url": shown(self.url)}
        if response is not None:
            self.facts |= _version_of(response)
            length = response.headers.get("Content-Length", "")
            self.facts["size_bytes"] = int(length) if length.isdigit() else None
        write_json(self.facts_file, self.facts)

    def finish(self, checksums: Mapping[str, str]) -> None:
        """Check what lies on the disk, and give the file its name."""
        found = _digests(self.path, {*checksums, "sha256"})
        for name, expected in checksums.items():
            if found[name] != expected:
                self.path.unlink()
                self.facts_file.unlink(missing_ok=True)
                raise JobError(
                    f"{shown(self.url)}: its {name} is {found[name]} and not {expected}, so it is damaged or another "
                    "file; it was removed, run it again"
                )
        self.facts |= {"size_bytes": self.size, "sha256": found["sha256"]}
        write_json(self.facts_file, self.facts)
        self.path.replace(self.file)


def _attempt(session: requests.Session, part: _Part, room: float, patience: Patience) -> None:
    """Ask for what is missing and write it; raises _InterruptedError where another attempt may help."""
    if part.size and not part.can_go_on():
        part.restart()
    start = part.size
    if start and start == part.total:
        return
    headers = {}
    if start:
        headers["Range"] = f"bytes={start}-"
        if part.validator:
            headers["If-Range"] = part.validator
    remedy = f"free some space and run it again: the {part.path.name} so far is kept"
    with full_disk_is_an_error(part.file.parent, remedy):
        try:
            response = session.get(
                part.url,
                headers=headers,
                stream=True,
                timeout=(patience.connect_timeout_s, patience.read_timeout_s),
            )
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema):
            raise JobError(f"{shown(part.url)}: not an address that can be downloaded") from None
        except NETWORK_ERRORS as error:
            raise _InterruptedError(_reason(error)) from None
        with response:
            if response.status_code == 206 and start:
                _require_the_missing_bytes(response, part)
            elif response.status_code == 200:
                part.restart(response)
            else:
                _refuse(response, part)
            _require_room(part, room)
            _write(response, part)
    if part.total is not None and part.size < part.total:
        raise _InterruptedError(f"the answer ended after {part.size} of {part.total} bytes")
    if part.total is not None and part.size > part.total:
        part.restart()
        raise _InterruptedError(f"the answer was longer than the {part.total} bytes that were announced")


def _refuse(response: requests.Response, part: _Part) -> None:
    """Raise what an answer without the wanted bytes means."""
    status = response.status_code
    if status == 416 or status == 206:
        part.restart()
        raise _InterruptedError(f"the server answered {status}: it has not the bytes asked for")
    answer = f"the server answered {status} {response.reason}"
    if status in WORTH_ANOTHER_TRY or status >= 500:
        after = response.headers.get("Retry-After", "")
        raise _InterruptedError(answer, float(after) if after.isdigit() else 0.0)
    raise JobError(
        f"{shown(part.url)}: {answer}; look at the address in a browser, get the file by hand and give it as --origin"
    )


def _require_the_missing_bytes(response: requests.Response, part: _Part) -> None:
    """Make sure that a partial answer goes on right behind the bytes so far, in the same version of the file."""
    match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", response.headers.get("Content-Range", ""))
    begins_right = match is not None and int(match[1]) == part.size
    same_size = match is not None and (match[3] == "*" or part.total is None or int(match[3]) == part.total)
    now = _version_of(response)
    same_version = all(now[key] == part.facts[key] for key in now if key in part.facts)
    if not (begins_right and same_size and same_version):
        part.restart()
        raise _InterruptedError(
            "the server sent other bytes than those asked for, so the download starts again"
        )


def _version_of(response: requests.Response) -> dict[str, str]:
    etag, changed = response.headers.get("ETag", ""), response.headers.get("Last-Modified", "")
    version = {}
    if etag and not etag.startswith("W/"):  # a weak ETag does not promise the same bytes
        version["etag"] = etag
    if changed:
        version["last_modified"] = changed
    return version


def _require_room(part: _Part, room: float) -> None:
    if part.total is not None:
        needed = part.total - part.size + room * part.total
        require_space(part.file.parent, needed, f"{part.file.name}, with what is unpacked from it,")


def _write(response: requests.Response, part: _Part) -> None:
    """Append the body of ``response`` as it came over the wire, whatever encoding it claims."""
    blocks = response.raw.stream(BLOCK_BYTES, decode_content=False)
    with part.path.open("ab") as sink, progress_bar(part.file.name, part.total, part.size) as bar:
        while True:
            try:
                block = next(blocks, None)
            except NETWORK_ERRORS as error:
                raise _InterruptedError(_reason(error)) from None
            if block is None:
                return
            sink.write(block)
            bar.update(len(block))


def _digests(file: Path, names: set[str]) -> dict[str, str]:
    sums = {name: hashlib.new(name, usedforsecurity=False) for name in names}
    with file.open("rb") as source, progress_bar(f"check {file.stem}", file.stat().st_size) as bar:
        while block := source.read(BLOCK_BYTES):
            for digest in sums.values():
                digest.update(block)
            bar.update(len(block))
    return {name: digest.hexdigest() for name, digest in sums.items()}


def _reason(error: BaseException) -> str:
    """The innermost cause, as the outer ones hold the address, which may hold a secret."""
    while True:
        reason = getattr(error, "reason", None)
        inner = next((cause for cause in (reason, *error.args) if isinstance(cause, BaseException)), None)
        if inner is None:
            return f"{type(error).__name__}: {' '.join(str(error).split())}"
        error = inner
