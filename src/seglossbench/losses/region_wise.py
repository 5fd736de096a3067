"""Paper B's region-wise losses: the mean of probabilities times a map, over batch, classes and voxels."""

from typing import Literal

import torch
from torch import Tensor

from seglossbench.losses.prediction import Prediction
from seglossbench.losses.terms import register
from seglossbench.maps import Truth

MapName = Literal["rectified", "boundary", "active_contour", "distance_penalty", "contour"]
ACTIVE_CONTOUR = "active_contour"
"""The map that needs nothing but the labels: -1 inside a class, +1 elsewhere (Chen et al. 2019, region term)."""


def _needed(map: str) -> list[str]:
    return [] if map == ACTIVE_CONTOUR else [map]


@register("region_wise", maps=_needed)
def region_wise(prediction: Prediction, truth: Truth, *, map: MapName = "rectified") -> Tensor:
    """Mean of ``p_c z_c`` for the named map z: "rectified", "boundary", "active_contour" or another of MAPS.

    A map with one value d per voxel stands for ``z = -d`` in the voxel's own class and +1 in the others. Then
    ``sum_c p_c z_c = (1 - p_y) - p_y d``, which costs one value per voxel instead of C.
    """
    if map == ACTIVE_CONTOUR:
        return (prediction.p_wrong - prediction.p_truth).mean() / truth.num_classes
    values = truth.map(map)
    if values.ndim == truth.labels.ndim:
        return (prediction.p_wrong - prediction.p_truth * values).mean() / truth.num_classes
    return (prediction.p * values).mean()


@register("rrw", maps=["rectified"])
def rectified_region_wise(prediction: Prediction, truth: Truth) -> Tensor:
    """Rectified region-wise loss of paper B, in [-1/C, 1/C]; negative values are expected."""
    return region_wise(prediction, truth, map="rectified")


@register("boundary", maps=["boundary"])
def boundary(prediction: Prediction, truth: Truth) -> Tensor:
    """Boundary loss of all classes (Kervadec et al. 2019) by paper B's map of signed distances, as released."""
    return region_wise(prediction, truth, map="boundary")


def class_map(truth: Truth, map: str) -> Tensor:
    """The named region-wise map z written out for every class: (N, C, *spatial) float32."""
    values = torch.ones(truth.labels.shape) if map == ACTIVE_CONTOUR else truth.map(map)
    if values.ndim == truth.labels.ndim:
        own = truth.one_hot(torch.bool)
        values = torch.where(own, -values.to(own.device).unsqueeze(1), 1.0)
    return values
