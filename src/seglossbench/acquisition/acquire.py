"""From a source, or from an origin in its place, to a raw folder: fetch by the first route that works, then unpack."""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from filelock import FileLock, Timeout
from tqdm import tqdm

from seglossbench.acquisition import clients
from seglossbench.acquisition.archives import Allowance, is_archive, unpack
from seglossbench.acquisition.download import Patience, download
from seglossbench.acquisition.sources import (
    FilePart,
    GitPart,
    KagglePart,
    NumberedPart,
    Part,
    Route,
    Source,
    SynapsePart,
    is_http,
    origin_path,
)
from seglossbench.acquisition.space import NoSpaceError, full_disk_is_an_error, require_space
from seglossbench.errors import InputError, JobError
from seglossbench.files import atomic_folder, digest, write_json
from seglossbench.folders import walk

FACTS = ".source.json"  # in the raw folder: where its files came from
LARGEST_DEPTH = 3  # of archives within archives


@dataclass(frozen=True)
class _Fetched:
    """A file or folder on this machine that goes into the raw folder, and what is known of it.

    An archive is unpacked, anything else becomes a link: a symbolic one to what is the user's, or a second name of
    what lies under data/archives.
    """

    path: Path
    facts: Mapping[str, Any]
    target: str | None = None
    strip: int = 0
    is_users: bool = False


def acquire(
    name: str,
    source: Source,
    raw: Path,
    routes: Mapping[Route, Sequence[Part]],
    *,
    origin: str | None = None,
    archives: Path = Path("data/archives"),
    patience: Patience | None = None,
) -> None:
    """Make the raw folder of a source, whole or not at all; what was fetched stays under ``archives``.

    ``origin`` (an address, an archive or a folder) serves in place of the routes, of which the first that works is
    taken. Raises InputError where something is missing that the user can give, JobError where all failed.
    """
    place = archives / name
    place.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(archives / f".{name}.lock", timeout=0):
            if origin is not None:
                route, fetched = "origin", [_from_origin(origin, source, place, patience)]
            else:
                route, fetched = _by_routes(name, source, routes, place, patience)
            _assemble(name, source, raw, route, fetched)
    except Timeout:
        raise JobError(f"{name}: another process is getting it; wait until it is done") from None


def _by_routes(
    name: str, source: Source, routes: Mapping[Route, Sequence[Part]], place: Path, patience: Patience | None
) -> tuple[str, list[_Fetched]]:
    """The name and the files of the first route that works."""
    reasons = []
    could_not = True
    for route, parts in routes.items():
        try:
            return route, [fetched for part in parts for fetched in _fetch(part, source, place, patience)]
        except NoSpaceError:
            raise
        except (InputError, JobError) as error:
            could_not = could_not and isinstance(error, InputError)
            reasons.append(f"{route}: {str(error).removeprefix(f'{route}: ')}")
            if len(reasons) < len(routes):
                print(f"{name}: not by route {reasons[-1]}; trying the next one", file=sys.stderr)
    by_hand = source.by_hand or f"get it from {source.page}, then give the archive or folder"
    text = f"{name}: " + "; ".join(reasons) + f"; or {by_hand}: seglossbench download {name} --origin PATH"
    raise InputError(text) if could_not else JobError(text)


def _fetch(part: Part, source: Source, place: Path, patience: Patience | None) -> list[_Fetched]:
    """The files of one part, on this machine."""
    match part:
        case FilePart():
            file = place / digest([part.url, part.checksums]) / part.file
            facts = download(
                part.url,
                file,
                checksums=part.checksums,
                size_bytes=part.size_bytes,
                room=1.0 if is_archive(file) else 0.0,
                patience=patience,
            )
            return [_Fetched(file, facts, strip=part.strip)]
        case NumberedPart():
            return _fetch_numbered(part, place / digest(part.url), patience)
        case GitPart():
            folder = place / digest([part.git, part.revision])
            commit = clients.git(part.git, part.revision, folder)
            return [_Fetched(folder, {"git": part.git, "commit": commit})]
        case KagglePart():
            _require_room(source, place)
            return [_Fetched(clients.kaggle(part.kaggle, place / "kagglehub"), {"kaggle": part.kaggle})]
        case SynapsePart():
            _require_room(source, place)
            return [_Fetched(clients.synapse(part.synapse, place / part.synapse), {"synapse": part.synapse})]


def _fetch_numbered(part: NumberedPart, folder: Path, patience: Patience | None) -> list[_Fetched]:
    fetched = []
    for url, target in tqdm(part.files(), desc="files", unit="file"):
        file = folder / target.replace("/", "_")
        fetched.append(_Fetched(file, download(url, file, patience=patience), target=target))
    return fetched


