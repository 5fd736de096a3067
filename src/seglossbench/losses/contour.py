"""Paper A's contour-weighted losses, as released and as printed."""

from typing import Literal

import torch
from torch import Tensor

from seglossbench.losses.prediction import Prediction
from seglossbench.losses.terms import register
from seglossbench.maps import Truth

Form = Literal["released", "printed"]


@register("cw_ce", maps=["contour"])
def contour_weighted_ce(
    prediction: Prediction, truth: Truth, *, contour_weight: float = 2.0, form: Form = "released"
) -> Tensor:
    """Mean over voxels of cross-entropy times ``contour_weight * u + 1``; released: and plain cross-entropy added.

    u is 1 on the contour of any class, background included.
    """
    elsewhere = 1.0 if form == "printed" else 2.0
    weight = torch.where(truth.contour != 0, elsewhere + contour_weight, elsewhere)
    return -(weight * prediction.log_p_truth).mean()


@register("separable_dice", maps=["contour"], reduction="pooled")
def separable_dice(
    prediction: Prediction,
    truth: Truth,
    *,
    contour_weight: float = 0.5,
    smooth: float = 1e-3,
    form: Form = "released",
) -> Tensor:
    """Dice losses of the contours and of the rest, each pooled over foreground classes and batch.

    The contour part sums over the (class, voxel) pairs whose voxel is on the contour of that class, the rest over
    all other foreground pairs, so that three numbers are enough: the probability of the true class on foreground
    contours and on other foreground voxels, and all the foreground's probability, ``1 - p_0``.
    Released: the sum of both. Printed: ``contour_weight * contour + (1 - contour_weight) * rest``.
    """
    foreground = truth.labels != 0
    on_contour = foreground & (truth.contour != 0)
    own_contour = (prediction.p_truth * on_contour).sum()
    own_rest = (prediction.p_truth * (foreground & ~on_contour)).sum()
    predicted_rest = prediction.p_foreground.sum() - own_contour
    true_contour = on_contour.sum()
    true_rest = foreground.sum() - true_contour
    contour = 1 - (2 * own_contour + smooth) / (own_contour + true_contour + smooth)
    rest = 1 - (2 * own_rest + smooth) / (predicted_rest + true_rest + smooth)
    if form == "printed":
        return contour_weight * contour + (1 - contour_weight) * rest
    return contour + rest
