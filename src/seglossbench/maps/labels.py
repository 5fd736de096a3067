"""What a label map is, said once: an array of integers from 0 on, in two or three dimensions."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seglossbench.errors import InputError


def check_labels(labels: NDArray[np.generic], num_classes: int | None = None) -> None:
    """InputError naming the dtype, shape or values of ``labels`` (*spatial) if they are no label map."""
    expected = "from 0 on" if num_classes is None else f"in [0, {num_classes})"
    if labels.dtype.kind not in "ui":
        raise InputError(f"labels have dtype {labels.dtype}, expected integers {expected}")
    if labels.ndim not in (2, 3) or labels.size == 0:
        raise InputError(
            f"labels have shape {labels.shape}, expected (H, W) or (D, H, W) with a voxel or more"
        )
    low = labels.min() if labels.dtype.kind == "i" else 0
    high = 0 if num_classes is None else labels.max()
    if low < 0 or (num_classes is not None and high >= num_classes):
        raise InputError(f"labels lie in [{low}, {labels.max()}], expected integers {expected}")


def on_host(compute: Callable[[NDArray[Any]], NDArray[Any]], labels: Tensor) -> Tensor:
    """What ``compute`` makes of each label map of a batch (N, *spatial), in the host's memory; where the labels are."""
    computed = np.stack([compute(volume) for volume in labels.cpu().numpy()])
    return torch.from_numpy(computed).to(labels.device)
