"""The scalar maps of one case on disk, computed once on the whole volume and cropped with every patch.

Two files per case hold all that papers A and B read of a label map, in 3 bytes per voxel whatever the number of
classes:

- ``CASE.HASHES.contour.npy``, uint8: bit 0 the contour of kernel 3, bit 1 that of kernel 2;
- ``CASE.HASHES.rectified.npy``, uint16: the rectified distance in steps of 1/65535.

A third, ``CASE.maps.json``, records the hashes of the labels and of the settings, and one number per class from which
the distance penalty follows. Contours are exact. A rectified distance is within 7.7e-6 of the one computed on line,
wherever it lies in (0, 1] (float16 would be up to 2.4e-4 off), and the rectified loss within 7.7e-6 / C.

A cropped map is the whole volume's map: a class that leaves the patch has its distances to edges beyond the patch, and
no contour where the patch cuts it. Flipping a map is flipping its labels, except for the contour of kernel 2, whose
box is not symmetric.
"""

from __future__ import annotations

import glob
import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seglossbench.errors import InputError
from seglossbench.files import atomic_file, digest, save_array, write_json
from seglossbench.maps.contour import contour
from seglossbench.maps.distance import inside_distance, penalty_scale, rectify

STORED = ("contour", "rectified", "distance_penalty")
"""Maps that a stored case can give; others, such as the boundary map, are computed per patch."""

_CONTOUR_BIT = {3: 1, 2: 2}
_STEPS = 65535


@dataclass(frozen=True)
class MapSettings:
    """All that changes a stored map: distances in mm by ``spacing_mm`` or in voxels, and the format's version."""

    spacing_mm: tuple[float, ...] | None = None
    version: int = 1

    def __post_init__(self) -> None:
        if self.spacing_mm is not None:  # so that 1 and 1.0 are the same settings
            object.__setattr__(self, "spacing_mm", tuple(float(size) for size in self.spacing_mm))

    @property
    def hash(self) -> str:
        """Twelve hexadecimal digits that stand for these settings."""
        return digest(asdict(self))


@dataclass(frozen=True)
class StoredMaps:
    """The maps of one case, open on disk: a crop reads its own voxels only."""

    contours: NDArray[np.uint8]
    steps: NDArray[np.uint16]
    penalty_scale: NDArray[np.float32]

    @property
    def shape(self) -> tuple[int, ...]:
        """Spatial shape of the case."""
        return self.contours.shape

    def crop(
        self,
        region: tuple[slice, ...],
        labels: NDArray[np.integer],
        names: Iterable[str] = STORED,
        contour_kernel: int = 3,
    ) -> dict[str, NDArray[np.generic]]:
        """The named maps in ``region``, to be flipped, stacked and given to ``Truth(labels, ..., **maps)``.

        ``labels``: the label map in the same region. Returns contour uint8 and distances float32, (*region).
        """
        if contour_kernel not in _CONTOUR_BIT:
            raise InputError(f"contour_kernel is {contour_kernel}, expected 2 or 3 for stored maps")
        maps: dict[str, NDArray[np.generic]] = {}
        for name in names:
            if name == "contour":
                maps[name] = ((self.contours[region] & _CONTOUR_BIT[contour_kernel]) != 0).astype(np.uint8)
            elif name == "rectified":
                maps[name] = self._rectified(region)
            elif name == "distance_penalty":
                maps[name] = 1 + (1 - self._rectified(region)) * self.penalty_scale[labels]
            else:
                raise InputError(f"map {name!r} is not stored, expected one of {', '.join(STORED)}")
        return maps

    def _rectified(self, region: tuple[slice, ...]) -> NDArray[np.float32]:
        return np.multiply(self.steps[region], np.float32(1 / _STEPS), dtype=np.float32)


def write(
    folder: Path | str, case: str, labels: NDArray[np.integer], settings: MapSettings | None = None
) -> None:
    """Compute and store the maps of ``case``; a reader sees the old ones or the new ones, never half of them.

    ``labels``: (*spatial) integer >= 0, the whole volume.
    """
    folder, settings = Path(folder), settings or MapSettings()
    distance = inside_distance(labels, settings.spacing_mm)
    scale = penalty_scale(labels, distance)
    contours = np.zeros(labels.shape, np.uint8)
    for kernel, bit in _CONTOUR_BIT.items():
        contours |= contour(labels, kernel) * np.uint8(bit)
    steps = np.rint(rectify(labels, distance) * _STEPS).astype(np.uint16)

    labels_hash = fingerprint(labels)
    stem = _stem(case, labels_hash, settings.hash)
    for name, array in (("contour", contours), ("rectified", steps)):
        with atomic_file(folder / f"{stem}.{name}.npy") as temporary:
            save_array(temporary, array)
    header = {
        "labels": labels_hash,
        "settings": asdict(settings),
        "settings_hash": settings.hash,
        "penalty_scale": scale.tolist(),
    }
    write_json(folder / f"{case}.maps.json", header)
    for stored in folder.glob(_stem(glob.escape(case), "?" * 12, "?" * 12) + ".*.npy"):
        if not stored.name.startswith(f"{stem}."):
            stored.unlink(missing_ok=True)


def read(
    folder: Path | str,
    case: str,
    *,
    labels: NDArray[np.integer] | str | None = None,
    settings: MapSettings | None = None,
) -> StoredMaps:
    """Open the stored maps of ``case``, without reading them.

    ``labels`` (the label map, or its fingerprint) and ``settings`` are compared with what the maps were made of.
    Raises InputError naming the case and both hashes when they differ, or the file that is missing.
    """
    folder = Path(folder)
    path = folder / f"{case}.maps.json"
    header = _existing(path, case, lambda: json.loads(path.read_text()))
    labels_hash = fingerprint(labels) if isinstance(labels, np.ndarray) else labels
    settings_hash = settings.hash if settings is not None else None
    for what, stored, expected in (
        ("labels", header["labels"], labels_hash),
        ("settings", header["settings_hash"], settings_hash),
    ):
        if expected is not None and stored != expected:
            raise InputError(
                f"{path}: the maps of case {case!r} were made with other {what}, hash {stored}, "
                f"expected {expected}; run `seglossbench maps` again"
            )
    stem = _stem(case, header["labels"], header["settings_hash"])
    files = [folder / f"{stem}.{name}.npy" for name in ("contour", "rectified")]
    contours, steps = (_existing(file, case, partial(np.load, file, mmap_mode="r")) for file in files)
    return StoredMaps(contours, steps, np.asarray(header["penalty_scale"], np.float32))


def fingerprint(labels: NDArray[np.integer]) -> str:
    """Twelve hexadecimal digits that stand for a label map: its shape and values, not its integer type."""
    narrow = labels.astype(np.uint8 if labels.max() <= 255 else np.uint32, copy=False)
    hasher = hashlib.blake2b(f"{labels.shape} {narrow.dtype}".encode(), digest_size=6)
    hasher.update(np.ascontiguousarray(narrow).data)
    return hasher.hexdigest()


def _stem(case: str, labels_hash: str, settings_hash: str) -> str:
    return f"{case}.{labels_hash}-{settings_hash}"


def _existing(path: Path, case: str, load: Callable[[], Any]) -> Any:
    try:
        return load()
    except FileNotFoundError:
        raise InputError(
            f"{path}: no maps of case {case!r}, expected what `seglossbench maps` writes"
        ) from None
