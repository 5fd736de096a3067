"""Why some region-wise maps train badly: where their gradient can push the prediction away from the truth.

For the loss ``sum_k p_k z_k`` of a voxel, the gradient by the logit of class j is ``p_j (z_j - sum_k p_k z_k)``:
descent raises the classes whose z is below the mean of z under the present probabilities. So the true class y is
never lowered if and only if ``z_y = min z``, and a wrong class j is never raised if and only if ``z_j = max z``:
paper B's principle, that all wrong classes have one and the same value. Where it is violated, some prediction exists
from which the step is a step away from the truth.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seglossbench.errors import InputError
from seglossbench.losses.region_wise import class_map
from seglossbench.maps import Truth


@dataclass(frozen=True)
class Diagnosis:
    """How far one map can mislead, over all voxels of a truth.

    ``pairs``: share of (voxel, class) pairs whose logit can be pushed away from the truth. ``voxels``: share of voxels
    with such a pair. ``by_class`` (C,): share of voxels, per class. ``lowest`` and ``highest``: extremes of the map.
    """

    map: str
    pairs: float
    voxels: float
    by_class: NDArray[np.float64]
    lowest: float
    highest: float


def diagnose(truth: Truth, map: str) -> Diagnosis:
    """The diagnosis of the named map ("boundary", "active_contour", "rectified" or another of MAPS) on a truth."""
    values = class_map(truth, map)
    wrong = can_mislead(values, truth.labels)
    by_class = wrong.double().transpose(0, 1).flatten(1).mean(1)
    return Diagnosis(
        map,
        pairs=by_class.mean().item(),
        voxels=wrong.any(1).double().mean().item(),
        by_class=by_class.numpy(),
        lowest=values.min().item(),
        highest=values.max().item(),
    )


def can_mislead(values: Tensor, labels: Tensor) -> Tensor:
    """(N, C, *spatial) bool: where some prediction exists whose gradient pushes this logit away from the truth.

    ``values``: the map (N, C, *spatial). ``labels``: (N, *spatial). Raises InputError when the shapes do not fit.
    """
    own = _own(values, labels)
    lowest, highest = values.amin(1, keepdim=True), values.amax(1, keepdim=True)
    return torch.where(own, values > lowest, values < highest)


def logit_gradient(p: Tensor, values: Tensor) -> Tensor:
    """(N, C, *spatial): ``p_j (z_j - sum_k p_k z_k)``, each voxel's gradient of ``sum_k p_k z_k`` by its logits."""
    return p * (values - (p * values).sum(1, keepdim=True))


def _own(values: Tensor, labels: Tensor) -> Tensor:
    if values.ndim != labels.ndim + 1 or values.shape[2:] != labels.shape[1:] or len(values) != len(labels):
        raise InputError(
            f"the map has shape {tuple(values.shape)}, expected (N, C, *spatial) for labels {tuple(labels.shape)}"
        )
    return Truth(labels, values.shape[1]).one_hot(torch.bool)
