"""Random patches of prepared cases, with the maps that a loss reads, cropped and changed together."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seglossbench.data.prepared import PreparedCase
from seglossbench.errors import InputError
from seglossbench.maps import Truth
from seglossbench.maps.store import STORED, StoredMaps
from seglossbench.params import NO_MAPS_OF_SLICES, MapsParams, TrainParams
from seglossbench.randomness import stream
from seglossbench.training.augmentation import change_intensities, draw_placement
from seglossbench.training.pieces import Piece, pieces_of

Array = NDArray[Any]


@dataclass(frozen=True)
class Batch:
    """``image`` (N, C, *patch) float32 and the truth that losses read."""

    image: torch.Tensor
    truth: Truth

    def to(self, device: torch.device) -> "Batch":
        """The same batch on another device; from page-locked memory the copy runs beside other work."""
        return Batch(self.image.to(device, non_blocking=True), self.truth.to(device, non_blocking=True))

    def pin_memory(self) -> "Batch":
        """The same batch in page-locked memory."""
        return Batch(self.image.pin_memory(), self.truth.pin_memory())


class PatchBatches:
    """An endless source of batches that depends on the seed, the dataset and the epoch, and never on the loss.

    ``stored_maps`` holds, per case, its maps of the whole volume; of these, the ones in ``map_names`` are cropped and
    flipped with the patch, and those that are not stored are computed from the patch, also at each of ``scales``, the
    shapes of a network's coarser outputs. Every patch draws a case (or one of
    its ``slabs``), or takes the next one of a shuffled epoch (``draw_cases``); a ``foreground_fraction`` of the patches
    is centred on a voxel of a random foreground class of it. Where a case is smaller than the patch, image, labels and
    maps are 0 around it. The patch is then changed as ``settings.augmentation`` says.

    A patch of two axes from a volume is cut out of one of its slices (paper B trains so), and the maps are computed
    from it: those of the whole volume hold distances and contours across slices, which such a network cannot see.
    """

    def __init__(
        self,
        cases: Sequence[PreparedCase],
        stored_maps: Mapping[str, StoredMaps],
        map_names: Iterable[str],
        num_classes: int,
        settings: TrainParams,
        maps: MapsParams,
        *,
        dataset: str,
        seed: int,
        scales: Sequence[tuple[int, ...]] = (),
    ) -> None:
        self.pieces = pieces_of(cases, settings.slabs)
        self.stored_maps = stored_maps
        self.map_names = tuple(sorted(set(map_names) & set(STORED))) if stored_maps else ()
        self.maps_of_patches = sorted(set(map_names) - set(self.map_names))
        self.scales = tuple(scales)
        self.num_classes = num_classes
        self.settings = settings
        self.augmentation = settings.augmentation.resolved()
        self.contour_kernel, self.degenerate = maps.contour_kernel, maps.degenerate
        self.slice_axes = {case.name: case.slice_axis(settings) for case in cases}
        if stored_maps and any(axis is not None for axis in self.slice_axes.values()):
            raise InputError(NO_MAPS_OF_SLICES)
        self.spacing_mm = _common_spacing(cases, self.slice_axes) if maps.distance_units == "mm" else None
        self.dataset = dataset
        self.seed = seed

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """The batches of one epoch: the same ones whenever they are asked for."""
        for step in range(self.settings.steps_per_epoch):
            yield self.batch(epoch, step)

    def batch(self, epoch: int, step: int) -> Batch:
        """One batch, from a random stream of its own, so that batches can be made in any order and by many workers."""
        generator = stream("patches", self.dataset, self.seed, epoch, step)
        size = self.settings.batch_size
        # nnU-Net's rule for which patches of a batch must show foreground.
        drawn = round(size * (1 - self.settings.foreground_fraction))
        patches = [
            self._patch(self._piece(epoch, step * size + index, generator), index >= drawn, generator)
            for index in range(size)
        ]
        image = _stacked([patch.pop("image") for patch in patches])
        arrays = {name: np.stack([patch[name] for patch in patches]) for name in patches[0]}
        labels = arrays.pop("labels")
        truth = Truth(
            labels,
            self.num_classes,
            spacing_mm=self.spacing_mm,
            contour_kernel=self.contour_kernel,
            degenerate=self.degenerate,
            **arrays,
        )
        for name in self.maps_of_patches:
            truth.map(name)
        for shape in self.scales:
            truth.at_scale(shape)
        return Batch(image, truth)

    def _piece(self, epoch: int, index: int, generator: np.random.Generator) -> Piece:
        """The case or slab of an epoch's patch number ``index``."""
        if self.settings.draw_cases == "at_random":
            return self.pieces[int(generator.integers(len(self.pieces)))]
        turn, place = divmod(index, len(self.pieces))
        order = stream("cases", self.dataset, self.seed, epoch, turn).permutation(len(self.pieces))
        return self.pieces[int(order[place])]

    def _patch(self, piece: Piece, is_last: bool, generator: np.random.Generator) -> dict[str, Array]:
        case = piece.case
        start = self._start(piece, is_last, generator)
        axis = self.slice_axes[case.name]
        spacing_mm = [size for place, size in enumerate(case.geometry.spacing_mm) if place != axis]
        placement = draw_placement(self.augmentation, spacing_mm, generator)
        size = _in_case(placement.cut_size(self.settings.patch_size), axis)
        start = start - (size - _in_case(self.settings.patch_size, axis)) // 2
        low, high = np.maximum(start, piece.first), np.minimum(start + size, piece.first + piece.shape)
        region = tuple(slice(int(first), int(last)) for first, last in zip(low, high, strict=True))
        labels = case.labels[region]
        arrays: dict[str, Array] = {"image": case.image[(slice(None), *region)], "labels": labels}
        if self.map_names:
            stored = self.stored_maps[case.name]
            arrays |= stored.crop(region, labels, self.map_names, self.contour_kernel)
        around = list(zip((low - start).tolist(), (start + size - high).tolist(), strict=True))
        arrays = {name: _pad(array, around) for name, array in arrays.items()}
        if axis is not None:
            arrays = {name: array.squeeze(axis - case.labels.ndim) for name, array in arrays.items()}
        if self.augmentation.zero_outside:
            arrays["inside"] = (arrays["image"] != 0).any(axis=0)
        arrays = placement.apply(arrays, self.settings.patch_size)
        arrays["image"] = change_intensities(arrays["image"], self.augmentation, generator)
        if self.augmentation.zero_outside:
            arrays["image"] = arrays["image"] * arrays.pop("inside")
        return arrays

    def _start(self, piece: Piece, is_last: bool, generator: np.random.Generator) -> NDArray[np.integer]:
        """The patch's first voxel. Where the piece is smaller than the patch, the patch starts before it."""
        axis = self.slice_axes[piece.case.name]
        size = _in_case(self.settings.patch_size, axis)
        room = np.array(piece.shape) - size
        by_chance = self.settings.foreground_patches == "any"
        oversample = generator.random() < self.settings.foreground_fraction if by_chance else is_last
        start = generator.integers(np.minimum(room, 0), np.maximum(room, 0) + 1)
        if oversample and (classes := piece.foreground):
            voxels = classes[generator.integers(len(classes))]
            if axis is not None and self.settings.foreground_voxel == "of_slice":
                voxels = voxels[voxels[:, axis] == generator.choice(np.unique(voxels[:, axis]))]
            start = voxels[generator.integers(len(voxels))] - size // 2
        return np.asarray(piece.first + np.clip(start, np.minimum(room, 0), np.maximum(room, 0)))


