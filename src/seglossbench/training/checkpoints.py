"""Weights on disk: written whole or not at all, read without pickle's powers."""

import pickle
from pathlib import Path
from typing import Any

import torch

from seglossbench.errors import InputError
from seglossbench.files import atomic_file


def save(path: Path, state: dict[str, Any]) -> None:
    """Write tensors and plain values to ``path`` in one atomic step."""
    with atomic_file(path) as temporary:
        torch.save(state, temporary)


def load(path: Path) -> dict[str, Any]:
    """Read what ``save`` wrote, onto the CPU; raises InputError that names a damaged file."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise InputError(
            f"{path}: damaged or missing weights ({error.__class__.__name__}); remove the run's folder"
        ) from None
    return dict(state)
