"""How the array of a prepared case lies in its raw file: orientation, box, voxel size, and the way back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from seglossbench.data.resampling import resample_labels

Box = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Geometry:
    """How the array of a prepared case lies in its raw file.

    ``affine`` maps raw voxels to mm; ``orientation`` is nibabel's from the raw array to the closest RAS one; ``box`` is
    the part that was kept of the RAS array, per axis (start, stop); ``spacing_mm`` is that of the prepared array.
    """

    raw_shape: tuple[int, ...]
    affine: tuple[tuple[float, ...], ...]
    orientation: tuple[tuple[float, ...], ...]
    box: Box
    spacing_mm: tuple[float, ...]

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Geometry":
        """The geometry whose ``dataclasses.asdict`` went through JSON."""
        return cls(
            raw_shape=tuple(value["raw_shape"]),
            affine=tuple(tuple(row) for row in value["affine"]),
            orientation=tuple(tuple(row) for row in value["orientation"]),
            box=tuple((start, stop) for start, stop in value["box"]),
            spacing_mm=tuple(value["spacing_mm"]),
        )

    @property
    def cropped_shape(self) -> tuple[int, ...]:
        """The shape of the kept box before any respacing."""
        return tuple(stop - start for start, stop in self.box)


def orientation_of(affine: NDArray[np.float64], axes: int = 3) -> NDArray[np.float64]:
    """nibabel's orientation from the array of that affine to the closest RAS array; an image of two axes stays."""
    orientation: NDArray[np.float64] = nib.io_orientation(affine if axes == 3 else np.eye(axes + 1))
    return orientation


def to_ras(array: NDArray[Any], orientation: NDArray[np.float64]) -> NDArray[Any]:
    """The array with its axes flipped and swapped into RAS order."""
    return np.asarray(nib.apply_orientation(array, orientation))


def no_turn(axes: int) -> NDArray[np.float64]:
    """The orientation that leaves an array as it is."""
    return np.array([[axis, 1.0] for axis in range(axes)])


def nonzero_box(channels: Sequence[NDArray[Any]] | NDArray[Any]) -> Box:
    """The smallest box that holds all nonzero voxels of any of the channels (*spatial); all of it if there are none."""
    mask: NDArray[np.bool_] = channels[0] != 0
    for channel in channels[1:]:
        mask |= channel != 0
    box = []
    for axis in range(mask.ndim):
        others = tuple(other for other in range(mask.ndim) if other != axis)
        used = np.flatnonzero(np.any(mask, axis=others))
        box.append((int(used[0]), int(used[-1]) + 1) if used.size else (0, mask.shape[axis]))
    return tuple(box)


def centre_box(box: Box, spacing_mm: Sequence[float], extent_mm: Sequence[float | None]) -> Box:
    """The central part of a box that measures ``extent_mm``, to the next voxel; all of it along an axis without one."""
    parts = []
    for (start, stop), mm, extent in zip(box, spacing_mm, extent_mm, strict=True):
        kept = stop - start if extent is None else min(stop - start, max(1, round(extent / mm)))
        first = start + (stop - start - kept) // 2
        parts.append((first, first + kept))
    return tuple(parts)


def slices(box: Box) -> tuple[slice, ...]:
    """The box as an index of an array."""
    return tuple(slice(start, stop) for start, stop in box)


def labels_in_raw_space(labels: NDArray[np.uint8], geometry: Geometry) -> NDArray[np.uint8]:
    """A prepared label map (*spatial) put back into the raw array: respaced, uncropped, turned; outside is 0."""
    orientation = np.array(geometry.orientation)
    order = orientation[:, 0].argsort()
    ras_shape = [geometry.raw_shape[axis] for axis in order]
    ras = np.zeros(ras_shape, dtype=np.uint8)
    ras[slices(geometry.box)] = resample_labels(labels, geometry.cropped_shape)
    identity = np.array([[axis, 1] for axis in range(len(orientation))])
    back = nib.orientations.ornt_transform(identity, orientation)
    return np.ascontiguousarray(nib.apply_orientation(ras, back))
