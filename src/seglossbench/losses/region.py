"""Overlap losses: functions of how much probability falls on each class's voxels."""

from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from seglossbench.losses.prediction import Prediction
from seglossbench.losses.terms import register
from seglossbench.maps import Truth


@register("dice")
def dice(prediction: Prediction, truth: Truth, *, background: bool = True, smooth: float = 1e-6) -> Tensor:
    """1 - soft Dice, mean over samples and classes, ``smooth`` in the denominator only (paper B, released code)."""
    own, missed, false = overlaps(prediction, truth)
    value = share(missed + false + smooth, 2 * own)
    return value.mean() if background else value[:, 1:].mean()


@register("dice_pooled", reduction="pooled")
def dice_pooled(prediction: Prediction, truth: Truth, *, smooth: float = 1e-3) -> Tensor:
    """1 - soft Dice of all foreground (class, voxel) pairs of the batch in one sum (paper A, released code)."""
    foreground = truth.labels != 0
    own = (prediction.p_truth * foreground).sum()
    missed = (prediction.p_wrong * foreground).sum()
    return share(missed + prediction.p_wrong_foreground.sum(), 2 * own + smooth)


@register("generalised_dice")
def generalised_dice(prediction: Prediction, truth: Truth, *, smooth: float = 1e-5) -> Tensor:
    """1 - generalised Dice of the foreground, classes weighted by ``1 / (volume^2 + 1e-3)``, mean over samples.

    Paper A's baseline as released, where an absent class has by far the largest weight. It adds ``smooth`` to half of
    the numerator ``2 sum(w own) + 2 smooth``, so that a perfect prediction is a little below 0.
    """
    own, missed, false = (total[:, 1:] for total in overlaps(prediction, truth))
    weight = 1 / (truth.class_counts[:, 1:].to(own.dtype) ** 2 + 1e-3)
    common, wrong = (weight * own).sum(1), (weight * (missed + false)).sum(1)
    return (share(wrong, 2 * common + smooth) - smooth / (wrong + 2 * common + smooth)).mean()


@register("tversky")
def tversky(
    prediction: Prediction, truth: Truth, *, alpha: float = 0.3, beta: float = 0.7, smooth: float = 1e-5
) -> Tensor:
    """1 - Tversky index, mean over samples and foreground classes.

    False positives weigh ``alpha``, false negatives ``beta`` (Salehi et al. 2017).
    """
    own, missed, false = (total[:, 1:] for total in overlaps(prediction, truth))
    return share(alpha * false + beta * missed, own + smooth).mean()


@register("mcc")
def matthews(prediction: Prediction, truth: Truth) -> Tensor:
    """1 - Matthews correlation coefficient, mean over samples and classes (Abhishek & Hamarneh 2021), as MONAI's."""
    own, missed, false = overlaps(prediction, truth)
    is_own = truth.one_hot(torch.bool)
    rejected = prediction.p_not.masked_fill(is_own, 0).flatten(2).sum(2)
    product = (own + false) * (own + missed) * (rejected + false) * (rejected + missed)
    return 1 - ((own * rejected - false * missed) / torch.sqrt(product + 1e-5)).mean()


def overlaps(prediction: Prediction, truth: Truth) -> tuple[Tensor, Tensor, Tensor]:
    """Three (N, C) sums over voxels: a class's probability on its own voxels, what is missing there, and elsewhere."""

    def by_class(values: Tensor) -> Tensor:
        return cast(Tensor, _SumByClass.apply(values, truth.labels, truth.num_classes))  # type: ignore[no-untyped-call]  # torch's

    false = prediction.p.masked_fill(truth.one_hot(torch.bool), 0).flatten(2).sum(2)
    return by_class(prediction.p_truth), by_class(prediction.p_wrong), false


def share(part: Tensor, rest: Tensor) -> Tensor:
    """``part / (part + rest)``: 1 - Dice and its like, as the share of what is wrong.

    Neither the value nor a gradient is the difference of nearly equal numbers, as in ``1 - rest / (part + rest)``.
    """
    value: Tensor = _Share.apply(part, rest)  # type: ignore[no-untyped-call]  # torch's
    return value


class _Share(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, part: Tensor, rest: Tensor) -> Tensor:
        ctx.save_for_backward(part, rest)
        return part / (part + rest)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        part, rest = ctx.saved_tensors
        whole = part + rest
        return grad * (rest / whole) / whole, -grad * (part / whole) / whole


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
