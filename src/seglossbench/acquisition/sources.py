"""The catalogue of public datasets, ``sources.yaml``: where each comes from, its licence, its citation."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from urllib.request import url2pathname

import yaml
from pydantic import Field, TypeAdapter

from seglossbench.errors import InputError, nearest
from seglossbench.params import Name, Section

Route = Literal["http", "kaggle", "synapse", "git"]


class Licence(Section):
    """What one may do with a dataset."""

    name: str
    url: str
    allows: str


class FilePart(Section):
    """One file behind an address; an archive is unpacked without its first ``strip`` folders, into ``folder``.

    One that unpacks to more than 100 times its size is refused, unless it is known to by ``unpacked_gb``.
    """

    url: str
    file: str
    md5: Annotated[str, Field(pattern="^[0-9a-f]{32}$")] | None = None
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    size_bytes: int | None = None
    strip: int = 0
    folder: str = ""
    unpacked_gb: float = 0

    @property
    def checksums(self) -> dict[str, str]:
        """The known checksums by the name of their algorithm."""
        return {name: value for name in ("md5", "sha256") if (value := getattr(self, name))}


class NumberedPart(Section):
    """Files whose address and place hold a ``{number}``, from the first to the last one."""

    url: str
    numbers: tuple[int, int]
    target: str

    def files(self) -> list[tuple[str, str]]:
        """The address and the place in the raw folder of every file."""
        first, last = self.numbers
        return [
            (self.url.format(number=number), self.target.format(number=number))
            for number in range(first, last + 1)
        ]


class GitPart(Section):
    """The files of a git repository at a revision."""

    git: str
    revision: str = "HEAD"


class KagglePart(Section):
    """A dataset of Kaggle by its handle."""

    kaggle: str


class SynapsePart(Section):
    """A folder or project of Synapse by its id."""

    synapse: str


Part = FilePart | NumberedPart | GitPart | KagglePart | SynapsePart


class Usual(Section):
    """About what a dataset is once prepared: its labelled cases, those that it keeps for test, the shape of most."""

    cases: int
    channels: int
    classes: int  # background included
    shape: tuple[int, ...]
    test: int | None = None


class Source(Section):
    """A public dataset and the routes by which it can be had, in the order in which they are tried."""

    title: str
    page: str
    labelled: str
    usual: Usual
    layout: str
    licence: Licence
    citation: str
    routes: Annotated[dict[Route, tuple[Part, ...]], Field(min_length=1)]
    size_gb: float | None = None
    by_hand: str | None = None
    exclude: tuple[str, ...] = ()

    def parts(self) -> list[Part]:
        """The parts of all routes."""
        return [part for parts in self.routes.values() for part in parts]

    def wants(self, path: str) -> bool:
        """Whether a file is part of the dataset, by its path below the raw folder."""
        return not any(fnmatchcase(path, pattern) for pattern in self.exclude)

    def describe(self) -> str:
        """What people should know before they get it, in a few lines."""
        licence = self.licence
        return "\n".join(
            [
                f"{self.title}: {self.labelled} ({self.page})",
                f"Licence: {licence.name} ({licence.url}): {licence.allows}",
                f"Cite: {self.citation}",
            ]
        )


@cache
def sources() -> Mapping[str, Source]:
    """All sources by name, in the order of the catalogue."""
    text = Path(__file__).with_name("sources.yaml").read_text(encoding="utf-8")
    return TypeAdapter(dict[Name, Source]).validate_python(yaml.safe_load(text))


def find(name: str, key: str = "source") -> Source:
    """The source of that name; raises InputError that names ``key`` and lists the known ones."""
    known = sources()
    if name not in known:
        raise InputError(f"{key}: unknown source {name!r}; {nearest(name, tuple(known))}")
    return known[name]


def routes_of(name: str, route: str, key: str = "route") -> dict[Route, tuple[Part, ...]]:
    """The routes that ``route`` allows (``auto`` allows all); raises InputError that lists those there are."""
    routes = find(name).routes
    if route == "auto":
        return routes
    chosen = {there: parts for there, parts in routes.items() if there == route}
    if not chosen:
        raise InputError(f"{key}: {name} has no route {route!r}; {nearest(route, ('auto', *routes))}")
    return chosen


def is_http(origin: str) -> bool:
    """Whether an origin is an address in the web, and not a file or folder of this machine."""
    return urlsplit(origin).scheme.lower() in ("http", "https")


def origin_path(origin: str) -> Path:
    """The file or folder that a path or a ``file://`` address names."""
    pieces = urlsplit(origin)
    if pieces.scheme == "file":
        return Path(url2pathname(pieces.path))
    return Path(origin).expanduser()


def format_table() -> str:
    """The sources with their size, routes and licence, a line each."""
    rows = [("name", "size", "routes", "licence", "title")] + [
        (
            name,
            f"{source.size_gb:g} GB" if source.size_gb else "unknown",
            ", ".join(source.routes),
            source.licence.name,
            source.title,
        )
        for name, source in sources().items()
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]])
        for row in rows
    )
