"""The terms against torch, MONAI, their formulas written out, and values worked out by hand."""

import math

import numpy as np
import pytest
import torch
from monai import losses as monai_losses
from torch.nn import functional

from seglossbench.losses import build
from seglossbench.losses.distance import edge_distances
from seglossbench.losses.region_wise import class_map
from seglossbench.maps import Truth

LABELS = np.random.default_rng(0).integers(0, 4, (2, 5, 6, 4)).astype(np.uint8)
TRUTH = Truth(LABELS, 4)
TARGET = torch.from_numpy(LABELS).long()
LOGITS = 2 * torch.randn(2, 4, 5, 6, 4, generator=torch.Generator().manual_seed(0))
P = LOGITS.softmax(1)
Y = functional.one_hot(TARGET, 4).movedim(-1, 1).float()


def value(name, logits=LOGITS, truth=TRUTH, **parameters):
    return build({name: parameters})(logits, truth)


def monai(loss, **options):
    return loss(softmax=True, to_onehot_y=True, **options)(LOGITS, TARGET[:, None])


@pytest.mark.parametrize(
    ("name", "parameters", "expected"),
    [
        ("ce", {}, lambda: functional.cross_entropy(LOGITS, TARGET)),
        (
            "weighted_ce",
            {"weights": [1, 2, 0, 3]},
            lambda: functional.cross_entropy(LOGITS, TARGET, weight=torch.tensor([1.0, 2, 0, 3])),
        ),
        (
            "weighted_ce",
            {},
            lambda: functional.cross_entropy(LOGITS, TARGET, weight=1 / Y.mean(dim=(0, 2, 3, 4))),
        ),
        ("focal", {"gamma": 3.0}, lambda: ((1 - (P * Y).sum(1)) ** 3 * -(P * Y).sum(1).log()).mean()),
        (
            "top_k_ce",
            {},
            lambda: functional.cross_entropy(LOGITS, TARGET, reduction="none").flatten().topk(24)[0].mean(),
        ),
        ("dice", {}, lambda: monai(monai_losses.DiceLoss, smooth_nr=0, smooth_dr=1e-6)),
        (
            "dice",
            {"background": False},
            lambda: monai(monai_losses.DiceLoss, smooth_nr=0, smooth_dr=1e-6, include_background=False),
        ),
        (
            "tversky",
            {"alpha": 0.2, "beta": 0.9},
            lambda: monai(monai_losses.TverskyLoss, alpha=0.2, beta=0.9, include_background=False),
        ),
        ("mcc", {}, lambda: monai(monai_losses.MCCLoss)),
        ("hausdorff_dt", {}, lambda: monai_losses.HausdorffDTLoss()(P, Y)),
        (
            "log_hausdorff_dt",
            {"alpha": 1.5},
            lambda: monai_losses.LogHausdorffDTLoss(1.5, reduction="none")(P, Y).mean(),
        ),
        ("rrw", {}, lambda: (P * class_map(TRUTH, "rectified")).mean()),
        ("boundary", {}, lambda: (P * class_map(TRUTH, "boundary")).mean()),
        ("region_wise", {"map": "active_contour"}, lambda: (P * (1 - 2 * Y)).mean()),
        ("region_wise", {"map": "boundary"}, lambda: (P * TRUTH.map("boundary")).mean()),
    ],
)
def test_equals_torch_or_monai_or_the_formula(name, parameters, expected):
    torch.testing.assert_close(value(name, **parameters), expected(), rtol=2e-6, atol=1e-6)


def test_class_map_is_minus_d_inside_and_1_outside():
    z = class_map(TRUTH, "rectified")
    torch.testing.assert_close((z * Y).sum(1), -TRUTH.rectified)
    assert (z[Y == 0] == 1).all()


def dice_pair_by_pair(logits=LOGITS, truth=TRUTH, smooth=1e-3):
    """Dice losses of all foreground (class, voxel) pairs, of those on contours, and of the rest, written out."""
    p, y = logits.softmax(1)[:, 1:], truth.one_hot(logits.dtype)[:, 1:]
    on_contour = y * truth.contour[:, None]
    parts = []
    for pairs in (torch.ones_like(y), on_contour, 1 - on_contour):
        both, either = (p * y * pairs).sum(), ((p + y) * pairs).sum()
        parts.append(1 - (2 * both + smooth) / (either + smooth))
    return parts


def test_pooled_and_separable_dice_are_sums_over_pairs():
    pooled, contour, rest = dice_pair_by_pair()
    torch.testing.assert_close(value("dice_pooled"), pooled)
    torch.testing.assert_close(value("separable_dice"), contour + rest)
    printed = value("separable_dice", form="printed", contour_weight=0.7)
    torch.testing.assert_close(printed, 0.7 * contour + 0.3 * rest)


