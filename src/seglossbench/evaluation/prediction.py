"""Whole volumes from a network that sees windows, and their predictions as files."""

from collections.abc import Sequence
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
    """The class index of each voxel (*spatial) of ``image`` (C, *spatial), by overlapping Gaussian-weighted windows."""
    from monai.inferers.utils import sliding_window_inference

    network.eval()
    inputs = torch.from_numpy(np.array(image, dtype=np.float32))[None].to(device)
    logits = sliding_window_inference(
        inputs,
        roi_size=tuple(settings.window_size or window_size),
        sw_batch_size=settings.window_batch,
        predictor=network,
        overlap=settings.overlap,
        mode="gaussian",
    )
    labels: NDArray[np.uint8] = logits[0].argmax(dim=0).to(torch.uint8).cpu().numpy()
    return labels


def write_prediction(
    path: Path, labels: NDArray[np.uint8], label_values: Sequence[int], geometry: Geometry
) -> None:
    """Write class indices (*spatial) as NIfTI in the raw image's space and with the dataset's own label values."""
    values = np.array(label_values, dtype=np.uint8)[labels_in_raw_space(labels, geometry)]
    image = nib.Nifti1Image(values, np.array(geometry.affine))
    with atomic_file(path) as temporary:
        nib.save(image, temporary)
