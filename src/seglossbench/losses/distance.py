"""Losses of distances: distance-penalised Dice, and the Hausdorff losses by MONAI's distance transforms."""

import torch
from torch import Tensor

from seglossbench.losses.prediction import Prediction
from seglossbench.losses.terms import register
from seglossbench.maps import Truth


@register("distmap_dice", maps=["distance_penalty"])
def distance_penalised_dice(prediction: Prediction, truth: Truth, *, smooth: float = 1e-5) -> Tensor:
    """Dice with the overlap weighted by the distance penalty w, every class against the background alone.

    Paper A's baseline as released: p_c is the softmax over {0, c} and not over all classes. The mean over samples
    and foreground classes of ``1 - (2 sum(w p_c y_c) + smooth) / (sum(p_c) + sum(y_c) + smooth)``.
    """
    penalty = truth.map("distance_penalty").flatten(1)
    labels = truth.labels.flatten(1)
    logits = prediction.logits.to(prediction.dtype)
    dices = []
    for index in range(1, truth.num_classes):
        p = torch.sigmoid(logits[:, index] - logits[:, 0]).flatten(1)
        own = labels == index
        dices.append((2 * (p * penalty * own).sum(1) + smooth) / (p.sum(1) + own.sum(1) + smooth))
    return 1 - torch.stack(dices).mean()


@register("hausdorff_dt", on_host=True)
def hausdorff_dt(prediction: Prediction, truth: Truth, *, alpha: float = 2.0) -> Tensor:
    """Squared errors, weighted by distances to the edges of truth and prediction (Karimi et al. 2019).

    The mean over samples and foreground classes, of MONAI's distances, for which the prediction goes to the host in
    every step.
    """
    return _hausdorff(prediction, truth, alpha).mean()


@register("log_hausdorff_dt", on_host=True)
def log_hausdorff_dt(prediction: Prediction, truth: Truth, *, alpha: float = 2.0) -> Tensor:
    """Mean over samples and foreground classes of ``log(1 + h)``, with the h whose mean is ``hausdorff_dt``."""
    return torch.log1p(_hausdorff(prediction, truth, alpha)).mean()


def _hausdorff(prediction: Prediction, truth: Truth, alpha: float) -> Tensor:
    """(N, C - 1): of each foreground class, the mean over voxels of its weighted squared errors.

    MONAI's own class is of no use in its whole: its gradient adds up in no fixed order on a GPU. Given an integer
    truth, it would truncate distances.
    """
    from monai.losses import HausdorffDTLoss  # takes seconds, which a job with other losses need not wait

    distances = HausdorffDTLoss().distance_field
    p, own = prediction.p[:, 1:], truth.one_hot(prediction.dtype)[:, 1:]
    with torch.no_grad():
        weight = torch.cat(
            [
                distances(p[:, [index]]) ** alpha + distances(own[:, [index]]) ** alpha
                for index in range(p.shape[1])
            ],
            dim=1,
        )
    return ((p - own) ** 2 * weight).flatten(2).mean(2)