@pytest.mark.parametrize(
    ("shape", "foreground", "margin"),
    [
        ((96, 96, 96), [], 20),
        ((40, 40, 40), [(slice(10, 12),), (slice(None), slice(30, 32))], 20),
        ((512, 512), [(100,), (slice(None), 300)], 18),
    ],
    ids=["empty", "sheets", "lines"],
)
def test_pooled_dice_of_a_sure_background(shape, foreground, margin):
    """So little foreground probability is left that it must not be what is missing of the background's to 1."""
    labels = np.zeros((1, *shape), np.uint8)
    for place in foreground:
        labels[0][place] = 1
    truth = Truth(labels, 2)
    sure = torch.randn(1, 2, *shape, generator=torch.Generator().manual_seed(0))
    sure[:, 0] += margin
    for prediction in (sure, torch.where(truth.labels[:, None] == 1, sure.flip(1), sure)):
        single, double = prediction.clone().requires_grad_(), prediction.double().requires_grad_()
        pooled, contour, rest = dice_pair_by_pair(double, truth)
        for name, expected in {"dice_pooled": pooled, "separable_dice": contour + rest}.items():
            actual = value(name, single, truth)
            torch.testing.assert_close(actual.double(), expected, rtol=1e-5, atol=1e-6)
            (ours,), (wanted,) = (
                torch.autograd.grad(loss, leaf, retain_graph=True)
                for loss, leaf in ((actual, single), (expected, double))
            )
            assert (ours - wanted).abs().max() <= 1e-5 * wanted.abs().max()


@pytest.mark.parametrize("shape", [(33, 40), (17, 16, 24)])
def test_distances_of_the_hausdorff_losses_are_monais(shape):
    generator = np.random.default_rng(0)
    masks = torch.from_numpy(
        generator.random((2, 4, *shape)) < np.array([[0.01, 0.5, 0.99, 0]]).reshape(1, 4, *[1] * len(shape))
    )
    masks[0, 3] = True
    expected = [monai_losses.HausdorffDTLoss().distance_field(masks[:, [i]].float()) for i in range(4)]
    assert torch.equal(edge_distances(masks), torch.cat(expected, dim=1))


def test_contour_weighted_ce_as_released_and_as_printed():
    losses = functional.cross_entropy(LOGITS, TARGET, reduction="none")
    contour = TRUTH.contour
    torch.testing.assert_close(value("cw_ce"), ((2 * contour + 1) * losses).mean() + losses.mean())
    printed = value("cw_ce", form="printed", contour_weight=5.0)
    torch.testing.assert_close(printed, ((5 * contour + 1) * losses).mean())


def test_top_k_shares_places_between_equally_hard_voxels():
    logits = torch.zeros(1, 2, 4, 5)
    # two voxels are wrong, 18 are undecided; the hardest 25 % are the two and three of 18
    logits[0, 1, 0, :2] = 3.0
    truth = Truth(np.zeros((1, 4, 5), int), 2)
    logits.requires_grad_()
    loss = value("top_k_ce", logits, truth, percent=25)
    loss.backward()
    hard, tied = math.log1p(math.exp(3)), math.log(2)
    torch.testing.assert_close(loss.item(), (2 * hard + 3 * tied) / 5)
    torch.testing.assert_close(logits.grad[0, 1, 3, 3].item(), 0.5 * (3 / 18) / 5)


def test_a_uniform_prediction_by_hand():
    """Of 2 x 2 voxels in two classes, one voxel is foreground; p is 1/2 everywhere."""
    truth = Truth(np.array([[[1, 0], [0, 0]]]), 2)
    logits = torch.zeros(1, 2, 2, 2)
    assert value("ce", logits, truth).item() == pytest.approx(math.log(2))
    assert value("dice", logits, truth).item() == pytest.approx(1 - (2 * 1.5 / 5 + 2 * 0.5 / 3) / 2)
    assert value("dice_pooled", logits, truth, smooth=0.0).item() == pytest.approx(1 - 2 * 0.5 / 3)
    assert value("generalised_dice", logits, truth, smooth=0.0).item() == pytest.approx(1 - 2 * 0.5 / 3)
    # d of the foreground voxel is 1; of the background's, 1 and 1 beside it over their largest, sqrt 2 across
    d = [1, 1 / math.sqrt(2), 1 / math.sqrt(2), 1]
    assert value("rrw", logits, truth).item() == pytest.approx(sum(1 - 0.5 * (1 + x) for x in d) / 8)
    # every voxel lies on a contour: cross-entropy counts 3 + 1 times; no foreground pair is left for the rest but three
    assert value("cw_ce", logits, truth).item() == pytest.approx(4 * math.log(2))
    assert value("separable_dice", logits, truth, smooth=0.0).item() == pytest.approx(1 - 2 * 0.5 / 1.5 + 1)


def test_perfect_and_worst_predictions_by_hand():
    sure = 100 * (2 * Y - 1)
    for name, best in {"ce": 0, "focal": 0, "dice": 0, "tversky": 0, "mcc": 0, "separable_dice": 0}.items():
        assert value(name, sure).item() == pytest.approx(best, abs=1e-5)
    assert value("rrw", sure).item() == pytest.approx(-TRUTH.rectified.mean().item() / 4)
    assert value("region_wise", sure, map="active_contour").item() == pytest.approx(-1 / 4)
    assert value("rrw", -sure).item() == pytest.approx(1 / 4)
