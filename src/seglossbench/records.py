"""What a run leaves on disk: its settings, provenance, history and state.

A run works in ``FOLDER.running`` and is renamed to ``FOLDER`` when it is finished, so a finished run is never half
written and an interrupted one can go on. ``history.csv`` holds ``epoch,step,split,name,value``, one row per value. The
rows of its split ``cost`` are what the machine took (seconds, memory); all others are the same on every try.
"""

import csv
import fcntl
import importlib.metadata
import io
import json
import os
import platform
import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from operator import itemgetter
from pathlib import Path
from typing import Any, TextIO

from seglossbench.errors import InputError, JobError, is_shortage
from seglossbench.files import TEMPORARY, replace_folder, write_json, write_text

DATA = "data.json"
"""In a run's folder, which prepared cases each part of the data had, by the folders that their content names."""
WEIGHTS, BEST_WEIGHTS = "checkpoint.pt", "checkpoint_best.pt"
"""The weights that a training ends with, and those of its best epoch where both are kept."""
FILES = (WEIGHTS, "history.csv", "settings.json", DATA, "provenance.json", "outcome.json")
"""What a finished run's folder holds."""
LIBRARIES = ("torch", "monai", "numpy", "scipy", "edt", "nibabel")


class State(StrEnum):
    """What has become of a run."""

    NOT_LAUNCHED = "NOT_LAUNCHED"
    RUNNING = "RUNNING"
    INTERRUPTED = "INTERRUPTED"
    FAILED = "FAILED"
    DIVERGED = "DIVERGED"
    DONE = "DONE"

    @property
    def is_finished(self) -> bool:
        """Whether the run has come to its end, be it a good one or not: it is scored and never trained again."""
        return self in (State.DONE, State.DIVERGED)


@dataclass(frozen=True)
class HistoryRow:
    """One value of a run's history; ``step`` counts optimiser steps since the run's start."""

    epoch: int
    step: int
    split: str
    name: str
    value: float


_COLUMNS = [field.name for field in fields(HistoryRow)]


def state(folder: Path) -> State:
    """The state of the run whose finished folder is, or will be, ``folder``."""
    running = working_folder(folder)
    with suppress(FileNotFoundError):
        return State(json.loads((folder / "outcome.json").read_text())["state"])
    if not running.exists():
        return State.NOT_LAUNCHED
    if _is_locked(running):
        return State.RUNNING
    return State.FAILED if (running / "failure.json").exists() else State.INTERRUPTED


def devices_of(folder: Path) -> str:
    """The devices on which a run was trained, in words, as its calls recorded them."""
    return " then ".join(dict.fromkeys(call["device"] for call in _calls(folder)))


def commit_of(folder: Path) -> str:
    """The version of this project's code that trained a run last; ``folder`` is the finished or the working one."""
    calls = _calls(folder)
    return str(calls[-1]["commit"]) if calls else ""


def failure(folder: Path) -> str:
    """Why a run failed the last time, or when and why it diverged; an empty string if neither."""
    for file in (folder / "outcome.json", working_folder(folder) / "failure.json"):
        with suppress(OSError):
            return str(json.loads(file.read_text()).get("reason", ""))
    return ""


def failed_by_itself(folder: Path, since: float) -> bool:
    """Whether a run was tried since then and failed by an error of its own, which another try would end in, too.

    ``since`` is in seconds since 1970, by the clock of the disk. Want of memory or disk is no error of its own.
    """
    file = working_folder(folder) / "failure.json"
    try:
        is_own = not json.loads(file.read_text()).get("shortage", False)
        return is_own and file.stat().st_mtime > since and state(folder) is State.FAILED
    except (OSError, ValueError):
        return False


def note_divergence(running: Path, epoch: int, reason: str) -> None:
    """Have the run that works in the folder ``running`` end as DIVERGED, in that epoch (from 0) and for that reason."""
    write_json(running / "outcome.json", {"state": State.DIVERGED, "epoch": epoch, "reason": reason})


def duration_seconds(folder: Path) -> float:
    """How long all calls that trained a finished run took together, each up to what it left last."""
    return float(json.loads((folder / "outcome.json").read_text())["seconds"])


def period_seconds(folder: Path) -> tuple[float, float]:
    """When the first call that trained a run began and when the last one ended, in seconds since 1970.

    ``folder`` is the finished or the working folder; a call that was killed ended when it left its last file.
    """
    calls = _calls(folder, ended=True)
    if not calls:
        return folder.stat().st_mtime, folder.stat().st_mtime
    began, ended = calls[0]["started"], calls[-1]["ended"]
    return datetime.fromisoformat(began).timestamp(), datetime.fromisoformat(ended).timestamp()


def versions_of(folders: Iterable[Path]) -> dict[str, str]:
    """The versions of Python, libraries and this project's code that runs were trained with, and on which device.

    Where they differ, all of them, each with how many runs have it.
    """
    found: dict[str, Counter[str]] = {}
    for folder in folders:
        of_run: dict[str, set[str]] = {}
        for call in _calls(folder):
            versions = {
                **call["libraries"],
                "Python": call["python"],
                "seglossbench": call["commit"],
                "device": call["device"],
            }
            for name, version in versions.items():
                of_run.setdefault(name, set()).add(version)
        for name, several in of_run.items():
            found.setdefault(name, Counter())[" then ".join(sorted(several))] += 1
    return {
        name: ", ".join(
            version if len(counted) == 1 else f"{version} ({runs} run{'s' * (runs != 1)})"
            for version, runs in counted.most_common()
        )
        for name, counted in found.items()
    }


