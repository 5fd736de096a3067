"""What every loss must do, whoever wrote it: all in TERMS, their variants, the papers' compounds, one of a user."""

import pytest
import torch

from seglossbench.conformance import losses
from seglossbench.losses import LOSSES, TERMS, Loss, Term, build, register
from seglossbench.losses.loss import Weight

VARIANTS = {
    "cw_ce printed": {"cw_ce": {"form": "printed"}},
    "separable_dice printed": {"separable_dice": {"form": "printed"}},
    "region_wise boundary": {"region_wise": {"map": "boundary"}},
    "region_wise active_contour": {"region_wise": {"map": "active_contour"}},
    "dice foreground": {"dice": {"background": False}},
    "focal gamma 0": {"focal": {"gamma": 0}},
    "weighted_ce given": {"weighted_ce": {"weights": [0.5, 2.0, 2.0]}},
}


@register("a_users_loss", maps=["rectified"])
def a_users_loss(prediction, truth, *, power: float = 1.5):
    """An example of what a user may add: errors weigh more at the heart of a class."""
    return (prediction.p_wrong**2 * truth.rectified**power).mean()


SPECS = {name: {name: 1.0} for name in TERMS} | VARIANTS | {name: LOSSES.load(name) for name in LOSSES.own}


@pytest.fixture(params=SPECS, ids=str)
def loss(request):
    return build(SPECS[request.param])


@pytest.mark.parametrize("check", losses.CHECKS, ids=lambda check: check.__name__)
def test_every_loss_passes(loss, check):
    check(loss)


def test_only_the_hausdorff_losses_may_work_on_the_host():
    assert {name for name in TERMS if build(name).weighted_terms[0][1].on_host} == {
        "hausdorff_dt",
        "log_hausdorff_dt",
    }


def test_the_suite_sees_what_is_wrong():
    """Each of these breaks one rule above; the rule's test has to fail."""

    def as_loss(function):
        return Loss(((Weight(1.0, 1.0), Term("bad", function)),))

    host_copy = as_loss(
        lambda prediction, truth: prediction.p_truth.mean() * float(prediction.p_truth.max() > 2)
    )
    with pytest.raises((RuntimeError, NotImplementedError)):
        losses.no_step_waits_for_a_gpu(host_copy)
    from_host = as_loss(
        lambda prediction, truth: prediction.p_truth.mean() * prediction.p.new_tensor([1, 2])[0]
    )
    with pytest.raises(AssertionError, match="copies between host and device"):
        losses.no_step_waits_for_a_gpu(from_host)
    index_targets = as_loss(
        lambda prediction, truth: torch.nn.functional.cross_entropy(prediction.logits, truth.labels.long())
    )
    with pytest.raises(AssertionError):
        losses.no_operation_that_is_non_deterministic_on_cuda(index_targets)
    gathered = as_loss(lambda prediction, truth: -prediction.p.gather(1, truth.labels.long()[:, None]).mean())
    with pytest.raises(AssertionError):
        losses.no_operation_that_is_non_deterministic_on_cuda(gathered)
    first_class = as_loss(lambda prediction, truth: -prediction.p[:, 1].mean())
    with pytest.raises(AssertionError):
        losses.renaming_foreground_classes_renames_the_gradient(first_class)
    rounded = as_loss(lambda prediction, truth: (1 - prediction.p_truth).square().mean())
    with pytest.raises(AssertionError):
        losses.single_precision_is_enough_where_the_prediction_is_sure(rounded)
    summed = as_loss(lambda prediction, truth: -prediction.log_p_truth.sum())
    with pytest.raises(AssertionError):
        losses.a_batch_is_the_mean_of_its_samples_or_one_volume(summed)
    detached = as_loss(
        lambda prediction, truth: (prediction.p_truth * prediction.log_p_truth.detach()).mean()
    )
    with pytest.raises(RuntimeError):
        losses.gradient_is_the_derivative(detached)
