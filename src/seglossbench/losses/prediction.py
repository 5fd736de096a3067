"""A network's output as the losses see it: softmax quantities that several terms share are computed once."""

from functools import cached_property
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from seglossbench.errors import InputError
from seglossbench.maps import Truth
from seglossbench.maps.truth import is_own_class


class Prediction:
    """The logits (N, C, *spatial) of a batch, and probabilities of them, in float32 or better, when asked for.

    Raises InputError when the shape of ``logits`` does not fit the truth's, or they are no floating-point numbers.
    """

    def __init__(self, logits: Tensor, truth: Truth) -> None:
        batch, *spatial = truth.labels.shape
        expected = (batch, truth.num_classes, *spatial)
        if tuple(logits.shape) != expected:
            raise InputError(
                f"logits have shape {tuple(logits.shape)}, expected (N, C, *spatial) = {expected}"
            )
        if not logits.is_floating_point():
            raise InputError(f"logits have dtype {logits.dtype}, expected a floating-point type")
        self.logits = (
            logits.contiguous()
        )  # a network with channels last gives them so; sums over space are slower
        self.dtype = torch.promote_types(logits.dtype, torch.float32)
        self._labels = truth.labels

    @cached_property
    def _log_p(self) -> tuple[Tensor, Tensor]:
        log_p = _LogProbabilities.apply(self.logits, self._labels, self.dtype)  # type: ignore[no-untyped-call]  # torch's
        return cast(tuple[Tensor, Tensor], log_p)

    @property
    def log_p_truth(self) -> Tensor:
        """(N, *spatial): log-probability of the true class of every voxel."""
        return self._log_p[0]

    @property
    def log_p_background(self) -> Tensor:
        """(N, *spatial): log-probability of class 0."""
        return self._log_p[1]

    @cached_property
    def p_truth(self) -> Tensor:
        """(N, *spatial): probability of the true class of every voxel."""
        return self.log_p_truth.exp()

    @cached_property
    def p_foreground(self) -> Tensor:
        """(N, *spatial): probability of all classes but the background, ``1 - p_0``."""
        return -torch.expm1(self.log_p_background)

    @cached_property
    def p(self) -> Tensor:
        """(N, C, *spatial): all probabilities; what needs the true class's and the background's only is cheaper."""
        return torch.softmax(self.logits, 1, dtype=self.dtype)


class _LogProbabilities(torch.autograd.Function):
    """Log-softmax of two classes per voxel, the true one and the background.

    With upstream gradients g of the truth and b of the background, the gradient of class j's logit is
    ``g [j = y] + b [j = 0] - (g + b) p_j``. It is built in place and by comparison with the labels: the gradient of
    a gather would add up in no fixed order on a GPU, and cost a second tensor as large as the logits.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, labels: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        log_p = torch.log_softmax(logits, 1, dtype=dtype)
        log_p_truth = log_p.gather(1, labels.long().unsqueeze(1)).squeeze(1)
        log_p_background = log_p[:, 0].clone()
        ctx.save_for_backward(log_p, log_p_truth, labels)
        ctx.dtype = logits.dtype
        return log_p_truth, log_p_background

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_truth: Tensor, grad_background: Tensor) -> tuple[Tensor, None, None]:
        log_p, log_p_truth, labels = ctx.saved_tensors
        total = grad_truth + grad_background
        grad = log_p.exp().mul_(-total.unsqueeze(1))
        own = is_own_class(labels, grad.shape[1])
        torch.where(own, (grad_truth - total * log_p_truth.exp()).unsqueeze(1), grad, out=grad)
        grad[:, 0] += grad_background
        return grad.to(ctx.dtype), None, None
