"""Cross-entropy and its relatives: means over voxels of a function of the true class's probability p_y."""

from functools import lru_cache
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from seglossbench.errors import InputError
from seglossbench.losses.prediction import Prediction
from seglossbench.losses.terms import register
from seglossbench.maps import Truth

Percent = Annotated[float, Field(gt=0, le=100)]


@register("ce")
def cross_entropy(prediction: Prediction, truth: Truth) -> Tensor:
    """Mean over voxels of ``-log p_y``."""
    return -prediction.log_p_truth.mean()


@register("weighted_ce", reduction="pooled")
def weighted_cross_entropy(
    prediction: Prediction,
    truth: Truth,
    *,
    weights: tuple[float, ...] | Literal["training_set"] | None = None,
) -> Tensor:
    """Mean over the batch's voxels of ``-log p_y``, weighted by class.

    ``weights``: one number per class; None takes the inverse class frequencies of the batch, "training_set" those of
    all training cases, which ``losses.build`` puts in its place.
    """
    if weights is None:
        weight = truth.class_weights
    elif len(weights) == truth.num_classes:
        weight = _on_device(weights, prediction.log_p_truth.dtype, prediction.log_p_truth.device)
    else:
        raise InputError(
            f"weighted_ce has {len(weights)} weights, expected {truth.num_classes}, one per class"
        )
    voxel_weight = weight[truth.labels.long()]
    return -(voxel_weight * prediction.log_p_truth).sum() / voxel_weight.sum()


@lru_cache(maxsize=32)
def _on_device(weights: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """The weights as a tensor, made once: a copy from the host would make every step of a GPU wait."""
    return torch.tensor(weights, dtype=dtype, device=device)


@register("focal")
def focal(prediction: Prediction, truth: Truth, *, alpha: float = 1.0, gamma: float = 2.0) -> Tensor:
    """Mean over voxels of ``-alpha (1 - p_y)^gamma log p_y`` (Lin et al. 2017; these defaults: paper B)."""
    if gamma < 1 and gamma != 0:
        raise InputError(f"gamma of focal is {gamma}, expected 0 or at least 1, where the gradient is finite")
    return -alpha * (prediction.p_wrong**gamma * prediction.log_p_truth).mean()


@register("top_k_ce", reduction="pooled")
def top_k_cross_entropy(prediction: Prediction, truth: Truth, *, percent: Percent = 10.0) -> Tensor:
    """Mean of ``-log p_y`` over the hardest ``percent`` of the batch's voxels; equally hard ones share a place."""
    losses = -prediction.log_p_truth.flatten()
    count = max(1, round(losses.numel() * percent / 100))
    with torch.no_grad():
        threshold = losses.topk(count, sorted=False).values.min()
        harder, tied = losses > threshold, losses == threshold
        share = harder + tied * ((count - harder.sum()) / tied.sum())
    return (losses * share).sum() / count