def _stacked(images: list[Array]) -> torch.Tensor:
    """The images (C, *patch) of a batch, views of any kind, as one tensor (N, C, *patch) float32."""
    batch = torch.empty((len(images), *images[0].shape))
    for place, image in zip(batch, images, strict=True):
        for plane, channel in zip(place, image, strict=True):
            # NumPy turns a view round, and torch makes float32 of float16 many times as fast as NumPy.
            plane.copy_(torch.from_numpy(np.array(channel, order="C")))
    return batch


def _in_case(size: Sequence[int], slice_axis: int | None) -> NDArray[np.integer]:
    """A patch's size along the axes of its case: one voxel along the axis of the slices."""
    return np.array(size) if slice_axis is None else np.insert(size, slice_axis, 1)


def _pad(array: Array, around: list[tuple[int, int]]) -> Array:
    """``array``, whose last axes are spatial, with so many zeros before and after it on each of them."""
    if not any(before or after for before, after in around):
        return array
    return np.pad(array, [(0, 0)] * (array.ndim - len(around)) + around)


def _common_spacing(cases: Sequence[PreparedCase], slice_axes: Mapping[str, int | None]) -> tuple[float, ...]:
    """The voxel size that all cases share, along the axes of a patch."""
    spacings = {
        tuple(
            float(f"{size:.4g}")  # headers round
            for axis, size in enumerate(case.geometry.spacing_mm)
            if axis != slice_axes[case.name]
        )
        for case in cases
    }
    if len(spacings) > 1:
        raise InputError(
            f"maps.distance_units: mm needs one voxel size for all cases, found {len(spacings)}; "
            "set preprocess.spacing_mm"
        )
    return spacings.pop()
