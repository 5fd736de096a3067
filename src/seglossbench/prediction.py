"""Whole volumes and images from a network that sees windows, and their predictions as files."""

from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from seglossbench.data.geometry import Geometry, labels_in_raw_space
from seglossbench.files import atomic_file
from seglossbench.image_files import PNG, suffix_of
from seglossbench.params import PredictParams


@torch.inference_mode()
def predict_volume(
    network: nn.Module,
    image: NDArray[np.floating[Any]],
    window_size: Sequence[int],
    settings: PredictParams,
    device: torch.device,
    *,
    slice_axis: int | None = None,
    shape: Sequence[int] | None = None,
) -> NDArray[np.uint8]:
    """The class index of each voxel (*spatial) of ``image`` (C, *spatial), by overlapping windows.

    What a window says is its logits or, with ``settings.average``, its probabilities; the windows of a voxel are
    averaged with the weights of ``settings.mode``. With ``settings.flips``, a window's is the mean over it and its
    mirror images along every set of axes. A voxel whose logits are not all finite, as after a training that diverged,
    is background.
    With ``slice_axis`` a 2D network predicts the volume slice by slice along that spatial axis. With ``shape`` the
    means are interpolated linearly to that grid over the same extent before the largest one is taken, so that the
    edges of a prediction are as fine as the grid.
    """
    network.eval()
    inputs = torch.from_numpy(np.array(image, dtype=np.float32))[None]
    if slice_axis is not None:  # slices are predicted as a batch of images
        inputs = inputs.movedim(slice_axis + 2, 0).squeeze(1)

    def labels_by(sums: torch.device) -> NDArray[np.uint8]:
        values = _by_windows(
            network, inputs, tuple(settings.window_size or window_size), settings, device, sums
        )
        if slice_axis is not None:
            values = values.unsqueeze(1).movedim(0, slice_axis + 2)
        if shape is not None and tuple(shape) != image.shape[1:]:
            values = nn.functional.interpolate(values, tuple(shape), mode=_LINEAR[len(shape)])
        highest, classes = values[0].max(dim=0)
        # The highest of several values is NaN if any is, and two infinite ones have no order.
        labels: NDArray[np.uint8] = classes.where(highest.isfinite(), 0).to(torch.uint8).cpu().numpy()
        return labels

    try:
        return labels_by(device)
    except torch.OutOfMemoryError:
        if device.type == "cpu":
            raise
    # Outside of the except block, which would keep what is on the device. The host has more memory than the device.
    torch.cuda.empty_cache()
    return labels_by(torch.device("cpu"))


def _by_windows(
    network: nn.Module,
    inputs: torch.Tensor,
    window_size: tuple[int, ...],
    settings: PredictParams,
    device: torch.device,
    sums: torch.device,
) -> torch.Tensor:
    """The mean of what all windows of a volume say, computed on ``device`` and summed up on ``sums``."""
    predict = _of_window(network, settings)
    if tuple(inputs.shape[2:]) == window_size:  # one window, which is the whole, has no mean to take
        portions = torch.split(inputs, settings.window_batch)
        return torch.cat([predict(portion.to(device)).to(sums) for portion in portions])

    from monai.inferers.utils import sliding_window_inference

    values: torch.Tensor = sliding_window_inference(
        inputs.to(sums),
        roi_size=window_size,
        sw_batch_size=settings.window_batch,
        predictor=predict,
        overlap=settings.overlap,
        mode=settings.mode,
        sw_device=device,
        device=sums,
    )
    return values


def _of_window(network: nn.Module, settings: PredictParams) -> Callable[[torch.Tensor], torch.Tensor]:
    """What the network says of a window, in float32 so that windows are blended exactly; over mirror images."""

    def once(window: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = network(window).float()
        return logits.softmax(1) if settings.average == "probabilities" else logits

    def over_mirror_images(window: torch.Tensor) -> torch.Tensor:
        spatial = range(2, window.ndim)
        mirrored = [axes for count in range(len(spatial) + 1) for axes in combinations(spatial, count)]
        return torch.as_tensor(sum(once(window.flip(axes)).flip(axes) for axes in mirrored)) / len(mirrored)

    return over_mirror_images if settings.flips else once


_LINEAR = {2: "bilinear", 3: "trilinear"}


def write_prediction(
    path: Path, labels: NDArray[np.uint8], label_values: Sequence[int], geometry: Geometry
) -> None:
    """Write class indices (*spatial) in the raw image's space and with the dataset's own label values.

    The file is NIfTI or, where ``path`` ends so, PNG; its numbers are as small as the values allow.
    """
    dtype = np.min_scalar_type(max(label_values)) if min(label_values) >= 0 else np.dtype(np.int32)
    values = np.array(label_values, dtype)[labels_in_raw_space(labels, geometry)]
    with atomic_file(path) as temporary:
        if suffix_of(path) == PNG:
            from PIL import Image

            Image.fromarray(values).save(temporary)
        else:
            image = nib.Nifti1Image(values, np.array(geometry.affine))
            image.header.set_xyzt_units("mm")  # whatever the unit of the raw file
            nib.save(image, temporary)
