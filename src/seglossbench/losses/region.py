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
    (_, own), (_, missed) = pooled(prediction, truth.labels != 0, 2)
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
    """1 - Matthews correlation coefficient, mean over samples and classes (Abhishek & Hamarneh 2021), as MONAI's.

    A class that is absent or alone has the loss 1, also where its prediction is perfect to the last digit.
    """
    own, missed, false = overlaps(prediction, truth)
    rejected = _elsewhere(prediction.p_not, truth)
    product = (own + false) * (own + missed) * (rejected + false) * (rejected + missed)
    return 1 - ((own * rejected - false * missed) / torch.sqrt(product + 1e-5)).mean()


def overlaps(prediction: Prediction, truth: Truth) -> tuple[Tensor, Tensor, Tensor]:
    """Three (N, C) sums over voxels: a class's probability on its own voxels, what is missing there, and elsewhere."""
    own, missed = _own_and_missed(prediction, truth.labels, truth.num_classes)
    return own, missed, _elsewhere(prediction.p, truth)


def pooled(prediction: Prediction, groups: Tensor, number: int) -> tuple[Tensor, Tensor]:
    """The batch's sums (number,) of the true class's probability, and of the others', over groups (N, *spatial)."""
    own, missed = _own_and_missed(prediction, groups, number)
    return own.sum(0), missed.sum(0)


def _own_and_missed(prediction: Prediction, groups: Tensor, number: int) -> tuple[Tensor, Tensor]:
    sums = _OwnAndMissed.apply(prediction.p_truth, prediction.p_wrong.detach(), groups, number)  # type: ignore[no-untyped-call]  # torch's
    return cast(tuple[Tensor, Tensor], sums)


def _elsewhere(values: Tensor, truth: Truth) -> Tensor:
    """(N, C): every class's sum of ``values`` (N, C, *spatial) over the voxels of the others."""
    return values.scatter(1, truth.labels.long().unsqueeze(1), 0.0).flatten(2).sum(2)


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


class _OwnAndMissed(torch.autograd.Function):
    """Sums (N, number) of p and of ``1 - p`` over the voxels of every group, in a fixed order on every device."""

    @staticmethod
    def forward(ctx: Any, p: Tensor, p_not: Tensor, groups: Tensor, number: int) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(groups)
        masks = [groups.flatten(1) == index for index in range(number)]
        own, missed = (
            torch.stack([torch.where(mask, values.flatten(1), 0).sum(1) for mask in masks], dim=1)
            for values in (p, p_not)
        )
        return own, missed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, own: Tensor, missed: Tensor) -> tuple[Tensor, None, None, None]:
        (groups,) = ctx.saved_tensors
        return (own - missed).gather(1, groups.flatten(1).long()).view(groups.shape), None, None, None
