"""One file over HTTP: goes on where it stopped, tries again where it fails, and is there only when it is whole.

The bytes so far lie in ``FILE.part`` and what the server said of them in ``FILE.json``. Both survive a failure, so that
the next call goes on from there; a server that cannot go on, or whose file has changed, makes it start again.
"""

import random
import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import urllib3
from tqdm import tqdm

from seglossbench import __version__
from seglossbench.acquisition.partial import BLOCK_BYTES, PartialFile, progress_bar, shown, version_of
from seglossbench.acquisition.space import full_disk_is_an_error, require_space, size_text
from seglossbench.errors import JobError

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
    part = PartialFile(url, file, size_bytes, can_prove=bool(checksums))
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
                    kept = (
                        f"; {size_text(part.size)} are kept, run it again to go on"
                        if part.size and part.can_go_on()
                        else ""
                    )
                    raise JobError(
                        f"{shown(url)}: cannot be downloaded after {failures} tries: {error}{kept}"
                    ) from None
                wait_s = max(patience.wait_s(failures), min(error.wait_s, patience.longest_wait_s))
                tqdm.write(f"{shown(url)}: {error}; again in {wait_s:.0f} s", file=sys.stderr)
                patience.sleep(wait_s)
    part.finish(checksums or {})
    return part.facts


def _attempt(session: requests.Session, part: PartialFile, room: float, patience: Patience) -> None:
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
                _refuse_a_web_page(response, part)  # before it takes the place of what was had
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


def _refuse(response: requests.Response, part: PartialFile) -> None:
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


def _refuse_a_web_page(response: requests.Response, part: PartialFile) -> None:
    """A page that asks to log in, or says that the server is closed today, comes with the status of a success."""
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise JobError(
            f"{shown(part.url)}: the server sent a web page in place of {part.file.name}; look at the address in a "
            "browser, get the file by hand and give it as --origin"
        )


def _require_the_missing_bytes(response: requests.Response, part: PartialFile) -> None:
    """Make sure that a partial answer goes on right behind the bytes so far, in the same version of the file."""
    match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", response.headers.get("Content-Range", ""))
    begins_right = match is not None and int(match[1]) == part.size
    same_size = match is not None and (match[3] == "*" or part.total is None or int(match[3]) == part.total)
    now = version_of(response)
    same_version = all(now[key] == part.facts[key] for key in now if key in part.facts)
    if not (begins_right and same_size and same_version):
        part.restart()
        raise _InterruptedError(
            "the server sent other bytes than those asked for, so the download starts again"
        )


def _require_room(part: PartialFile, room: float) -> None:
    if part.total is not None:
        needed = part.total - part.size + room * part.total
        require_space(part.file.parent, needed, f"{part.file.name}, with what is unpacked from it,")


def _write(response: requests.Response, part: PartialFile) -> None:
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


def _reason(error: BaseException) -> str:
    """The innermost cause, as the outer ones hold the address, which may hold a secret."""
    while True:
        reason = getattr(error, "reason", None)
        inner = next((cause for cause in (reason, *error.args) if isinstance(cause, BaseException)), None)
        if inner is None:
            return f"{type(error).__name__}: {' '.join(str(error).split())}"
        error = inner
