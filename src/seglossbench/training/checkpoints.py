"""Weights on disk: written whole or not at all, checked when read, and read without pickle's powers."""

import hashlib
import io
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from seglossbench.errors import InputError, JobError
from seglossbench.files import atomic_file


def save(path: Path, state: dict[str, Any]) -> None:
    """Write tensors and plain values to ``path`` in one atomic step that outlives a power cut."""
    _write(path, _serialised(state))


def load(path: Path) -> dict[str, Any]:
    """Read what ``save`` wrote, onto the CPU; raises InputError that names a damaged file, or what is none of ours."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of other protocols of pickle; the error says enough
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # any, as what is in the file may be anything
        raise InputError(
            f"{path}: damaged or missing weights ({error.__class__.__name__}); remove the run's folder"
        ) from None
    if not isinstance(state, dict) or not isinstance(state.get("network"), dict):
        raise InputError(
            f"{path}: holds a {type(state).__name__} and no network's weights; remove the run's folder"
        )
    return state


def load_weights(path: Path, network: nn.Module) -> None:
    """Give a network the weights that ``save`` wrote; raises InputError as ``load``, and for another network's."""
    weights = load(path)["network"]
    try:
        network.load_state_dict(weights)
    except (RuntimeError, AttributeError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: another network's weights: {reason}; remove the run's folder") from None


@dataclass(frozen=True)
class Series:
    """Checkpoints ``NAME-EPOCH-SHA256.pt`` in a folder: the newest ``keep`` of them, each named by its own checksum."""

    folder: Path
    name: str
    keep: int = 1

    def save(self, epoch: int, state: dict[str, Any]) -> None:
        """Write the checkpoint of an epoch, then remove those that are no longer kept.

        On a full disk all but the newest make room for it; raises JobError, with the newest intact, if that is not
        enough.
        """
        content = _serialised(state)
        path = self.folder / f"{self.name}-{epoch:06d}-{_checksum(content)}.pt"
        try:
            _write(path, content)
        except JobError:
            if not self._remove(self._files()[1:]):
                raise
            _write(path, content)
        # A later epoch's is there if training fell back to a checkpoint before it: it will be made again.
        former = [file for file in self._files() if file != path]
        self._remove([file for file in former if self._epoch(file) >= epoch])
        self._remove(self._files()[self.keep :])

    def read(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Epochs and states from the newest on; one that is damaged is passed over with a warning."""
        for file in self._files():
            content = file.read_bytes()
            if file.stem.rpartition("-")[2] == _checksum(content):
                yield (
                    self._epoch(file),
                    dict(torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)),
                )
            else:
                warnings.warn(f"{file}: damaged, so the training goes on from before it", stacklevel=2)

    def clear(self) -> None:
        """Remove all of them."""
        self._remove(self._files())

    def _files(self) -> list[Path]:
        """The newest first."""
        found = [file for file in self.folder.glob(f"{self.name}-*.pt") if self._match(file)]
        return sorted(found, key=self._epoch, reverse=True)

    def _match(self, file: Path) -> re.Match[str] | None:
        return re.fullmatch(rf"{re.escape(self.name)}-(\d+)-[0-9a-f]{{16}}\.pt", file.name)

    def _epoch(self, file: Path) -> int:
        match = self._match(file)
        assert match is not None
        return int(match[1])

    def _remove(self, files: list[Path]) -> bool:
        for file in files:
            file.unlink(missing_ok=True)
        return bool(files)


def _serialised(state: dict[str, Any]) -> bytes:
    # In memory first: torch reports a full disk as a RuntimeError that does not say so.
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _write(path: Path, content: bytes) -> None:
    with atomic_file(path, durable=True) as temporary:
        temporary.write_bytes(content)
