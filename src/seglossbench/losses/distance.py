"""Losses of distances: distance-penalised Dice, and the Hausdorff losses."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from seglossbench.losses.prediction import Prediction
from seglossbench.losses.region import share
from seglossbench.losses.terms import register
from seglossbench.maps import Truth
from seglossbench.maps.distance import inside_distance


@register("distmap_dice", maps=["distance_penalty"])
def distance_penalised_dice(prediction: Prediction, truth: Truth, *, smooth: float = 1e-5) -> Tensor:
    """Dice with the overlap weighted by the distance penalty w, every class against the background alone.

    Paper A's baseline as released: p_c is the softmax over {0, c} and not over all classes. The mean over samples
    and foreground classes of ``1 - (2 sum(w p_c y_c) + smooth) / (sum(p_c) + sum(y_c) + smooth)``.
    """
    excess_weight = truth.map("distance_penalty").flatten(1) - 1
    labels = truth.labels.flatten(1)
    background, *foreground = prediction.logits.to(prediction.dtype).flatten(2).unbind(1)
    losses = []
    for index, logits in enumerate(foreground, start=1):
        margin, is_own = logits - background, labels == index
        p, p_not = _TwoClasses.apply(margin)  # type: ignore[no-untyped-call]  # torch's
        own, missed, false = (p * is_own).sum(1), (p_not * is_own).sum(1), (p * ~is_own).sum(1)
        excess = (p * (excess_weight * is_own)).sum(1)
        gain = 2 * excess / (2 * own + missed + false + smooth)
        losses.append(share(missed + false, 2 * own + smooth) - gain)
    return torch.stack(losses).mean()


class _TwoClasses(torch.autograd.Function):
    """``sigmoid(margin)`` and ``1 - sigmoid(margin)``, neither they nor their gradients rounded away near 0 or 1."""

    @staticmethod
    def forward(ctx: Any, margin: Tensor) -> tuple[Tensor, Tensor]:
        p, p_not = torch.sigmoid(margin), torch.sigmoid(-margin)
        ctx.save_for_backward(p, p_not)
        return p, p_not

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, grad_not: Tensor) -> Tensor:
        p, p_not = ctx.saved_tensors
        gradient: Tensor = (grad - grad_not) * (p * p_not)
        return gradient


@register("hausdorff_dt", on_host=True)
def hausdorff_dt(prediction: Prediction, truth: Truth, *, alpha: float = 2.0) -> Tensor:
    """Squared errors, weighted by distances to the edges of truth and prediction (Karimi et al. 2019), as in MONAI.

    The mean over samples and foreground classes. For its distances the prediction goes to the host in every step.
    """
    return _hausdorff(prediction, truth, alpha).mean()


@register("log_hausdorff_dt", on_host=True)
def log_hausdorff_dt(prediction: Prediction, truth: Truth, *, alpha: float = 2.0) -> Tensor:
    """Mean over samples and foreground classes of ``log(1 + h)``, with the h whose mean is ``hausdorff_dt``."""
    return torch.log1p(_hausdorff(prediction, truth, alpha)).mean()


def _hausdorff(prediction: Prediction, truth: Truth, alpha: float) -> Tensor:
    """(N, C - 1): of each foreground class, the mean over voxels of its weighted squared errors.

    MONAI's own class is of no use: its gradient adds up in no fixed order on a GPU, its transforms take four times as
    long, and the distances of an integer truth are truncated.
    """
    is_own = truth.one_hot(torch.bool)[:, 1:]
    errors = torch.where(is_own, prediction.p_not[:, 1:], prediction.p[:, 1:])
    with torch.no_grad():
        weight = edge_distances(prediction.p[:, 1:] > 0.5) ** alpha + edge_distances(is_own) ** alpha
    return (errors**2 * weight).flatten(2).mean(2)


def edge_distances(masks: Tensor) -> Tensor:
    """The distance in voxels to the nearest one across the mask's edge, 0 for a mask without; (N, C, *spatial) both."""
    volumes = masks.cpu().numpy()
    distances = np.zeros(volumes.shape, np.float32)
    for place in np.ndindex(*volumes.shape[:2]):
        mask = volumes[place]
        if mask.any() and not mask.all():
            distances[place] = inside_distance(mask.view(np.uint8))
    return torch.from_numpy(distances).to(masks.device)
