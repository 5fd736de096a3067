"""The files of test cases and of their predictions, and a case's voxels as they are looked at.

Volumes are cut across their thickest axis, the patient's right on the left, front or head on top; images are as they
are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seglossbench.data.cases import image_files, image_stem
from seglossbench.data.geometry import orientation_of, to_ras
from seglossbench.data.grids import difference
from seglossbench.data.images import Volume, read_label_map, read_volume
from seglossbench.errors import InputError
from seglossbench.image_files import PNG, suffix_of

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Scan:
    """The files of one case; ``classes`` are the label values of each, ``prediction`` is a prediction's name."""

    truth: Path
    images: tuple[Path, ...]
    channels: tuple[str, ...]
    modality: str
    classes: Mapping[str, tuple[int, ...]]
    prediction: str


@dataclass(frozen=True)
class Scans:
    """Where the files of test cases are: scans by (dataset, case), folders of predictions by run.

    A run is its dataset, network, loss and seed; ``missing`` says why nothing is known of a dataset.
    """

    cases: Mapping[tuple[str, str], Scan] = field(default_factory=dict)
    runs: Mapping[tuple[str, str, str, str], Path] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)

    def prediction(self, run: tuple[str, str, str, str], scan: Scan) -> Path | None:
        """The file of a run's prediction of a case, in whatever format; None where there is none."""
        folder = self.runs.get(run)
        if folder is None:
            return None
        usual = folder / scan.prediction
        if usual.is_file():
            return usual
        return next((file for file in image_files(folder) if image_stem(file) == image_stem(usual)), None)


class OpenScan:
    """A case whose voxels are read when they are needed, and once."""

    def __init__(self, scan: Scan) -> None:
        self.scan = scan

    @cached_property
    def truth(self) -> Volume:
        """The label map as it lies in its file."""
        return read_label_map(self.scan.truth)

    @cached_property
    def channels(self) -> list[NDArray[Any]]:
        """The channels on the grid of the truth, as they are shown; without images, black."""
        if not self.scan.images:
            return [np.zeros_like(self._shown(self.truth.array[0]), np.float32)]
        found: list[NDArray[Any]] = []
        for file in self.scan.images:
            volume = read_volume(file).turned_onto(self.truth.grid)
            if different := difference(volume.grid, self.truth.grid, str(self.scan.truth)):
                raise InputError(f"{file}: {different[1]}")
            found.extend(self._shown(channel) for channel in volume.array)
        return found

    def mask(self, volume: Volume, name: str) -> Bools:
        """Where a label map has a class, [slice, row, column]."""
        return self._shown(np.isin(volume.array[0], self.scan.classes[name]))

    def prediction(self, file: Path) -> Volume:
        """A prediction; raises InputError where it does not lie on the truth's grid."""
        volume = read_label_map(file)
        if not self._is_picture and suffix_of(file) != PNG:
            volume = volume.turned_onto(self.truth.grid)
        if volume.shape != self.truth.shape:
            raise InputError(f"{file}: has shape {volume.shape}, its truth {self.truth.shape}")
        return volume

    @cached_property
    def aspect(self) -> float:
        """The height of a shown pixel by its width."""
        _, rows, columns = self._turned_spacing()
        return rows / columns

    @property
    def _is_picture(self) -> bool:
        return suffix_of(self.scan.truth) == PNG

    def _turned_spacing(self) -> tuple[float, float, float]:
        spacing = list(self.truth.spacing_mm)
        if self._is_picture:
            return 1.0, spacing[0], spacing[1]
        order = orientation_of(self.truth.affine, len(spacing))[:, 0].argsort()
        spacing = [spacing[axis] for axis in order]
        through = spacing.pop(self._axis) if len(spacing) == 3 else 1.0
        return through, spacing[1], spacing[0]

    @cached_property
    def _axis(self) -> int:
        """The axis in RAS order across which a volume is cut: that of the largest voxel size, the last on a tie."""
        order = orientation_of(self.truth.affine, 3)[:, 0].argsort()
        spacing = [self.truth.spacing_mm[axis] for axis in order]
        return max(range(3), key=lambda axis: (float(f"{spacing[axis]:.4g}"), axis))

    def _shown(self, array: NDArray[Any]) -> NDArray[Any]:
        if self._is_picture:
            return array[None]
        turned = to_ras(array, orientation_of(self.truth.affine, array.ndim))
        turned = np.moveaxis(turned, self._axis, 0) if turned.ndim == 3 else turned[None]
        return turned.transpose(0, 2, 1)[:, ::-1, ::-1]
