"""A batch of label maps together with all that a loss may read of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from numbers import Integral
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seglossbench.errors import InputError, nearest
from seglossbench.registry import MAPS

Array = Tensor | NDArray[np.generic]
Degenerate = Literal["defined", "released"]

MADE_ON_DEVICE = frozenset({"contour"})
"""Maps that are made where the labels are, so that for a GPU nobody need make them ahead."""


def inverse_frequencies(counts: Tensor) -> Tensor:
    """Class weights (C,) from voxels per class (C,): ``voxels / (present classes * voxels of the class)``.

    0 for an absent class; their mean over the voxels is 1.
    """
    present = counts > 0
    return present * counts.sum() / (present.sum() * counts.clamp(min=1))


class Truth:
    """Label maps of a batch, and their maps, each computed from the labels when first asked for and then kept.

    ``labels``: (N, *spatial) integer in [0, num_classes), 2D or 3D, tensor or array. ``spacing_mm``: voxel size per
    spatial axis, or None for distances in voxels. ``contour_kernel``: width of the contour's box in voxels.
    ``degenerate``: "defined" or "released" distances of a class that is absent or alone.
    Further keywords are maps computed before, for instance on the whole volume and then cropped with the patch
    (``map_scope: volume``); a map that is not given is computed from the labels as they are here (``map_scope:
    patch``): contours where the labels are, distances on the host. See MAPS for the names. Raises InputError naming
    the argument and what was expected.
    """

    def __init__(
        self,
        labels: Array,
        num_classes: int,
        *,
        spacing_mm: Sequence[float] | None = None,
        contour_kernel: int = 3,
        degenerate: Degenerate = "defined",
        **maps: Array,
    ) -> None:
        self.labels = _checked_labels(_tensor("labels", labels), _checked_count(num_classes))
        self.num_classes = num_classes
        self.spacing_mm = _checked_spacing(spacing_mm, self.labels.ndim - 1)
        self.contour_kernel = contour_kernel
        if degenerate not in get_args(Degenerate):
            raise InputError(
                f"degenerate is {degenerate!r}; {nearest(str(degenerate), get_args(Degenerate))}"
            )
        self.degenerate = degenerate
        self._maps = {
            name: self._checked_map(name, _tensor(f"map {name!r}", values)) for name, values in maps.items()
        }
        self._given = frozenset(maps)
        self._scales: dict[tuple[int, ...], Truth] = {}

    @classmethod
    def from_labels(
        cls,
        labels: Array,
        num_classes: int,
        contour_kernel: int = 3,
        spacing_mm: Sequence[float] | None = None,
        maps: Iterable[str] = (),
        degenerate: Degenerate = "defined",
    ) -> Truth:
        """The truth with ``maps`` computed now, for instance in a loader's worker (give it ``loss.maps``)."""
        truth = cls(
            labels, num_classes, spacing_mm=spacing_mm, contour_kernel=contour_kernel, degenerate=degenerate
        )
        for name in maps:
            truth.map(name)
        return truth

    def map(self, name: str) -> Tensor:
        """The map ``name``: (N, *spatial) if one value per voxel says it all, else (N, C, *spatial)."""
        if name not in self._maps:
            self._maps[name] = MAPS.load(name)(self.labels, self)
        return self._maps[name]

    @property
    def contour(self) -> Tensor:
        """Paper A's contours: (N, *spatial) uint8, 1 on the rim of the voxel's own class."""
        return self.map("contour")

    @property
    def rectified(self) -> Tensor:
        """Paper B's rectified distances: (N, *spatial) float32 in (0, 1]."""
        return self.map("rectified")

    def one_hot(self, dtype: torch.dtype) -> Tensor:
        """(N, C, *spatial): 1 for the class of each voxel, 0 for the others."""
        return is_own_class(self.labels, self.num_classes).to(dtype)

    @cached_property
    def class_counts(self) -> Tensor:
        """(N, C) float32: voxels of every class in every sample."""
        labels = self.labels.flatten(1)
        return torch.stack([(labels == index).sum(1) for index in range(self.num_classes)], dim=1).float()

    @property
    def class_weights(self) -> Tensor:
        """(C,) float32: ``inverse_frequencies`` of the batch."""
        return inverse_frequencies(self.class_counts.sum(0))

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Truth:
        """The same truth, labels and maps, on another device."""
        return self._moved(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> Truth:
        """The same truth in page-locked memory, for a copy to the GPU that does not block."""
        return self._moved(lambda tensor: tensor.pin_memory())

    def at_scale(self, shape: Sequence[int]) -> Truth:
        """The truth for a deep-supervision output of the spatial ``shape``, labels by nearest neighbour.

        Maps that were given are sampled at the same voxels (``map_scope: volume``); maps that were computed are
        computed again from the small labels (``map_scope: patch``, paper B). What was asked for once is kept.
        """
        shape = tuple(shape)
        if shape not in self._scales:
            self._scales[shape] = self._scaled(shape)
        return self._scales[shape]

    def _scaled(self, shape: tuple[int, ...]) -> Truth:
        spatial = self.labels.shape[1:]
        if len(shape) != len(spatial):
            raise InputError(f"shape is {shape}, expected {len(spatial)} sizes as in labels {tuple(spatial)}")
        picks = [
            ((torch.arange(new, device=self.labels.device) + 0.5) * (old / new)).long()
            for new, old in zip(shape, spatial, strict=True)
        ]

        def sample(tensor: Tensor) -> Tensor:
            for axis, pick in enumerate(reversed(picks), start=1):
                tensor = tensor.index_select(-axis, pick)
            return tensor

        computed = [name for name in self._maps if name not in self._given]
        small = self._with(sample)
        small._maps = {name: small._maps[name] for name in self._given}
        if self.spacing_mm is not None:
            small.spacing_mm = tuple(
                size * old / new for size, old, new in zip(self.spacing_mm, spatial, shape, strict=True)
            )
        for name in computed:
            small.map(name)
        return small

    def _moved(self, change: Callable[[Tensor], Tensor]) -> Truth:
        """The same truth at all scales so far, with every tensor somewhere else."""
        other = self._with(change)
        other._scales = {shape: scaled._with(change) for shape, scaled in self._scales.items()}
        return other

    def _with(self, change: Callable[[Tensor], Tensor]) -> Truth:
        other = object.__new__(Truth)
        kept = {name: value for name, value in self.__dict__.items() if name != "class_counts"}
        other.__dict__ = kept | {
            "labels": change(self.labels),
            "_maps": {name: change(values) for name, values in self._maps.items()},
            "_scales": {},
        }
        return other

    def _checked_map(self, name: str, values: Tensor) -> Tensor:
        MAPS.check(name)
        batch, *spatial = self.labels.shape
        allowed = (batch, *spatial), (batch, self.num_classes, *spatial)
        if tuple(values.shape) not in allowed:
            raise InputError(
                f"map {name!r} has shape {tuple(values.shape)}, expected {allowed[0]} or {allowed[1]}"
            )
        return values

    def __repr__(self) -> str:
        shape = tuple(self.labels.shape)
        return f"Truth(labels={shape}, num_classes={self.num_classes}, maps={sorted(self._maps)})"


def is_own_class(labels: Tensor, num_classes: int) -> Tensor:
    """(N, C, *spatial) bool from labels (N, *spatial), by comparison: in a fixed order on every device."""
    classes = torch.arange(num_classes, dtype=labels.dtype, device=labels.device)
    return labels.unsqueeze(1) == classes.view(-1, *[1] * (labels.ndim - 1))


def _tensor(name: str, values: object) -> Tensor:
    """A tensor of the values, which shares their memory where torch can: writable, native, signed if wide."""
    if isinstance(values, Tensor):
        return values.long() if values.dtype in (torch.uint16, torch.uint32, torch.uint64) else values
    if not isinstance(values, np.ndarray):
        raise InputError(f"{name}: found {type(values).__name__}, expected a tensor or an array")
    if values.dtype.kind not in "buif":
        raise InputError(f"{name}: found dtype {values.dtype}, expected numbers")
    if values.dtype.kind == "u" and values.dtype.itemsize > 1:
        values = values.astype(np.int64)  # torch has wider unsigned integers, but hardly computes with them
    native = values.astype(values.dtype.newbyteorder("="), copy=False)
    return torch.from_numpy(np.require(native, requirements=["C", "W"]))


def _checked_count(num_classes: object) -> int:
    if not isinstance(num_classes, Integral) or num_classes < 2:
        raise InputError(f"num_classes is {num_classes!r}, expected 2 or more, background included")
    return int(num_classes)


def _checked_labels(labels: Tensor, num_classes: int) -> Tensor:
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        raise InputError(f"labels have dtype {labels.dtype}, expected integers in [0, {num_classes})")
    if labels.ndim not in (3, 4):
        raise InputError(f"labels have shape {tuple(labels.shape)}, expected (N, H, W) or (N, D, H, W)")
    if 0 in labels.shape:
        raise InputError(f"labels have shape {tuple(labels.shape)}, expected at least one voxel")
    if labels.device.type == "cpu":  # on a GPU this would cost a copy to the host in every step
        low, high = int(labels.min()), int(labels.max())
        if low < 0 or high >= num_classes:
            raise InputError(
                f"labels lie in [{low}, {high}], expected [0, {num_classes}) for num_classes={num_classes}"
            )
    return labels if num_classes - 1 <= torch.iinfo(labels.dtype).max else labels.long()


def _checked_spacing(spacing_mm: object, dimensions: int) -> tuple[float, ...] | None:
    if spacing_mm is None:
        return None
    spacing: tuple[float, ...] = ()
    if isinstance(spacing_mm, Iterable) and not isinstance(spacing_mm, str):
        with suppress(TypeError, ValueError):
            spacing = tuple(float(size) for size in spacing_mm)
    if len(spacing) != dimensions or not all(0 < size < float("inf") for size in spacing):
        raise InputError(f"spacing_mm is {spacing_mm!r}, expected {dimensions} positive sizes")
    return spacing
