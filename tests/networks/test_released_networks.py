"""The networks of the papers' releases: weights to the last, gradients, and what is ours in place of a fault."""

import pytest
import torch
from torch.nn import functional
from torch.nn.utils import parametrize

from seglossbench import networks
from seglossbench.networks.nnunet_planned import planned_strides
from seglossbench.networks.pdanet import gaussian
from seglossbench.networks.resampling import max_pooled, resized
from seglossbench.networks.window_attention import WindowAttention, position_index

PATCHES = {  # small ones that each takes
    "u_net_a": (24, 16, 8),
    "pdanet": (48, 32, 16),
    "pdanet_released": (24, 16, 8),
    "deeplab_v3_plus": (21, 30, 17),
    "slim_unetr": (64, 32, 32),
    "nn_former": (64, 64, 32),
    "ux_net_3d": (48, 32, 16),
    "rep_ux_net": (48, 32, 16),
    "med_next": (48, 32, 16),
    "nnunet_planned": (24, 16, 8),
}
COUNTS = {  # for 4 channels and 4 classes, and for 1 and 16
    "u_net_a": (1_871_332, 1_869_328),
    "pdanet": (61_347_812, 61_345_616),
    "pdanet_released": (61_347_812 - 57_289_824, 61_345_616 - 57_289_824),
    "deeplab_v3_plus": (7_208_204 - 957_800, 7_208_888 - 957_800),  # without what is never called
    "slim_unetr": (1_288_100, 1_301_960),
    "nn_former": (84_282_508, 84_331_984),
    "ux_net_3d": (53_059_444, 53_006_608),
    "rep_ux_net": (54_462_004, 54_409_168),
    "med_next": (5_551_077 - 1, 5_551_377 - 1),  # without the dummy
}


def build(architecture, patch=None, channels=2, classes=3, **options):
    return networks.build(
        architecture,
        {"size": "small", **options},
        patch_size=patch or PATCHES[architecture],
        in_channels=channels,
        out_channels=classes,
        seed=0,
    )


def image(patch, channels=2, batch=1):
    return torch.rand(batch, channels, *patch, generator=torch.Generator().manual_seed(0))


def weights(network):
    return sum(weight.numel() for weight in network.parameters())


@pytest.mark.parametrize("architecture", COUNTS)
def test_the_papers_size_has_the_released_number_of_weights(architecture):
    size = "S" if architecture == "med_next" else "paper"
    with torch.device("meta"):
        found = [
            weights(build(architecture, (128, 128, 64), channels, classes, size=size))
            for channels, classes in ((4, 4), (1, 16))
        ]
    assert tuple(found) == COUNTS[architecture]


@pytest.mark.parametrize("architecture", ["u_net_a", "pdanet_released"])
def test_only_the_published_width_begins_with_the_released_weights(architecture):
    paper, small = (build(architecture, size=size).head.weight.std().item() for size in ("paper", "small"))
    assert paper == pytest.approx(0.02, rel=0.3)
    assert small > 0.1


def test_other_published_sizes_have_as_many_weights():
    with torch.device("meta"):
        slim = build("slim_unetr", (160, 160, 128), 4, 4, size="original")
        sizes = {size: weights(build("med_next", (16,) * 3, 4, 4, size=size)) for size in "BML"}
    assert weights(slim) == 1_788_420
    # MONAI's down blocks expand as the level they leave, those of the authors as the level they enter.
    assert sizes == {"B": 10_526_469 - 15_457, "M": 17_549_125 - 15_457, "L": 61_779_429 - 52_513}


@pytest.mark.parametrize("architecture", PATCHES)
def test_every_weight_is_trained_and_what_is_saved_is_all(architecture, tmp_path):
    network = build(architecture).train()
    outputs = network(image(PATCHES[architecture], batch=2))
    outputs = [outputs] if isinstance(outputs, torch.Tensor) else outputs
    assert outputs[0].shape == (2, 3, *PATCHES[architecture])
    torch.autograd.backward([output.square().sum() for output in outputs])
    still = [
        name for name, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()
    ]
    assert still == []

    torch.save(network.state_dict(), tmp_path / "weights.pt")
    other = networks.build(
        architecture,
        {"size": "small"},
        patch_size=PATCHES[architecture],
        in_channels=2,
        out_channels=3,
        seed=1,
    )
    other.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    seen = image(PATCHES[architecture])
    with torch.inference_mode():
        before = network.eval()(seen)
        assert torch.equal(before, other.eval()(seen))
        assert torch.equal(before, network(seen))


@pytest.mark.parametrize("architecture", PATCHES)
def test_networks_compute_images_too_and_in_bf16(architecture):
    patch = (64, 64) if architecture in ("nn_former", "slim_unetr", "pdanet") else (32, 16)
    network = build(architecture, patch).eval()
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        logits = network(image(patch))
    assert logits.shape == (1, 3, *patch)
    assert logits.isfinite().all()


