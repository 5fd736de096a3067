"""The loss of a network that has outputs at several scales."""

from collections.abc import Sequence

from torch import Tensor

from seglossbench.losses.loss import Loss
from seglossbench.maps import Truth

Logits = Tensor | Sequence[Tensor]


def scale_weights(scales: int) -> list[float]:
    """The weight of each scale, finest first: every one half of the one before, together 1 (nnU-Net)."""
    halves = [2.0**-scale for scale in range(scales)]
    return [weight / sum(halves) for weight in halves]


def supervised_terms(loss: Loss, logits: Logits, truth: Truth, epoch: int = 0) -> dict[str, Tensor]:
    """As ``loss.terms``; where ``logits`` are several, finest first, the weighted sum over their scales.

    The truth of a coarser scale is ``truth.at_scale``: its maps are made for it, or sampled where they were given.
    """
    if isinstance(logits, Tensor):
        return loss.terms(logits, truth, epoch)
    total: dict[str, Tensor] = {}
    for scale, weight in zip(logits, scale_weights(len(logits)), strict=True):
        shape = scale.shape[2:]
        here = truth if shape == truth.labels.shape[1:] else truth.at_scale(shape)
        for name, value in loss.terms(scale, here, epoch).items():
            total[name] = total[name] + weight * value if name in total else weight * value
    return total
