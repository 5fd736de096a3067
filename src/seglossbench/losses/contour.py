"""Paper A's contour-weighted losses, as released and as printed."""

from typing import Literal

import torch
from torch import Tensor

from seglossbench.losses.prediction import Prediction
from seglossbench.losses.region import pooled, share
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
    all other foreground pairs. So the contour holds but the voxels' true class, and the probability of all wrong
    foreground classes, wherever they are, belongs to the rest.
    Released: the sum of both. Printed: ``contour_weight * contour + (1 - contour_weight) * rest``.
    """
    # 1 on contours, 2 elsewhere in the foreground
    groups = (truth.labels != 0) * (2 - (truth.contour != 0).byte())
    (_, own, own_rest), (_, missed, missed_rest) = pooled(prediction, groups, 3)
    contour = share(missed, 2 * own + smooth)
    rest = share(missed_rest + prediction.p_wrong_foreground.sum(), 2 * own_rest + smooth)
    if form == "printed":
        return contour_weight * contour + (1 - contour_weight) * rest
    return contour + rest
