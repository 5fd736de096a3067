import pytest
import torch

from seglossbench import losses
from seglossbench.losses import scale_weights, supervised_terms
from seglossbench.maps import Truth
from seglossbench.networks import build


def test_every_scale_weighs_half_of_the_one_before():
    assert scale_weights(3) == pytest.approx([4 / 7, 2 / 7, 1 / 7])
    assert scale_weights(1) == [1]


@pytest.fixture
def truth():
    labels = torch.zeros(2, 8, 8, dtype=torch.uint8)
    labels[:, 1:6, 2:7] = 1
    labels[0, 3:5, 3:5] = 2
    return Truth(labels, 3)


def test_the_sum_over_scales_is_as_by_hand(truth):
    generator = torch.Generator().manual_seed(0)
    scales = [torch.randn(2, 3, size, size, generator=generator) for size in (8, 4)]
    loss = losses.build({"ce": 1.0, "rrw": 0.5, "cw_ce": 1.0})
    terms = supervised_terms(loss, scales, truth, epoch=3)
    # The truth of the coarser scale by hand: every other voxel, its maps made anew.
    coarse = Truth(truth.labels[:, 1::2, 1::2], 3)
    for name in ("ce", "rrw", "cw_ce"):
        expected = 2 / 3 * loss.terms(scales[0], truth)[name] + 1 / 3 * loss.terms(scales[1], coarse)[name]
        assert terms[name].item() == pytest.approx(expected.item(), rel=1e-6)


def test_maps_of_the_whole_volume_are_sampled_for_a_coarser_scale(truth):
    given = torch.rand(2, 8, 8, generator=torch.Generator().manual_seed(0))
    scales = [torch.zeros(2, 3, 8, 8), torch.zeros(2, 3, 4, 4)]
    terms = supervised_terms(losses.build({"rrw": 1.0}), scales, Truth(truth.labels, 3, rectified=given))
    # With equal probabilities the loss is (1 - mean(1 + d) / 3) / 3.
    by_hand = [(1 - (1 + part.mean().item()) / 3) / 3 for part in (given, given[:, 1::2, 1::2])]
    assert terms["rrw"].item() == pytest.approx(2 / 3 * by_hand[0] + 1 / 3 * by_hand[1], rel=1e-5)


def test_one_output_is_the_loss_itself(truth):
    logits = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    loss = losses.build({"dice": 1.0})
    assert supervised_terms(loss, logits, truth)["dice"] == loss.terms(logits, truth)["dice"]


@pytest.mark.parametrize("architecture", ["DynUNet", "SegResNetDS"])
def test_gradients_reach_the_heads(architecture):
    options = {
        "DynUNet": {"filters": [4, 8, 8]},
        "SegResNetDS": {"init_filters": 4, "blocks_down": [1, 1, 1]},
    }
    network = build(
        "x",
        {"architecture": architecture, "deep_supervision": 1, **options[architecture]},
        patch_size=(8, 8),
        in_channels=1,
        out_channels=3,
        seed=0,
    )
    labels = torch.zeros(1, 8, 8, dtype=torch.uint8)
    labels[:, 2:6] = 1
    terms = supervised_terms(losses.build({"ce": 1.0}), network(torch.rand(1, 1, 8, 8)), Truth(labels, 3))
    terms["ce"].backward()
    missing = [name for name, weight in network.named_parameters() if weight.grad is None]
    assert missing == []
