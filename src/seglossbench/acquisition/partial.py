"""The bytes of a file so far: what they are worth for going on, and whether they are the whole and the right one."""

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from tqdm import tqdm

from seglossbench.errors import JobError
from seglossbench.files import write_json

BLOCK_BYTES = 1 << 20


class PartialFile:
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
            self.facts |= version_of(response)
            length = response.headers.get("Content-Length", "")
            self.facts["size_bytes"] = int(length) if length.isdigit() else None
        write_json(self.facts_file, self.facts)

    def finish(self, checksums: Mapping[str, str]) -> None:
        """Check what lies on the disk, and give the file its name."""
        found = digests(self.path, {*checksums, "sha256"})
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


def version_of(response: requests.Response) -> dict[str, str]:
    """What an answer says of the file's version."""
    etag, changed = response.headers.get("ETag", ""), response.headers.get("Last-Modified", "")
    version = {}
    if etag and not etag.startswith("W/"):  # a weak ETag does not promise the same bytes
        version["etag"] = etag
    if changed:
        version["last_modified"] = changed
    return version


def digests(file: Path, names: set[str]) -> dict[str, str]:
    """The digests of a file by the names that hashlib gives them."""
    sums = {name: hashlib.new(name, usedforsecurity=False) for name in names}
    with file.open("rb") as source, progress_bar(f"check {file.stem}", file.stat().st_size) as bar:
        while block := source.read(BLOCK_BYTES):
            for digest in sums.values():
                digest.update(block)
            bar.update(len(block))
    return {name: digest.hexdigest() for name, digest in sums.items()}


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
