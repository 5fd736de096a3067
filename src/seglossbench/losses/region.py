"""Overlap losses: functions of how much probability falls on each class's voxels."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from seglossbench.losses.prediction import Prediction
from seglossbench.losses.terms import register
from seglossbench.maps import Truth


@register("dice")
def dice(prediction: Prediction, truth: Truth, *, background: bool = True, smooth: float = 1e-6) -> Tensor:
    """1 - soft Dice, mean over samples and classes, ``smooth`` in the denominator only (paper B, released code)."""
    own, predicted, true = overlaps(prediction, truth)
    value = 1 - 2 * own / (predicted + true + smooth)
    return value.mean() if background else value[:, 1:].mean()


@register("dice_pooled", reduction="pooled")
def dice_pooled(prediction: Prediction, truth: Truth, *, smooth: float = 1e-3) -> Tensor:
    """1 - soft Dice of all foreground (class, voxel) pairs of the batch in one sum (paper A, released code)."""
    foreground = truth.labels != 0
    own = (prediction.p_truth * foreground).sum()
    return 1 - (2 * own + smooth) / (prediction.p_foreground.sum() + foreground.sum() + smooth)


@register("generalised_dice")
def generalised_dice(prediction: Prediction, truth: Truth, *, smooth: float = 1e-5) -> Tensor:
    """1 - generalised Dice of the foreground, classes weighted by ``1 / (volume^2 + 1e-3)``, mean over samples.

    Paper A's baseline as released, where an absent class has by far the largest weight.
    """
    own, predicted, true = (total[:, 1:] for total in overlaps(prediction, truth))
    weight = 1 / (true**2 + 1e-3)
    common, both = (weight * own).sum(1), (weight * (predicted + true)).sum(1)
    return (1 - 2 * (common + smooth) / (both + smooth)).mean()


@register("tversky")
def tversky(
    prediction: Prediction, truth: Truth, *, alpha: float = 0.3, beta: float = 0.7, smooth: float = 1e-5
) -> Tensor:
    """1 - Tversky index, mean over samples and foreground classes.

    False positives weigh ``alpha``, false negatives ``beta`` (Salehi et al. 2017).
    """
    own, predicted, true = (total[:, 1:] for total in overlaps(prediction, truth))
    wrong = alpha * (predicted - own) + beta * (true - own)
    return (1 - (own + smooth) / (own + wrong + smooth)).mean()


@register("mcc")
def matthews(prediction: Prediction, truth: Truth) -> Tensor:
    """1 - Matthews correlation coefficient, mean over samples and classes (Abhishek & Hamarneh 2021), by MONAI."""
    from monai.losses import MCCLoss  # takes seconds, which a job with other losses need not wait

    value: Tensor = MCCLoss()(prediction.p, truth.one_hot(prediction.dtype))
    return value


def overlaps(prediction: Prediction, truth: Truth) -> tuple[Tensor, Tensor, Tensor]:
    """Three (N, C) sums over voxels: probability on the class's own voxels, all its probability, its voxels."""
    own = _SumByClass.apply(prediction.p_truth, truth.labels, truth.num_classes)  # type: ignore[no-untyped-call]  # torch's
    return own, prediction.p.flatten(2).sum(2), truth.class_counts.to(prediction.dtype)


class _SumByClass(torch.autograd.Function):
    """Sums of one value per voxel over the voxels of every class, in a fixed order on every device."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, labels: Tensor, num_classes: int) -> Tensor:
        ctx.save_for_backward(labels)
        values, labels = values.flatten(1), labels.flatten(1)
        return torch.stack([(values * (labels == index)).sum(1) for index in range(num_classes)], dim=1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (labels,) = ctx.saved_tensors
        return grad.gather(1, labels.flatten(1).long()).view(labels.shape), None, None