def _require_room(source: Source, place: Path) -> None:
    """A client does not tell sizes before it starts, so the catalogue's must do: for the archive and its content."""
    if source.size_gb:
        require_space(place, 2 * source.size_gb * 1e9, f"the download of {place.name}")


def _from_origin(origin: str, source: Source, place: Path, patience: Patience | None) -> _Fetched:
    if is_http(origin):
        file = place / digest(origin) / (PurePosixPath(unquote(urlsplit(origin).path)).name or "archive")
        if not is_archive(file):
            raise InputError(f"{origin}: expected the address of an archive (zip, tar, tar.gz, tgz, tar.xz)")
        # A mirror of a known archive must hold the very same bytes.
        known = {part.file: part.checksums for part in source.parts() if isinstance(part, FilePart)}
        facts = download(origin, file, checksums=known.get(file.name), room=1.0, patience=patience)
        return _Fetched(file, facts)
    path = origin_path(origin)
    if not path.exists():
        raise InputError(
            f"{path}: no such file or folder; give the archive or the folder that holds the dataset"
        )
    if path.is_file() and not is_archive(path):
        raise InputError(f"{path}: expected an archive (zip, tar, tar.gz, tgz, tar.xz) or a folder")
    return _Fetched(path.absolute(), {"origin": str(path)}, is_users=True)


def _assemble(name: str, source: Source, raw: Path, route: str, fetched: Sequence[_Fetched]) -> None:
    """Make the raw folder out of what was fetched, in one atomic step."""
    remedy = "free some space and run it again: what was fetched is kept"
    with full_disk_is_an_error(raw.parent, remedy), atomic_folder(raw) as folder:
        for item in fetched:
            _place(item, folder, source)
        if not any(folder.iterdir()):
            raise InputError(
                f"{fetched[0].path}: holds no file that belongs to {name}; give the right folder or archive"
            )
        write_json(
            folder / FACTS,
            {
                "source": name,
                "licence": source.licence.name,
                "route": route,
                "parts": [dict(item.facts) for item in fetched],
                "made": datetime.now(UTC).isoformat("T", "seconds"),
            },
        )


def _place(item: _Fetched, folder: Path, source: Source) -> None:
    if item.path.is_dir():
        found = [place / file.name for place, files in walk(item.path) for file in files]
        files = [(file, file.relative_to(item.path)) for file in found]
    else:
        files = [(item.path, Path(item.target or item.path.name))]
    parts = {part.file: part for part in source.parts() if isinstance(part, FilePart)}
    for file, inside in files:
        if not source.wants(inside.as_posix()):
            continue
        if is_archive(file):
            # Also where the user has it: what is known of an archive is known by its name.
            part = parts.get(file.name)
            place = folder / inside.parent / (part.folder if part else "")
            _unpack_all(file, place, folder, source, item.strip, part.unpacked_gb if part else 0)
        else:
            _link(file, folder / inside, item.is_users)


def _unpack_all(
    archive: Path, place: Path, folder: Path, source: Source, strip: int, known_gb: float
) -> None:
    """Unpack an archive to ``place`` in the raw ``folder``, and then the archives that come out of it."""
    place.mkdir(parents=True, exist_ok=True)
    allowance = Allowance(archive, known_gb)
    prefix = place.relative_to(folder)
    pending = [(archive, prefix, strip)]
    for depth in range(LARGEST_DEPTH):
        for packed, where, leading in pending:
            unpack(
                packed,
                folder / where,
                strip=leading,
                # mypy infers no type for a lambda that keeps the loop's value
                wanted=lambda path, where=where: source.wants((where / path).as_posix()),  # type: ignore[misc]
                allowance=allowance,
            )
            if depth:
                packed.unlink()
        pending = []
        for file in sorted(file for file in place.rglob("*") if file.is_file() and is_archive(file)):
            # it may hold a file of its own name
            aside = file.rename(file.with_name(f"{file.name}.unpacking"))
            pending.append((aside, file.parent.relative_to(folder), 0))
    if pending:
        raise InputError(
            f"{archive}: holds archives in archives, {LARGEST_DEPTH} deep; unpack it by hand and give the folder"
        )


def _link(file: Path, target: Path, symbolic: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if symbolic:
        place = file.resolve()
        # Within the project the way is told from the link, so that it holds when all of it is moved.
        within = place.is_relative_to(Path.cwd())
        target.symlink_to(os.path.relpath(place, target.parent.resolve()) if within else place)
        return
    try:
        target.hardlink_to(file)
    except OSError:  # another disk, or one without hard links
        shutil.copyfile(file, target)
