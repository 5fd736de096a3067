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

    Raises InputError when the shape of ``logits`` does not fit the truth's, or they are no floats,
    or one is of another type.
    """

    def __init__(self, logits: Tensor, truth: Truth) -> None:
        given: tuple[tuple[str, object, type], ...] = (("logits", logits, Tensor), ("truth", truth, Truth))
        for name, value, expected_type in given:
            if not isinstance(value, expected_type):
                found = type(value).__name__
                raise InputError(f"{name}: found {found}, expected a {expected_type.__name__}")
        batch, *spatial = truth.labels.shape
        expected = (batch, truth.num_classes, *spatial)
        if tuple(logits.shape) != expected:
            raise InputError(
                f"logits have shape {tuple(logits.shape)}, expected (N, C, *spatial) = {expected}"
            )
        if not logits.is_floating_point():
            raise InputError(f"logits have dtype {logits.dtype}, expected a floating-point type")
        # a network with channels last gives them so; sums over space are slower
        self.logits = logits.contiguous()
        self.dtype = torch.promote_types(logits.dtype, torch.float32)
        self._labels = truth.labels

    @cached_property
    def _by_truth(self) -> tuple[Tensor, Tensor]:
        values = _ByTruth.apply(self.logits, self._labels, self.dtype)  # type: ignore[no-untyped-call]  # torch's
        return cast(tuple[Tensor, Tensor], values)

    @property
    def log_p_truth(self) -> Tensor:
        """(N, *spatial): log-probability of the true class of every voxel."""
        return self._by_truth[0]

    @cached_property
    def p_truth(self) -> Tensor:
        """(N, *spatial): probability of the true class of every voxel."""
        return self.log_p_truth.exp()

    @cached_property
    def p_wrong(self) -> Tensor:
        """(N, *spatial): probability of all wrong classes, ``1 - p_truth`` without its rounding."""
        return _complement(self.p_truth, -torch.expm1(self.log_p_truth.detach()))

    @property
    def p_wrong_foreground(self) -> Tensor:
        """(N, *spatial): probability of all wrong classes but the background."""
        return self._by_truth[1]

    @cached_property
    def p(self) -> Tensor:
        """(N, C, *spatial): all probabilities; what needs no more than the above is cheaper without."""
        p = torch.softmax(self.logits, 1, dtype=self.dtype)
        return cast(Tensor, _FromSurestClass.apply(p))  # type: ignore[no-untyped-call]  # torch's

    @cached_property
    def p_not(self) -> Tensor:
        """(N, C, *spatial): of every class the probability of all others, ``1 - p`` without its rounding."""
        p = self.p.detach()
        sure = p > 0.5
        others = p.masked_fill(sure, 0).sum(1, keepdim=True)
        return _complement(self.p, torch.where(sure, others, 1 - p))


# A sure prediction has probabilities within float32's rounding of 1 (margins above 16 between its logits), and all
# that teaches the network is how far from 1 they are. So nothing here subtracts a probability near 1 from 1, or a sum
# from one that holds it: what is missing is added up from the other classes' probabilities, in the gradients, too.


def _complement(p: Tensor, value: Tensor) -> Tensor:
    return cast(Tensor, _Complement.apply(p, value))  # type: ignore[no-untyped-call]  # torch's


class _ByTruth(torch.autograd.Function):
    """The log-probability of the true class, and the probability of all wrong foreground classes, per voxel.

    With p, r and q the probabilities of the true class, of the background where it is wrong, and of all other classes
    together, and upstream gradients t and g of log p and q, the gradient by the logit is ``t (r + q) - g p q`` for the
    true class, ``-r (t + g q)`` for the wrong background and ``p_j (g (p + r) - t)`` for another class j.
    It is built by comparison with the labels: the gradient of a gather would add up in no fixed order on a GPU.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, labels: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        log_p = torch.log_softmax(logits, 1, dtype=dtype)
        own = labels.long().unsqueeze(1)
        log_p_truth = log_p.gather(1, own).squeeze(1)
        wrong = log_p.exp_().scatter_(1, own, 0.0)  # what a gradient needs; the logarithms are used up
        wrong_foreground = wrong[:, 1:].sum(1)
        near_1 = torch.log1p(-(wrong[:, 0] + wrong_foreground))
        log_p_truth = torch.where(log_p_truth > -0.5, near_1, log_p_truth)
        ctx.save_for_backward(wrong, wrong_foreground, log_p_truth, labels)
        ctx.dtype = logits.dtype
        return log_p_truth, wrong_foreground

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, t: Tensor | None, g: Tensor | None) -> tuple[Tensor, None, None]:
        wrong, wrong_foreground, log_p_truth, labels = ctx.saved_tensors
        wrong_background = wrong[:, 0]
        t = torch.zeros_like(log_p_truth) if t is None else t
        own = t * (wrong_background + wrong_foreground)
        if g is None:
            grad = wrong * -t.unsqueeze(1)
        else:
            p_truth = log_p_truth.exp()
            own -= p_truth * (g * wrong_foreground)
            grad = torch.empty_like(wrong)
            torch.mul(wrong_background, -torch.addcmul(t, g, wrong_foreground), out=grad[:, 0])
            others = torch.addcmul(-t, g, p_truth + wrong_background)
            torch.mul(wrong[:, 1:], others.unsqueeze(1), out=grad[:, 1:])
        torch.where(is_own_class(labels, grad.shape[1]), own.unsqueeze(1), grad, out=grad)
        return grad.to(ctx.dtype), None, None


class _FromSurestClass(torch.autograd.Function):
    """Probabilities (N, C, *spatial) as they are, whose gradients are counted from that of the surest class.

    A number added to all gradients g of a voxel changes nothing behind the softmax, ``p_j (g_j - sum_k p_k g_k)``. For
    a class whose probability is near 1, this is the difference of two nearly equal numbers, unless its own g is 0.
    """

    @staticmethod
    def forward(ctx: Any, p: Tensor) -> Tensor:
        ctx.save_for_backward(p)
        return p.view_as(p)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (p,) = ctx.saved_tensors
        of_surest = torch.where(p > 0.5, grad, 0)
        return torch.sub(grad, of_surest.sum(1, keepdim=True), out=of_surest)


class _Complement(torch.autograd.Function):
    """``1 - p``, of which a more exact value is known."""

    @staticmethod
    def forward(ctx: Any, p: Tensor, value: Tensor) -> Tensor:
        return value

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return -grad, None
