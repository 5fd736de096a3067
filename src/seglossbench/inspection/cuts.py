"""Slices of cases around one class: pixels as radiologists look at them, with truth and predictions on them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seglossbench.data.geometry import Box, nonzero_box, slices
from seglossbench.data.images import Volume
from seglossbench.inspection.scans import Bools, OpenScan

SOFT_TISSUE, BONE = (-160.0, 240.0), (-450.0, 1050.0)
"""Windows of a CT in Hounsfield units."""
_BONE_FROM = 300.0  # Hounsfield units, the mean of a class that is shown in the window of bone
_MARGIN = 12  # voxels around a class, at least
_WIDEST = 2.5  # times the side of the true class, beyond which false alarms are cut off


@dataclass(frozen=True)
class Masks:
    """Where the truth has a class, and where each loss's prediction does, [slice, row, column]."""

    truth: Bools
    predictions: Mapping[str, Bools]

    @property
    def anywhere(self) -> Bools:
        """Where any of them has it."""
        some: Bools = np.logical_or.reduce([self.truth, *self.predictions.values()])
        return some

    @property
    def everywhere(self) -> Bools:
        """Where all of them have it."""
        every: Bools = np.logical_and.reduce([self.truth, *self.predictions.values()])
        return every


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


@dataclass(frozen=True)
class Errors:
    """Wrong voxels of a class in every slice from the first that has it to the last, by loss.

    ``places`` are the slices' numbers, from 1 on as those of a ``Cut``.
    """

    places: list[int]
    missed: Mapping[str, list[int]]
    false: Mapping[str, list[int]]


def masks_of(case: OpenScan, name: str, predictions: Mapping[str, Volume]) -> Masks:
    """The masks of the class ``name`` in the truth and in the ``predictions`` by loss."""
    found = {loss: case.mask(volume, name) for loss, volume in predictions.items()}
    return Masks(case.mask(case.truth, name), found)


def cuts(case: OpenScan, masks: Masks, count: int = 1) -> Iterator[Cut]:
    """Cuts around a class of a case: that of the largest disagreement or, with a ``count``, some from end to end.

    Disagreement is the number of pixels on which the truth and the predictions do not all agree.
    """
    truth, some = masks.truth, masks.anywhere
    if not some.any():
        return
    places = _places(some, masks.everywhere, truth, count)
    box = _around(truth[places], some[places])
    part = slices(box)
    channel, name_of_channel, window = _view(case, truth, places[len(places) // 2])
    for place in places:
        pixels = _as_bytes([values[place][part] for values in channel], window)
        yield Cut(
            pixels,
            truth[place][part],
            {loss: mask[place][part] for loss, mask in masks.predictions.items()},
            place + 1,
            len(truth),
            case.aspect,
            name_of_channel,
        )


def errors_of(masks: Masks) -> Errors:
    """How many voxels are missed and how many are false in each slice."""
    used = np.flatnonzero(masks.anywhere.any((1, 2)))
    ends = slice(used[0], used[-1] + 1) if used.size else slice(0)
    truth, predictions = masks.truth[ends], {loss: mask[ends] for loss, mask in masks.predictions.items()}
    return Errors(
        (np.arange(len(masks.truth))[ends] + 1).tolist(),
        {loss: (truth & ~mask).sum((1, 2)).tolist() for loss, mask in predictions.items()},
        {loss: (mask & ~truth).sum((1, 2)).tolist() for loss, mask in predictions.items()},
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
