"""Cross-entropy with its first polynomial coefficient changed (Leng et al., PolyLoss, ICLR 2022)."""

from seglossbench.losses import register


@register("poly1")
def poly1(prediction, truth, *, epsilon: float = 1.0):
    """Cross-entropy plus epsilon times the true class's missing probability (Poly-1)."""
    return (-prediction.log_p_truth + epsilon * prediction.p_wrong).mean()
