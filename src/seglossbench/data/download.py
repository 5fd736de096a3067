"""From an address to a raw folder: fetch the archive, unpack it safely, keep it only when it is whole."""

import shutil
import tarfile
import urllib.request
import zipfile
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from seglossbench.errors import InputError, JobError
from seglossbench.files import atomic_file, atomic_folder


def download(url: str, archive: Path) -> None:
    """Fetch ``url`` (http, https or file) to ``archive``, with a progress bar and in one atomic step."""
    try:
        with urllib.request.urlopen(url) as response, atomic_file(archive) as temporary:
            size = int(response.headers.get("Content-Length") or 0) or None
            with (
                temporary.open("wb") as file,
                tqdm(total=size, unit="B", unit_scale=True, desc=f"download {archive.name}") as progress,
            ):
                while block := response.read(1 << 20):
                    file.write(block)
                    progress.update(len(block))
    except OSError as error:
        raise JobError(f"{url}: cannot be downloaded: {error}") from None


def extract(archive: Path, folder: Path) -> None:
    """Unpack a zip or tar archive into ``folder``, whole or not at all.

    Raises InputError for a damaged archive and for a member that would lie outside of the folder.
    """
    with atomic_folder(folder) as temporary:
        try:
            if zipfile.is_zipfile(archive):
                with zipfile.ZipFile(archive) as container:
                    members = [member for member in container.infolist() if not member.is_dir()]
                    for member in tqdm(members, desc=f"extract {archive.name}", unit="file"):
                        target = temporary / _inside(member.filename, archive)
                        target.parent.mkdir(parents=True, exist_ok=True)
                        with container.open(member) as source, target.open("wb") as sink:
                            shutil.copyfileobj(source, sink, 1 << 20)
            else:
                with tarfile.open(archive) as container:
                    container.extractall(temporary, filter="data")
        except (zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
            raise InputError(
                f"{archive}: damaged archive: {error}; remove it and download it again"
            ) from None


def _inside(name: str, archive: Path) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise InputError(
            f"{archive}: member {name!r} would lie outside of the target folder; do not trust it"
        )
    return path
