"""Prepared cases on disk, a folder each, named by the content of their files, their recipe and the code.

So a case is prepared once: a new case in a dataset, a moved dataset or a killed call leaves the finished ones alone.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from seglossbench.data.cases import Case
from seglossbench.data.foreground import draw_foreground
from seglossbench.data.geometry import Geometry
from seglossbench.data.images import Volume
from seglossbench.data.preparation.presets import Recipe
from seglossbench.data.prepared import TRUTH
from seglossbench.errors import InputError, JobError
from seglossbench.experiment import identity
from seglossbench.files import atomic_folder, digest, save_array, write_json
from seglossbench.image_files import files_of
from seglossbench.names import word

CASES = "cases"


@dataclass(frozen=True)
class CaseStore:
    """``folder/cases/CASE-DIGEST`` with ``image.npy``, ``labels.npy``, ``foreground.npy`` and ``case.json``.

    ``checksums`` are those of the files below ``raw``, by their names relative to it.
    """

    folder: Path
    raw: Path
    checksums: Mapping[str, str]

    def place(self, case: Case, label_values: Mapping[str, int], recipe: Recipe, kind: str = CASES) -> Path:
        """Where the case of that content lies, or is to lie."""
        content = {
            "files": [
                self._checksum(file) for image in (*case.images, case.labels) for file in files_of(image)
            ],
            "modality": case.modality,
            "as_background": case.as_background,
            "values": list(label_values.values()),
            "recipe": asdict(recipe),
            "code": identity.code_of(identity.case_roots()),
        }
        return self.folder / kind / f"{word(case.name)}-{digest(content)}"

    def _checksum(self, file: Path) -> str:
        if not file.is_relative_to(self.raw):
            raise InputError(f"{file}: lies outside of {self.raw}, where its image is; move it there")
        return self.checksums[self.relative(file)]

    def relative(self, file: Path) -> str:
        """The name of a raw file relative to the raw folder."""
        return file.relative_to(self.raw).as_posix()

    def read_facts(self, place: Path, case: Case) -> dict[str, Any]:
        """What dataset.json says of a case in the store: where it lies, and what later stages ask of it."""
        facts = json.loads((place / "case.json").read_text(encoding="utf-8"))
        return {
            "folder": f"{CASES}/{place.name}",
            "modality": case.modality,
            "official": case.official,
            "patient": case.patient,
            "truth": None if (place / TRUTH).exists() else self.relative(case.labels),
            **facts,
        }


def write_case(
    place: Path,
    case: str,
    image: NDArray[np.float16],
    labels: NDArray[np.uint8],
    geometry: Geometry,
    truth: Volume | None,
    classes: int,
) -> None:
    """Write a prepared case whole or not at all; raises JobError where the disk does not take it."""
    facts = {
        "geometry": asdict(geometry),
        "shape": labels.shape,
        "voxels_per_class": np.bincount(labels.ravel(), minlength=classes).tolist(),
    }
    try:
        with atomic_folder(place, keep_existing=True) as temporary:
            save_array(temporary / "image.npy", image)
            save_array(temporary / "labels.npy", labels)
            save_array(temporary / "foreground.npy", draw_foreground(labels, case))
            if truth is not None:
                nib.save(nib.Nifti1Image(truth.array[0], truth.affine), temporary / TRUTH)
            write_json(temporary / "case.json", facts)
    except OSError as error:
        raise _cannot_write(place, error) from None


def write_facts(place: Path, facts: Mapping[str, Any]) -> None:
    """Write what was found in a case; raises JobError where the disk does not take it."""
    try:
        write_json(place, facts)
    except OSError as error:
        raise _cannot_write(place, error) from None


def _cannot_write(place: Path, error: OSError) -> JobError:
    free_mb = shutil.disk_usage(place.parent if place.parent.exists() else ".").free >> 20
    reason = error.strerror or str(error)
    return JobError(
        f"{place}: cannot be written: {reason}; {free_mb} MB are free on that disk. Free some and run the same command "
        "again: finished cases are kept"
    )
