"""The scalar maps of one case on disk, of which every patch reads its own voxels; ``maps.caching`` computes them.

A folder per case, named by its labels, the settings and the code, holds all that papers A and B read of a label map,
in 3 bytes per voxel whatever the number of classes:

- ``contour.npy``, uint8: bit 0 the contour of kernel 3, bit 1 that of kernel 2;
- ``rectified.npy``, uint16: the rectified distance in steps of 1/65535;
- ``penalty_scale.npy``, float32: one number per class, from which the distance penalty follows.

So a case's maps are computed once, whichever datasets have it; each dataset lists those of its cases in ``maps.json``.
Contours are exact. A rectified distance is within 7.7e-6 of the one computed on line, wherever it lies in (0, 1]
(float16 would be up to 2.4e-4 off), and the rectified loss within 7.7e-6 / C.

A cropped map is the whole volume's map: a class that leaves the patch has its distances to edges beyond the patch, and
no contour where the patch cuts it. Flipping a map is flipping its labels, except for the contour of kernel 2, whose
box is not symmetric.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seglossbench.errors import InputError
from seglossbench.files import atomic_folder, open_array, write_json

STORED = ("contour", "rectified", "distance_penalty")
"""Maps that a stored case can give; others, such as the boundary map, are computed per patch."""

CONTOUR_BIT = {3: 1, 2: 2}
"""Of ``contour.npy``, by the width of the contour's box."""
STEPS = 65535
"""Of ``rectified.npy``, from 0 to 1."""


@dataclass(frozen=True)
class StoredMaps:
    """The maps of one case in the folder ``place``: a crop reads its own voxels only."""

    place: Path

    def crop(
        self,
        region: tuple[slice, ...],
        labels: NDArray[np.integer],
        names: Iterable[str] = STORED,
        contour_kernel: int = 3,
    ) -> dict[str, NDArray[np.generic]]:
        """The named maps in ``region``, to be flipped, stacked and given to ``Truth(labels, ..., **maps)``.

        ``labels``: the label map in the same region. Returns contour uint8 and distances float32, (*region). Raises
        InputError for a map that is not stored and for maps that are not there.
        """
        if contour_kernel not in CONTOUR_BIT:
            raise InputError(f"contour_kernel is {contour_kernel}, expected 2 or 3 for stored maps")
        maps: dict[str, NDArray[np.generic]] = {}
        for name in names:
            if name == "contour":
                bits = self._open("contour")[region] & CONTOUR_BIT[contour_kernel]
                maps[name] = (bits != 0).astype(np.uint8)
            elif name == "rectified":
                maps[name] = self._rectified(region)
            elif name == "distance_penalty":
                maps[name] = 1 + (1 - self._rectified(region)) * self._open("penalty_scale")[labels]
            else:
                raise InputError(f"map {name!r} is not stored, expected one of {', '.join(STORED)}")
        return maps

    def _rectified(self, region: tuple[slice, ...]) -> NDArray[np.float32]:
        steps: NDArray[np.uint16] = self._open("rectified")[region]
        return np.multiply(steps, np.float32(1 / STEPS), dtype=np.float32)

    def _open(self, name: str) -> NDArray[Any]:
        try:
            return open_array(self.place / f"{name}.npy")
        except FileNotFoundError as error:
            raise InputError(f"{error.filename}: not there; run `seglossbench maps` again") from None


def write_index(folder: Path, places: Mapping[str, Path]) -> None:
    """Write which maps the cases of a dataset have into ``folder``, beside which the maps lie."""
    names = {case: place.relative_to(folder.parent).as_posix() for case, place in places.items()}
    with atomic_folder(folder) as temporary:
        write_json(temporary / "maps.json", names)


def read_index(folder: Path) -> dict[str, StoredMaps]:
    """The maps of each case of a dataset, of which nothing is read yet; raises InputError if there are none."""
    try:
        names = json.loads((folder / "maps.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{error.filename}: not there; run `seglossbench maps` first") from None
    return {case: StoredMaps(folder.parent / name) for case, name in names.items()}