@pytest.mark.parametrize(
    ("architecture", "scales"),
    [("nn_former", (1, 2, 4)), ("med_next", (1, 2, 4, 8, 16)), ("nnunet_planned", (1, 2, 4))],
)
def test_deep_supervision_gives_scales_finest_first_in_training_only(architecture, scales):
    patch = (64, 32, 32)
    network = build(architecture, patch, deep_supervision=True)
    shapes = [tuple(output.shape[2:]) for output in network.train()(image(patch, batch=2))]
    assert shapes == [tuple(edge // scale for edge in patch) for scale in scales]
    assert network.eval()(image(patch)).shape == (1, 3, *patch)


def test_a_window_sees_each_offset_by_a_bias_of_its_own_unless_as_released():
    assert len(position_index(3, 4, "right").unique()) == 343
    assert len(position_index(3, 4, "released").unique()) == 115
    assert len(position_index(3, 8, "released").unique()) == 547
    with pytest.raises(ValueError, match="expected right in 2D"):
        position_index(2, 4, "released")


@pytest.mark.parametrize("index", ["right", "released"])
def test_nn_former_attends_by_either_index(index):
    patch = PATCHES["nn_former"]
    other = {"right": "released", "released": "right"}[index]
    logits, others = (build("nn_former", position_index=name).eval()(image(patch)) for name in (index, other))
    assert not torch.allclose(logits, others)


@pytest.mark.parametrize(("grid", "shift"), [((8, 8, 4), 0), ((7, 5, 6), 0), ((8, 8, 8), 2), ((7, 10, 6), 2)])
def test_tokens_attend_to_their_neighbours_in_the_map_alone(grid, shift):
    """Which tokens each one's result depends on, against windows that are told by hand."""
    attention = WindowAttention(3, 2, 1, 4, shift)
    tokens = torch.rand(1, *grid, 2)
    values = tokens.clone().requires_grad_()
    result = attention(tokens, tokens, values)
    places = torch.stack(torch.meshgrid([torch.arange(edge) for edge in grid], indexing="ij"), -1)
    window = (places + (4 - shift) % 4) // 4 if shift else places // 4
    for place in [(0, 0, 0), tuple(edge - 1 for edge in grid), tuple(edge // 2 for edge in grid)]:
        (gradient,) = torch.autograd.grad(result[0][place].sum(), values, retain_graph=True)
        seen = gradient[0].abs().sum(-1) > 0
        assert torch.equal(seen, (window == window[place]).all(-1)), place


def test_the_kernel_of_rep_ux_net_is_trained_by_its_distance_and_folded_without_change():
    network = build("rep_ux_net")
    convolve = network.stages[0][0][0]
    trained = convolve.parametrizations.weight.original
    seen = image(PATCHES["rep_ux_net"], batch=2)
    shares = (convolve.weight / trained).nanmedian(dim=0).values[0]
    assert shares[2, 2, 2] == 1
    torch.testing.assert_close(shares[2, 2, 3], torch.tensor(0.5))
    torch.testing.assert_close(shares[3, 3, 2], torch.tensor(1 / (1 + 2**0.5)))

    optimiser = torch.optim.SGD(network.parameters(), lr=1.0)
    before = trained.detach().clone()
    network.train()(seen).square().sum().backward()
    optimiser.step()
    assert (trained != before).all(), "the released code never trains it"

    network.eval()
    expected = network(seen)
    for module in list(network.modules()):
        if parametrize.is_parametrized(module):
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)
    torch.testing.assert_close(network(seen), expected, rtol=0, atol=0)
    assert "stages.0.0.0.weight" in network.state_dict()


def test_slim_unetr_normalises_its_logits_over_all_classes_and_voxels():
    logits = build("slim_unetr").eval()(image(PATCHES["slim_unetr"]))
    torch.testing.assert_close(logits.mean(), torch.tensor(0.0), atol=1e-3, rtol=0)
    torch.testing.assert_close(logits.std(), torch.tensor(1.0), atol=1e-2, rtol=0)


def test_attention_of_pdanet_scales_every_plane_by_itself():
    network = build("pdanet")
    logits = torch.randn(1, 16, 5, 6, 7, generator=torch.Generator().manual_seed(0))
    multiplier = network.partial.attention(logits)
    assert multiplier.shape == logits.shape
    assert (multiplier >= torch.sigmoid(logits)).all()
    torch.testing.assert_close(multiplier.amax((1, 3, 4)), torch.ones(1, 5))
    torch.testing.assert_close(gaussian(3, 2, 31, 4.0).sum((2, 3, 4)), torch.ones(1, 2))


def test_nnunet_is_planned_as_for_the_datasets_of_paper_b():
    assert planned_strides((224, 256)) == [(2, 2)] * 5 + [(1, 2)]
    assert planned_strides((160, 192)) == [(2, 2)] * 5
    assert planned_strides((256, 256)) == [(2, 2)] * 6
    with torch.device("meta"):
        network = build("nnunet_planned", (160, 192), 1, 4, size="paper")
    assert weights(network) == 18_671_712 - 480 * 4  # without the head that nnU-Net weighs with 0
    assert len(network.heads) == 4


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("shape", [(14, 6, 10), (3, 1, 20), (7, 3, 5)])
def test_maps_are_resized_and_pooled_as_torch_does(align_corners, shape):
    x = torch.rand(2, 3, 7, 3, 5, requires_grad=True)
    expected = functional.interpolate(x, shape, mode="trilinear", align_corners=align_corners)
    torch.testing.assert_close(resized(x, shape, align_corners=align_corners), expected)
    pooled, plain = max_pooled(x), functional.max_pool3d(x, 2)
    assert torch.equal(pooled, plain)
    gradients = [torch.autograd.grad(each.square().sum(), x)[0] for each in (pooled, plain)]
    torch.testing.assert_close(*gradients)
