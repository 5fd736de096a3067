"""A prepared dataset as the later stages see it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seglossbench.data.cases import Part
from seglossbench.data.foreground import per_class
from seglossbench.data.geometry import Geometry
from seglossbench.errors import InputError
from seglossbench.files import open_array
from seglossbench.image_files import PNG, suffix_of
from seglossbench.names import file_stem
from seglossbench.params import TrainParams

TRUTH = "truth.nii.gz"
"""In a case's folder, the label map to score against where that is no longer the raw file."""


@dataclass(frozen=True)
class PreparedCase:
    """One case: ``image`` (C, *spatial) float16 and ``labels`` (*spatial) uint8 class indices, both memory-mapped.

    ``shape`` is that of ``labels``, known without opening it; ``truth`` is the label map to score against, relative to
    the folder of the raw data.
    """

    name: str
    folder: Path
    modality: str
    official: Part | None
    patient: str
    truth: Path
    geometry: Geometry
    shape: tuple[int, ...]
    voxels_per_class: tuple[int, ...]

    def slice_axis(self, settings: TrainParams) -> int | None:
        """The axis along which a network of 2D patches sees this volume slice by slice.

        Unless the settings name it, it is that of the largest voxel size, the last one on a tie; None where the patch
        has as many axes as the case. Raises InputError for a patch of more axes.
        """
        axes = len(self.geometry.spacing_mm)
        if len(settings.patch_size) == axes:
            return None
        if len(settings.patch_size) > axes:
            raise InputError(
                f"train.patch_size: has {len(settings.patch_size)} sizes, but case {self.name} is an image; give two"
            )
        if settings.slice_axis is not None:
            return settings.slice_axis
        return max(range(axes), key=lambda axis: (float(f"{self.geometry.spacing_mm[axis]:.4g}"), axis))

    @property
    def image(self) -> NDArray[np.float16]:
        """The intensities (C, *spatial)."""
        return open_array(self.folder / "image.npy")

    @property
    def labels(self) -> NDArray[np.uint8]:
        """The class of each voxel (*spatial)."""
        return open_array(self.folder / "labels.npy")

    @property
    def foreground(self) -> list[NDArray[np.uint16]]:
        """Of each foreground class that the case has, some voxels (V, dims)."""
        return per_class(open_array(self.folder / "foreground.npy"), self.voxels_per_class)


def prediction_file(folder: Path, case: PreparedCase) -> Path:
    """Where the prediction of a case lies: a PNG where its truth is one, else NIfTI, which keeps its place in space."""
    return folder / f"{file_stem(case.name)}{PNG if suffix_of(case.truth) == PNG else '.nii.gz'}"


def distance_unit_of(files: Iterable[Path]) -> str:
    """``px`` for PNG files, which do not tell the size of a pixel, and ``mm`` for all others."""
    return "px" if all(suffix_of(file) == PNG for file in files) else "mm"


class PreparedDataset:
    """The cases of a prepared folder, with the names of their channels, classes and regions."""

    def __init__(self, folder: Path) -> None:
        file = folder / "dataset.json"
        try:
            facts = json.loads(file.read_text(encoding="utf-8"))
        except OSError:
            raise InputError(f"{file}: not there; run seglossbench preprocess first") from None
        self.folder = folder
        self.channels: tuple[str, ...] = tuple(facts["channels"])
        self.classes: tuple[str, ...] = tuple(facts["classes"])
        self.label_values: dict[str, int] = facts["label_values"]
        self.regions: dict[str, tuple[str, ...]] = {
            name: tuple(classes) for name, classes in facts["regions"].items()
        }
        self.patients_by: str = facts["patients_by"]  # the rule that found the patients, in words
        self.skipped: dict[str, str] = facts["skipped"]  # why cases were left out
        self.cases = {name: self._case(name, fact) for name, fact in facts["cases"].items()}

    @property
    def foreground(self) -> tuple[str, ...]:
        """The names of all classes but the background."""
        return self.classes[1:]

    @property
    def distance_unit(self) -> str:
        """The unit of distances in the truth files of all cases."""
        return distance_unit_of(case.truth for case in self.cases.values())

    def _case(self, name: str, fact: dict[str, Any]) -> PreparedCase:
        folder = self.folder.parent / fact["folder"]
        return PreparedCase(
            name=name,
            folder=folder,
            modality=fact["modality"],
            official=fact["official"],
            patient=fact["patient"],
            truth=Path(fact["truth"]) if fact["truth"] else (folder / TRUTH).resolve(),
            geometry=Geometry.from_json(fact["geometry"]),
            shape=tuple(fact["shape"]),
            voxels_per_class=tuple(fact["voxels_per_class"]),
        )
