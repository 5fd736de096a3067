import numpy as np
import pytest
import torch

from seglossbench.errors import InputError
from seglossbench.losses.diagnosis import can_mislead, diagnose, logit_gradient
from seglossbench.losses.region_wise import class_map
from seglossbench.maps import Truth

LABELS = np.random.default_rng(0).integers(0, 4, (2, 3, 4)).repeat(2, 1).repeat(2, 2)
TRUTH = Truth(LABELS, 4)
MAPS = ["boundary", "active_contour", "rectified"]


def misleads(p, z, labels):
    """Where the gradient at the probabilities ``p`` lowers the true class or raises a wrong one."""
    own = Truth(labels, z.shape[1]).one_hot(torch.bool)
    gradient = logit_gradient(p, z)
    return torch.where(own, gradient > 0, gradient < 0)


@pytest.mark.parametrize("name", ["active_contour", "rectified"])
def test_one_value_for_all_wrong_classes_never_misleads(name):
    diagnosis = diagnose(TRUTH, name)
    assert (diagnosis.pairs, diagnosis.voxels) == (0, 0)
    assert (diagnosis.by_class == 0).all()
    assert diagnosis.highest == 1
    assert diagnosis.lowest == -1


def test_the_boundary_map_can_raise_every_wrong_class_but_the_farthest():
    diagnosis = diagnose(TRUTH, "boundary")
    z = TRUTH.map("boundary")
    farthest = (z == z.amax(1, keepdim=True)).float().mean().item()
    assert diagnosis.pairs == pytest.approx(1 - 1 / 4 - farthest)  # nor can it lower the true class
    assert diagnosis.voxels > 0.9
    assert diagnosis.by_class.shape == (4,)
    assert diagnosis.by_class.mean() == pytest.approx(diagnosis.pairs)


def test_with_two_classes_no_map_misleads():
    assert diagnose(Truth(LABELS % 2, 2), "boundary").pairs == 0


def test_by_hand():
    """Truth 0; the map wants class 2 away more than class 1, and a wrong-signed one prefers class 1 to the truth."""
    labels = torch.zeros(1, 1, 2, dtype=torch.long)
    z = torch.tensor([[-1.0, 0.5], [1.0, -1.0], [3.0, 2.0]]).view(1, 3, 1, 2)
    expected = torch.tensor([[False, True], [True, True], [False, False]]).view(1, 3, 1, 2)
    assert torch.equal(can_mislead(z, labels), expected)
    p = torch.tensor([0.1, 0.1, 0.8]).view(1, 3, 1, 1).expand(1, 3, 1, 2)
    mean = 0.1 * -1 + 0.1 * 1 + 0.8 * 3
    torch.testing.assert_close(logit_gradient(p, z)[0, 1, 0, 0].item(), 0.1 * (1 - mean))
    actual = misleads(p, z, labels)
    assert actual[0, 1, 0, 0]  # class 1 is wrong, but less so than what the prediction believes: it is raised
    assert not actual[0, 2].any()


@pytest.mark.parametrize("name", MAPS)
def test_what_can_mislead_is_what_some_prediction_shows(name):
    """The criterion against a search: predictions that believe almost wholly in one class are enough."""
    z = class_map(TRUTH, name).double()
    found = torch.zeros_like(z, dtype=torch.bool)
    for believed in range(4):
        for other in range(4):
            logits = torch.zeros(4).double()
            logits[believed] += 40
            logits[other] += 20
            p = logits.softmax(0).view(1, 4, 1, 1).expand_as(z)
            found |= misleads(p, z, TRUTH.labels)
    assert torch.equal(found, can_mislead(z, TRUTH.labels))


@pytest.mark.parametrize("name", MAPS)
def test_the_gradient_is_that_of_the_loss(name):
    z = class_map(TRUTH, name)
    logits = torch.randn(z.shape, generator=torch.Generator().manual_seed(0), requires_grad=True)
    (logits.softmax(1) * z).sum().backward()
    torch.testing.assert_close(logits.grad, logit_gradient(logits.detach().softmax(1), z))


def test_shapes_that_do_not_fit_are_an_error():
    with pytest.raises(InputError, match=r"the map has shape \(2, 6, 8\), expected \(N, C, \*spatial\)"):
        can_mislead(TRUTH.rectified, TRUTH.labels)