def working_folder(folder: Path) -> Path:
    """Where a run works until it is finished."""
    return folder.with_name(folder.name + ".running")


@contextmanager
def run_in_progress(folder: Path, settings: Mapping[str, Any], device: str = "") -> Iterator[Path]:
    """The working folder of a run, locked against a second process and renamed to ``folder`` at the end.

    ``provenance.json`` gets an entry for this call, beside those of former ones, with ``device`` in words.

    If the block fails, the reason is recorded in ``failure.json`` and the folder stays, to be resumed. Who is
    interrupted has not failed. Raises JobError if another process trains the run, or has finished it.
    """
    running = working_folder(folder)
    running.mkdir(parents=True, exist_ok=True)
    with (running / "lock").open("w") as lock:
        if not _take(lock):
            raise JobError(f"{running}: another process is training this run; wait for it or stop it")
        if state(folder).is_finished:  # by a process that held the lock until just now
            (running / "lock").unlink(missing_ok=True)
            with suppress(OSError):
                running.rmdir()
            raise JobError(f"{folder}: another process has just finished this run; nothing is left to train")
        calls = [*_calls(running, ended=True), {"started": now(), "device": device, **provenance()}]
        for left_over in (running / "failure.json", running / "outcome.json", *running.glob(TEMPORARY + "*")):
            left_over.unlink(missing_ok=True)  # of a call that failed or was killed
        write_json(running / "settings.json", settings)
        write_json(running / "provenance.json", {"calls": calls})
        try:
            yield running
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            with suppress(OSError):  # a full disk must not hide what went wrong
                told = {"reason": describe(error), "at": now(), "shortage": is_shortage(error)}
                write_json(running / "failure.json", told)
            raise
        calls[-1]["ended"] = now()
        write_json(running / "provenance.json", {"calls": calls})
        outcome = {
            "state": State.DONE,
            "started": calls[0]["started"],
            "finished": calls[-1]["ended"],
            "seconds": sum(_seconds(call) for call in calls),
        }
        with suppress(FileNotFoundError):
            outcome |= json.loads((running / "outcome.json").read_text())
        write_json(running / "outcome.json", outcome)
        replace_folder(running, folder)
        (folder / "lock").unlink(missing_ok=True)


def describe(error: BaseException) -> str:
    """An error in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def provenance() -> dict[str, Any]:
    """The machine's class, the versions of Python, of the libraries that compute and of this project's code."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "libraries": {name: importlib.metadata.version(name) for name in LIBRARIES},
        "commit": _commit(),
    }


def write_history(path: Path, rows: Iterable[HistoryRow]) -> None:
    """Write history.csv whole, in one atomic step that outlives a power cut."""
    write_text(path, history_text(rows), durable=True)


def history_text(rows: Iterable[HistoryRow]) -> str:
    """What history.csv holds."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows(astuple(row) for row in rows)
    return text.getvalue()


def read_history(path: Path) -> list[HistoryRow]:
    """The rows of a history.csv; raises InputError if it is damaged."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = csv.reader(file)
            in_order = itemgetter(*map(next(rows, []).index, _COLUMNS))
            return [
                HistoryRow(int(epoch), int(step), split, name, float(value))
                for epoch, step, split, name, value in map(in_order, rows)
            ]
    except (IndexError, ValueError):
        raise InputError(f"{path}: damaged history; remove the run's folder to train it again") from None


def _calls(folder: Path, *, ended: bool = False) -> list[dict[str, Any]]:
    """What the calls that trained a run recorded; one that was stopped has ``ended`` when it left its last file."""
    try:
        calls: list[dict[str, Any]] = json.loads((folder / "provenance.json").read_text())["calls"]
    except (FileNotFoundError, NotADirectoryError):
        return []
    if ended and "ended" not in calls[-1]:
        last = max(file.stat().st_mtime for file in folder.iterdir() if file.name != "lock")
        calls[-1]["ended"] = datetime.fromtimestamp(last, UTC).isoformat(timespec="seconds")
    return calls


def _seconds(call: Mapping[str, Any]) -> float:
    started, ended = (datetime.fromisoformat(call[key]) for key in ("started", "ended"))
    return max(0.0, (ended - started).total_seconds())


def _take(lock: TextIO, tries: int = 20, poll_seconds: float = 0.05) -> bool:
    """Lock a file, and let no process that only looks, with a shared lock for an instant, keep us from it."""
    for attempt in range(tries):
        if attempt:
            time.sleep(poll_seconds)
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    return False


def _is_locked(running: Path) -> bool:
    try:
        # Shared, so that those who look do not see each other, and NFS gives it to one who may only read.
        with (running / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _commit() -> str:
    """The version by git, ``unknown`` in a copy without it, also where that lies in somebody else's repository."""
    file = Path(__file__)
    try:
        _git("ls-files", "--error-unmatch", file.name, folder=file.parent)
        return _git("describe", "--always", "--dirty", "--abbrev=12", folder=file.parent)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*words: str, folder: Path) -> str:
    return subprocess.run(
        ["git", *words],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
    ).stdout.strip()
