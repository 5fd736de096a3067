"""Every network in bf16, and compiled, on a CPU."""

import pytest
import torch

from benchmarks.overfit import small_runs
from seglossbench import networks

RUNS = small_runs()
IN_PARTS = ("swin_unetr",)  # MONAI's looks at the size of the image by NumPy, which cannot be traced
# torch 2.13 on a CPU gives now and then memory that nobody wrote for the weights' gradients of long thin and of large
# depthwise convolutions in bf16 (docs/networks.md).
FAST = ("dynunet", "med_next", "deeplab_v3_plus")
ASTRAY_IN_BF16 = ("pdanet", "pdanet_released", "ux_net_3d", "rep_ux_net")


def build(network, patch=None):
    run = RUNS[network]
    return networks.build(
        network,
        {"architecture": run.settings.architecture, **run.settings.options},
        patch_size=patch or run.train.patch_size,
        in_channels=4,
        out_channels=4,
        seed=0,
    )


def step(network, patch, dtype=torch.float32):
    """The finest logits of a training step, after which the weights have gradients."""
    torch.manual_seed(0)  # of dropout
    image = torch.rand(1, 4, *patch, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
        given = network(image)
    scales = given if isinstance(given, list) else [given]
    torch.autograd.backward([scale.float().square().mean() for scale in scales])
    return scales[0].float()


@pytest.mark.parametrize(
    "network", [name if name in FAST else pytest.param(name, marks=pytest.mark.long) for name in RUNS]
)
def test_every_network_trains_in_bf16(network):
    patch = RUNS[network].train.patch_size
    whole, half = build(network).train(), build(network).train()
    expected, found = step(whole, patch), step(half, patch, torch.bfloat16)
    assert (found - expected).norm() < 0.1 * expected.norm()
    if network not in ASTRAY_IN_BF16:
        assert all(weight.grad.isfinite().all() for weight in half.parameters() if weight.grad is not None)


@pytest.mark.long
@pytest.mark.parametrize("network", RUNS)
def test_every_network_is_captured_by_torch_compile(network):
    """Forward and backward as one graph each; the code that inductor would make of them is torch's."""
    torch.compiler.reset()
    patch = RUNS[network].train.patch_size
    plain, compiled = build(network).train(), build(network).train()
    compiled.compile(backend="aot_eager", fullgraph=network not in IN_PARTS)
    torch.testing.assert_close(step(compiled, patch), step(plain, patch), rtol=1e-3, atol=1e-4)
    gradients = [[weight.grad for weight in each.parameters()] for each in (compiled, plain)]
    for found, expected in zip(*gradients, strict=True):
        if expected is None:  # MONAI's UNETR has weights that it does not use
            assert found is None
            continue
        torch.testing.assert_close(found, expected, rtol=1e-2, atol=1e-4 * expected.abs().max().item() + 1e-6)
