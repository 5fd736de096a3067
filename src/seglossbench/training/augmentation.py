"""Random changes of a training patch, drawn from the patch's own random stream and carried out by MONAI.

A patch is first placed (flipped, turned, scaled: image and labels alike, labels by the nearest neighbour) and then its
image is changed in intensity. Maps of the whole volume follow flips exactly; where a patch is turned or scaled they
must be made of the patch (``maps.scope: patch``). MONAI's own random transforms are not used: their random states are
shared by what runs in parallel.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seglossbench.errors import InputError
from seglossbench.params import NO_VOLUME_MAPS, AugmentationParams, ChanceParams

Array = NDArray[Any]
OF_NEAREST = frozenset({"labels", "inside"})
OF_EVERY_OTHER_CHANNEL = ("blur_sigma", "low_resolution")


@dataclass(frozen=True)
class Placement:
    """How a patch lies in its case: the axes that are flipped and, where it is turned or scaled, the matrix of that.

    ``matrix`` (dims, dims) leads from an offset in the patch to that in the case, both from the centre, in voxels.
    """

    flips: tuple[int, ...]
    matrix: NDArray[np.float64] | None = None

    def cut_size(self, patch_size: Sequence[int]) -> tuple[int, ...]:
        """The size of the box in the case, of the same centre, that holds all that the patch shows."""
        if self.matrix is None:
            return tuple(patch_size)
        size = np.array(patch_size)
        spare = np.ceil(((np.abs(self.matrix) @ size - size) / 2).round(6)).astype(int)
        return tuple((size + 2 * np.maximum(spare, 0)).tolist())

    def apply(self, arrays: dict[str, Array], patch_size: Sequence[int]) -> dict[str, Array]:
        """The patch from the box's arrays, which have their spatial axes last: ``image``, ``labels`` and maps.

        With ``inside`` there is a mask, too, which is placed as labels are.
        """
        if self.matrix is not None:
            if arrays.keys() - {"image", *OF_NEAREST}:
                raise InputError(NO_VOLUME_MAPS)
            placed = {"image": _resampled(arrays["image"], self.matrix, patch_size, "bilinear")}
            for name in OF_NEAREST & arrays.keys():
                nearest = _resampled(arrays[name][None], self.matrix, patch_size, "nearest")[0]
                placed[name] = nearest.astype(arrays[name].dtype)
            arrays = placed
        axes = tuple(axis - len(patch_size) for axis in self.flips)
        return {name: np.flip(array, axes) for name, array in arrays.items()}


def draw_placement(
    settings: AugmentationParams, spacing_mm: Sequence[float], generator: np.random.Generator
) -> Placement:
    """A placement of a patch with axes of that voxel size; angles are true in mm."""
    axes = range(len(spacing_mm)) if settings.flip_axes == "all" else settings.flip_axes or ()
    flips = tuple(axis for axis in axes if axis < len(spacing_mm) and generator.random() < 0.5)
    turned = _happens(settings.rotation_degrees, generator)
    scaled = _happens(settings.scale, generator)
    if turned is None and scaled is None:
        return Placement(flips)
    spacing = np.diag(spacing_mm)
    matrix = np.eye(len(spacing_mm)) if turned is None else _rotation(turned, len(spacing_mm), generator)
    factor = 1.0 if scaled is None else _strength(scaled, generator)
    return Placement(flips, factor * np.linalg.inv(spacing) @ matrix @ spacing)


def change_intensities(image: Array, settings: AugmentationParams, generator: np.random.Generator) -> Array:
    """``image`` (C, *spatial) with its intensities changed, every channel by a strength of its own.

    It is float32 where anything was changed, and else the array that was given.
    """
    for name, change in INTENSITIES.items():
        chance = _happens(getattr(settings, name), generator)
        if chance is None:
            continue
        image = _as_float32(image)
        channels = list(image)
        for index, channel in enumerate(channels):
            if name not in OF_EVERY_OTHER_CHANNEL or generator.random() < 0.5:
                channels[index] = change(channel, _strength(chance, generator), generator)
        image = np.stack(channels)
    return image


def _as_float32(array: Array) -> NDArray[np.float32]:
    """The array, or a copy of it; torch reads float16 many times as fast as NumPy, which in turn reads any view."""
    if array.dtype == np.float32:
        return array
    return torch.from_numpy(np.array(array, order="C")).float().numpy()


def _happens(chance: ChanceParams | None, generator: np.random.Generator) -> ChanceParams | None:
    return chance if chance is not None and generator.random() < chance.probability else None


def _strength(chance: ChanceParams, generator: np.random.Generator) -> float:
    low, high = chance.range
    if chance.around_one:
        low, high = (low, 1.0) if generator.random() < 0.5 else (1.0, high)
    return generator.uniform(low, high)


def _rotation(chance: ChanceParams, dims: int, generator: np.random.Generator) -> NDArray[np.float64]:
    from scipy.spatial.transform import Rotation

    if dims == 2:
        matrix = Rotation.from_euler("z", generator.uniform(*chance.range), degrees=True).as_matrix()
    else:
        angles = generator.uniform(*chance.range, size=3)
        matrix = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    return np.asarray(matrix[:dims, :dims], np.float64)


def _resampled(
    array: Array, matrix: NDArray[np.float64], patch_size: Sequence[int], mode: str
) -> NDArray[np.float32]:
    """The patch (C, *patch_size) that the matrix shows of ``array`` (C, *box); 0 outside."""
    from monai.transforms.spatial.array import Affine

    homogeneous = np.eye(len(matrix) + 1)
    homogeneous[:-1, :-1] = matrix
    move = Affine(
        affine=homogeneous, spatial_size=tuple(patch_size), mode=mode, padding_mode="zeros", image_only=True
    )
    moved = move(torch.from_numpy(np.ascontiguousarray(array, np.float32)))
    return np.asarray(moved)


Change = Callable[[NDArray[np.float32], float, np.random.Generator], NDArray[np.float32]]


def _noise(channel: NDArray[np.float32], sd: float, generator: np.random.Generator) -> Any:
    return channel + np.float32(sd) * generator.standard_normal(channel.shape, np.float32)


def _blur(channel: NDArray[np.float32], sigma: float, generator: np.random.Generator) -> Any:
    from monai.transforms.intensity.array import GaussianSmooth

    return _by_monai(GaussianSmooth(sigma), channel)


def _brightness(channel: NDArray[np.float32], factor: float, generator: np.random.Generator) -> Any:
    return channel * np.float32(factor)


def _contrast(channel: NDArray[np.float32], factor: float, generator: np.random.Generator) -> Any:
    from monai.transforms.intensity.array import ScaleIntensityFixedMean

    return _by_monai(ScaleIntensityFixedMean(factor - 1, preserve_range=True), channel)


def _low_resolution(channel: NDArray[np.float32], part: float, generator: np.random.Generator) -> Any:
    small = [max(1, round(size * part)) for size in channel.shape]
    tensor = torch.from_numpy(np.ascontiguousarray(channel))[None, None]
    linear = {2: "bilinear", 3: "trilinear"}[channel.ndim]
    coarse = torch.nn.functional.interpolate(tensor, small, mode="nearest-exact")
    return torch.nn.functional.interpolate(coarse, channel.shape, mode=linear)[0, 0].numpy()


def _gamma(channel: NDArray[np.float32], gamma: float, generator: np.random.Generator) -> Any:
    from monai.transforms.intensity.array import AdjustContrast

    return _by_monai(AdjustContrast(gamma, retain_stats=True), channel)


def _inverted_gamma(channel: NDArray[np.float32], gamma: float, generator: np.random.Generator) -> Any:
    return -_gamma(-channel, gamma, generator)


def _by_monai(transform: Callable[[torch.Tensor], torch.Tensor], channel: NDArray[np.float32]) -> Any:
    return np.asarray(transform(torch.from_numpy(np.ascontiguousarray(channel))[None])[0])


INTENSITIES: dict[str, Change] = {
    "noise_sd": _noise,
    "blur_sigma": _blur,
    "brightness": _brightness,
    "contrast": _contrast,
    "low_resolution": _low_resolution,
    "inverted_gamma": _inverted_gamma,
    "gamma": _gamma,
}
"""The changes of intensity by the name of their option, in nnU-Net's order."""
