"""Whole volumes from a network that sees windows, and their predictions as files."""

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
from seglossbench.params import PredictParams


@torch.inference_mode()
def predict_volume(
    network: nn.Module,
    image: NDArray[np.floating[Any]],
    window_size: Sequence[int],
    settings: PredictParams,
    device: torch.device,
) -> NDArray[np.uint8]:
    """The class index of each voxel (*spatial) of ``image`` (C, *spatial), by overlapping Gaussian-weighted windows.

    With ``settings.flips``, the logits of a window are the mean over it and its mirror images along every set of axes.
    A voxel whose logits are not all finite, as after a training that diverged, is background.
    """
    from monai.inferers.utils import sliding_window_inference

    network.eval()
    inputs = torch.from_numpy(np.array(image, dtype=np.float32))[None].to(device)
    logits = sliding_window_inference(
        inputs,
        roi_size=tuple(settings.window_size or window_size),
        sw_batch_size=settings.window_batch,
        predictor=_over_flips(network) if settings.flips else network,
        overlap=settings.overlap,
        mode="gaussian",
    )
    highest, classes = logits[0].max(dim=0)
    # The highest of several logits is NaN if any is, and two infinite ones have no order.
    labels: NDArray[np.uint8] = classes.where(highest.isfinite(), 0).to(torch.uint8).cpu().numpy()
    return labels


def _over_flips(network: nn.Module) -> Callable[[torch.Tensor], torch.Tensor]:
    def predict(window: torch.Tensor) -> torch.Tensor:
        spatial = range(2, window.ndim)
        mirrored = [axes for count in range(len(spatial) + 1) for axes in combinations(spatial, count)]
        logits = sum(network(window.flip(axes)).flip(axes) for axes in mirrored)
        return torch.as_tensor(logits) / len(mirrored)

    return predict


def write_prediction(
    path: Path, labels: NDArray[np.uint8], label_values: Sequence[int], geometry: Geometry
) -> None:
    """Write class indices (*spatial) as NIfTI in the raw image's space and with the dataset's own label values."""
    values = np.array(label_values, dtype=np.uint8)[labels_in_raw_space(labels, geometry)]
    image = nib.Nifti1Image(values, np.array(geometry.affine))
    with atomic_file(path) as temporary:
        nib.save(image, temporary)
