"""Slices of cases around one class: pixels as radiologists look at them, with truth and predictions on the same grid.

Volumes are cut across their thickest axis, the patient's right on the left, front or head on top; images are as they
are.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seglossbench.data.cases import image_files, image_stem
from seglossbench.data.geometry import Box, nonzero_box, orientation_of, slices, to_ras
from seglossbench.data.grids import difference
from seglossbench.data.images import Volume, read_label_map, read_volume
from seglossbench.errors import InputError
from seglossbench.image_files import PNG, suffix_of

Bools = NDArray[np.bool_]
SOFT_TISSUE, BONE = (-160.0, 240.0), (-450.0, 1050.0)
"""Windows of a CT in Hounsfield units."""
_BONE_FROM = 300.0  # Hounsfield units, the mean of a class that is shown in the window of bone
_MARGIN = 12  # voxels around a class, at least
_WIDEST = 2.5  # times the side of the true class, beyond which false alarms are cut off


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


@dataclass(frozen=True)
class Cut:
    """One slice: ``pixels`` (rows, columns) or (rows, columns, 3) of bytes, and masks (rows, columns).

    ``place`` is the slice's number of ``count``, from 1 on at the foot, the left or the back; a pixel is ``aspect``
    times as high as it is wide.
    """

    pixels: NDArray[np.uint8]
    truth: Bools
    predictions: Mapping[str, Bools]
    place: int
    count: int
    aspect: float
    channel: str


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


def cuts(case: OpenScan, name: str, predictions: Mapping[str, Volume], count: int = 1) -> Iterator[Cut]:
    """Cuts around the class ``name``: that of the largest disagreement or, with a ``count``, some from end to end.

    Disagreement is the number of pixels on which the truth and the ``predictions`` by loss do not all agree.
    """
    truth = case.mask(case.truth, name)
    masks = {loss: case.mask(volume, name) for loss, volume in predictions.items()}
    together = [truth, *masks.values()]
    some: Bools = np.logical_or.reduce(together)
    all_of_them: Bools = np.logical_and.reduce(together)
    if not some.any():
        return
    places = _places(some, all_of_them, truth, count)
    box = _around(truth[places], some[places])
    part = slices(box)
    channel, name_of_channel, window = _view(case, truth, places[len(places) // 2])
    for place in places:
        pixels = _as_bytes([values[place][part] for values in channel], window)
        yield Cut(
            pixels,
            truth[place][part],
            {loss: mask[place][part] for loss, mask in masks.items()},
            place + 1,
            len(truth),
            case.aspect,
            name_of_channel,
        )


def _places(some: Bools, all_of_them: Bools, truth: Bools, count: int) -> list[int]:
    if count > 1:
        used = np.flatnonzero((truth if truth.any() else some).any((1, 2)))
        wanted = np.linspace(used[0], used[-1], min(count, used[-1] - used[0] + 1))
        return [round(float(place)) for place in wanted]
    unsure: Bools = some & ~all_of_them
    differ = unsure.sum((1, 2))
    return [int(differ.argmax() if differ.any() else some.sum((1, 2)).argmax())]


def _around(truth: Bools, some: Bools) -> Box:
    """The square of rows and columns around the true class, [slice, row, column], and what is predicted near it."""
    shown = truth if truth.any() else some
    box, whole = (nonzero_box(part.max(axis=0)[None]) for part in (shown, some))
    side = max(stop - start for start, stop in box)
    most = max(int(_WIDEST * side), side + 2 * _MARGIN)
    reach = max(
        stop - start + max(start - first, last - stop) * 2
        for (start, stop), (first, last) in zip(box, whole, strict=True)
    )
    side = min(most, max(reach, side) + 2 * max(_MARGIN, side // 4))
    found = []
    for (start, stop), length in zip(box, some.shape[1:], strict=True):
        first = max(0, min((start + stop - side) // 2, length - side))
        found.append((first, min(length, first + side)))
    return tuple(found)


def _view(
    case: OpenScan, truth: Bools, place: int
) -> tuple[list[NDArray[Any]], str, tuple[float, float] | None]:
    """The channels to show, their name, and from which value to which; colours have no window."""
    scan, channels = case.scan, case.channels
    if scan.modality == "RGB" and len(channels) == 3:
        return channels, "", None
    names = list(scan.channels) if len(scan.channels) == len(channels) else [""] * len(channels)
    inside = truth[place] if truth[place].any() else None
    index = max(range(len(channels)), key=lambda i: _contrast(channels[i][place], inside))
    values = channels[index]
    if scan.modality == "CT":
        bone = inside is not None and float(values[place][inside].mean()) > _BONE_FROM
        window = BONE if bone else SOFT_TISSUE
        words = f"{'bone' if bone else 'soft tissue'} window"
        return (
            [values],
            " ".join(part for part in (names[index] if len(names) > 1 else "", words) if part),
            window,
        )
    there = values[place][values[place] != 0]
    low, high = np.percentile(there, (1, 99.5)) if there.size else (0.0, 1.0)
    return [values], names[index] if len(names) > 1 else "", (float(low), float(high))


def _contrast(values: NDArray[Any], inside: Bools | None) -> float:
    """How far a class stands out from what is around it, by the scatter of all; 0 of a class that is not there."""
    if inside is None or inside.all():
        return 0.0
    near = slices(_around(inside[None], inside[None]))
    around, own = values[near].astype(float), inside[near]
    scatter = float(around.std())
    return abs(float(around[own].mean() - around[~own].mean())) / scatter if scatter else 0.0


def _as_bytes(channels: Sequence[NDArray[Any]], window: tuple[float, float] | None) -> NDArray[np.uint8]:
    if window is None:
        most = max(255.0, *(float(channel.max(initial=0)) for channel in channels))
        colours: NDArray[np.uint8] = np.stack([channel * (255.0 / most) for channel in channels], -1).astype(
            np.uint8
        )
        return colours
    low, high = window
    share = (channels[0].astype(float) - low) / max(high - low, 1e-12)
    grey: NDArray[np.uint8] = (np.clip(share, 0, 1) * 255).astype(np.uint8)
    return grey
