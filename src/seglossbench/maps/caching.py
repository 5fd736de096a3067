"""The maps of a case, computed once on the whole volume and stored, whichever datasets have the case."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seglossbench.experiment import identity
from seglossbench.files import atomic_folder, digest, save_array
from seglossbench.names import word
from seglossbench.registry import STORED_MAPS


@dataclass(frozen=True)
class MapSettings:
    """All that changes a stored map: distances in mm by ``spacing_mm`` or in voxels."""

    spacing_mm: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.spacing_mm is not None:  # so that 1 and 1.0 are the same settings
            object.__setattr__(self, "spacing_mm", tuple(float(size) for size in self.spacing_mm))


def place_of(folder: Path, case: str, labels: NDArray[np.integer], settings: MapSettings) -> Path:
    """Where in ``folder`` the maps of ``case`` lie, or are to lie, by all that decides them.

    ``labels``: (*spatial) integer >= 0, the whole volume.
    """
    content = [_content(labels), asdict(settings), identity.code_of(identity.storage_roots())]
    return folder / f"{word(case)}-{digest(content)}"


def write(place: Path, labels: NDArray[np.integer], settings: MapSettings) -> None:
    """Compute the maps of a case and store them in the folder ``place``, whole or not at all.

    ``labels``: (*spatial) integer >= 0, the whole volume.
    """
    with atomic_folder(place, keep_existing=True) as temporary:
        for name in STORED_MAPS:
            for array, values in STORED_MAPS.load(name)(labels, settings.spacing_mm).items():
                save_array(temporary / f"{array}.npy", values)


def _content(labels: NDArray[np.integer]) -> str:
    """What stands for a label map: its shape and values, not its integer type."""
    narrow = labels.astype(np.uint8 if labels.max() <= 255 else np.uint32, copy=False)
    hasher = hashlib.blake2b(f"{labels.shape} {narrow.dtype}".encode(), digest_size=6)
    hasher.update(np.ascontiguousarray(narrow).data)
    return hasher.hexdigest()
