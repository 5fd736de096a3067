"""A store of MLflow's in a SQLite file: made by whoever needs it first, and following the folder in which it lies."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from seglossbench.errors import InputError
from seglossbench.files import atomic_file
from seglossbench.names import word

PREFIX = "sqlite:///"
ARTIFACTS = "mlartifacts"
TIMEOUT_SECONDS = 60
NETWORKED = frozenset(("nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "afs"))
MOUNTS = Path("/proc/mounts")


@dataclass(frozen=True)
class LocalStore:
    """The store in the database ``file``; its artifacts lie beside it."""

    file: Path

    @classmethod
    def at(cls, uri: str) -> "LocalStore | None":
        """The store of a tracking URI, or None if that is no SQLite file."""
        name = uri.removeprefix(PREFIX).partition("?")[0]
        return cls(Path(name)) if uri.startswith(PREFIX) and name not in ("", ":memory:") else None

    @property
    def artifacts(self) -> Path:
        """The folder of all artifacts, by its place of today."""
        return self.file.absolute().parent / ARTIFACTS

    def artifacts_of(self, experiment: str) -> str:
        """The address of an experiment's artifacts, in a folder per part of its name: addresses encode no slash."""
        return self.artifacts.joinpath(*map(word, experiment.split("/"))).as_uri()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """A block that one process at a time is in; raises TimeoutError (of filelock) after a minute."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self.file}.lock", timeout=TIMEOUT_SECONDS):
            yield

    def create(self) -> None:
        """Make the store whole or not at all, if it is not there: processes that open a new one at once break it.

        Raises InputError on a file system of a network, whose locks keep no two machines apart.
        """
        if (kind := file_system_of(self.file.absolute().parent)) in NETWORKED:
            raise InputError(
                f"{self.file}: lies on {kind}, where a SQLite file breaks when several machines write to it; start a "
                "server with workflow/serve_mlflow.sh on one machine and give its address by track.uri or "
                "MLFLOW_TRACKING_URI, or give a file on a disk of this machine (docs/tracking.md)"
            )
        with self.locked():
            if self.file.exists():
                self._follow()
                return
            from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

            # Some 300 statements, each of which would wait for the disk; the whole file is waited for at the end.
            with atomic_file(self.file, durable=True) as temporary, _without_waiting_for_the_disk():
                store = SqlAlchemyStore(f"{PREFIX}{temporary}", self.artifacts.as_uri())
                store.engine.dispose()

    def runs_of(self, experiments: Sequence[str], tag: str) -> set[str]:
        """The values that ``tag`` has in the experiments' runs, of those experiments that lie where they were written.

        Read without MLflow, whose import takes a second. Raises sqlite3.Error for a file that is no such store.
        """
        return set(self.pages_of(experiments, tag))

    def pages_of(self, experiments: Sequence[str], tag: str) -> dict[str, str]:
        """The page of each of the experiments' runs in MLflow's interface, by its value of ``tag``.

        As ``runs_of``, and with the same errors; empty where there is no store.
        """
        if not self.file.is_file():
            return {}
        question = """
            SELECT tags.value, experiments.experiment_id, run_uuid FROM tags
            JOIN runs USING (run_uuid) JOIN experiments USING (experiment_id)
            WHERE tags.key = ? AND experiments.name = ? AND instr(experiments.artifact_location, ?) = 1
            AND runs.lifecycle_stage = 'active' AND experiments.lifecycle_stage = 'active'
            """
        found: dict[str, str] = {}
        with closing(sqlite3.connect(self.file.absolute().as_uri() + "?mode=ro", uri=True)) as database:
            for experiment in experiments:
                wanted = (tag, experiment, f"{self.artifacts.as_uri()}/")
                for value, number, run in database.execute(question, wanted):
                    found[str(value)] = f"#/experiments/{number}/runs/{run}"
        return found

    def _follow(self) -> None:
        """Let the artifacts be where the store is: MLflow keeps the absolute places in which they once were."""
        with closing(sqlite3.connect(self.file, timeout=TIMEOUT_SECONDS)) as database, database:
            places = database.execute("SELECT experiment_id, artifact_location FROM experiments").fetchall()
            for experiment, place in places:
                former, found, _ = str(place).rpartition(f"/{ARTIFACTS}/")
                present = self.artifacts.parent.as_uri()
                if not found or not former.startswith("file:") or former == present:
                    continue
                for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri")):
                    database.execute(
                        f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                        f"WHERE experiment_id = ? AND substr({column}, 1, ?) = ?",
                        (present, len(former) + 1, experiment, len(former) + 1, f"{former}/"),
                    )


@contextmanager
def _without_waiting_for_the_disk() -> Iterator[None]:
    """A block in which a new connection to SQLite leaves it to the system when the disk gets what was written."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    def connected(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA synchronous=OFF")

    event.listen(Engine, "connect", connected)
    try:
        yield
    finally:
        event.remove(Engine, "connect", connected)


def file_system_of(folder: Path, mounts: Path | None = None) -> str:
    """The kind of the file system that a folder is or will be on, such as ext4 or nfs4; nothing where nobody says."""
    try:
        lines = (mounts or MOUNTS).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    here = folder.resolve()
    kinds = {}
    for line in lines:
        _, place, kind, *_ = line.split(" ")
        kinds[Path(place.replace("\\040", " "))] = kind  # the last one mounted there is on top
    return next((kinds[place] for place in (here, *here.parents) if place in kinds), "")
