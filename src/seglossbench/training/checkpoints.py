"""Weights on disk: written whole or not at all, checked when read, and read without pickle's powers."""

import copy
import hashlib
import io
import re
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
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


class Writer:
    """Writes to the disk beside a training, in a thread of its own, one thing at a time."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoints")
        self._begun: Future[None] | None = None

    def begin(self, write: Callable[[], None]) -> None:
        """Have ``write`` called when what was begun before is done; raises what went wrong with that."""
        self.wait()
        self._begun = self._thread.submit(write)

    def wait(self) -> None:
        """Wait for what was begun; raises what went wrong with it, once."""
        begun, self._begun = self._begun, None
        if begun is not None:
            begun.result()

    def close(self) -> None:
        """Wait for what was begun, and end the thread; raises as ``wait``."""
        try:
            self.wait()
        finally:
            self._thread.shutdown()


def on_host(state: Any) -> Any:
    """A copy in the host's memory of the state of a network or an optimiser, which no later step changes."""
    if isinstance(state, torch.Tensor):
        return state.detach().to("cpu", copy=True)
    if isinstance(state, dict):
        copied = copy.copy(state)  # with the versions that a network's state has
        copied.update((key, on_host(value)) for key, value in state.items())
        return copied
    return [on_host(value) for value in state] if isinstance(state, list) else state


def _serialised(state: dict[str, Any]) -> memoryview:
    # In memory first: torch reports a full disk as a RuntimeError that does not say so.
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getbuffer()


def _checksum(content: bytes | memoryview) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _write(path: Path, content: memoryview) -> None:
    with atomic_file(path, durable=True) as temporary:
        temporary.write_bytes(content)
