"""Changes of code that were shown to change no digit: what other code made keeps its names.

They stand in ``adopted.yaml`` beside params.yaml, a file for git. Each says which modules it is about, from which
fingerprint to which, why no digit changes, and which runs were trained anew for their first epochs to show it.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from seglossbench.errors import InputError
from seglossbench.files import write_text

FILE = Path("adopted.yaml")


class Change(BaseModel):
    """A module's fingerprint before and after; null where it was not executed before, or is no longer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    before: str | None
    after: str | None


class Adoption(BaseModel):
    """An accepted change of code; ``shown_by`` are the runs whose first epochs were repeated, none on a mere word."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    date: str
    because: str
    modules: dict[str, Change]
    shown_by: tuple[str, ...] = ()
    epochs: int = 0  # that were repeated of each of them

    def undone(self, code: Mapping[str, str]) -> dict[str, str]:
        """The code as it was before this change: the same where nothing of it is concerned."""
        former = dict(code)
        concerned = False
        for module, change in self.modules.items():
            if change.after is not None and code.get(module) == change.after:
                concerned = True
                del former[module]
                if change.before is not None:
                    former[module] = change.before
        if concerned:
            former |= {
                module: change.before
                for module, change in self.modules.items()
                if change.after is None and change.before is not None and module not in code
            }
        return dict(sorted(former.items()))


def as_named(code: Mapping[str, str], file: Path = FILE) -> dict[str, str]:
    """The code, module by module, under which its results were named first."""
    for adoption in reversed(read(file)):
        code = adoption.undone(code)
    return dict(code)


def read(file: Path = FILE) -> tuple[Adoption, ...]:
    """All adoptions, the oldest first; raises InputError that names the file where it is damaged."""
    try:
        stat = file.stat()
    except FileNotFoundError:
        return ()
    return _read(file.absolute(), stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=8)
def _read(file: Path, changed: int, size: int) -> tuple[Adoption, ...]:
    try:
        entries = yaml.safe_load(file.read_text(encoding="utf-8")) or []
        return tuple(Adoption.model_validate(entry) for entry in entries)
    except (yaml.YAMLError, ValidationError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"{file.name}: damaged: {reason}; take it from git, or remove the entry at fault"
        ) from None


def relied_on(code: Mapping[str, str], trained: date, file: Path = FILE) -> tuple[Adoption, ...]:
    """The adoptions without which a run would have to be trained anew: made since, and of modules that it executed.

    ``code`` is the one that names the run, ``trained`` the day on which it ended.
    """
    return tuple(
        adoption
        for adoption in read(file)
        if trained <= date.fromisoformat(adoption.date)
        and any(
            code.get(module) == change.before for module, change in adoption.modules.items() if change.before
        )
    )


def add(adoption: Adoption, file: Path = FILE) -> None:
    """Write one more adoption behind those that are there."""
    _write([*read(file), adoption], file)


def _write(adoptions: Sequence[Adoption], file: Path) -> None:
    head = (
        "# Changes of code that change no digit (docs/architecture.md), so that what was trained keeps its name.\n"
        "# Written by seglossbench adopt; keep it in git.\n"
    )
    entries = [adoption.model_dump(mode="json") for adoption in adoptions]
    write_text(file, head + yaml.safe_dump(entries, sort_keys=False, allow_unicode=True, width=120))
