"""The networks that are MONAI's in torch alone give MONAI's logits, weight for weight."""

import pytest
import torch
from monai.networks.nets.dynunet import DynUNet as MonaiDynUNet
from monai.networks.nets.unet import UNet as MonaiUNet

from seglossbench.networks.dynunet import dynunet
from seglossbench.networks.unet import unet

SHAPE = (32, 16, 16)


def kernels_first(network):
    """Weights in the order of the layers, kernels before biases and norms, which MONAI has in another order."""
    return sorted(network.parameters(), key=lambda weight: weight.ndim == 1)


def check_same(ours, theirs, dims):
    ours_weights, their_weights = kernels_first(ours), kernels_first(theirs)
    assert [weight.shape for weight in ours_weights] == [weight.shape for weight in their_weights]
    with torch.no_grad():
        for one, other in zip(ours_weights, their_weights, strict=True):
            one.copy_(torch.randn(other.shape) * 0.3)
            other.copy_(one)
    image = torch.randn(2, 2, *SHAPE[:dims])
    mine, other = ours(image), theirs(image)
    assert mine.abs().max() > 0.1
    torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-4)
    grad, expected = (
        torch.autograd.grad(logits.square().mean(), weights)
        for logits, weights in ((mine, ours_weights), (other, their_weights))
    )
    for one, two in zip(grad, expected, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-3, atol=1e-4 * max(1.0, float(two.abs().max())))


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize(
    ("channels", "strides", "units", "norm"),
    [
        ((4, 8, 16), (2, 2), 2, "instance"),
        ((4, 8), (2,), 0, "instance"),
        ((4, 8, 8, 6), (2, 1, 2), 1, "batch"),
        ((4, 8, 16), (1, 2), 3, "instance"),
    ],
)
def test_unet_is_that_of_monai(dims, channels, strides, units, norm):
    ours = unet(dims, 2, 3, channels=channels, strides=strides, num_res_units=units, norm=norm)
    check_same(ours, MonaiUNet(dims, 2, 3, channels, strides, num_res_units=units, norm=norm), dims)


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize(
    ("filters", "kernel", "first_stride", "norm"),
    [((4, 8, 12), 3, 1, "instance"), ((4, 8, 12, 10), 3, 2, "batch"), ((4, 6, 8), 5, 1, "instance")],
)
def test_dynunet_is_that_of_monai(dims, filters, kernel, first_stride, norm):
    strides = [first_stride] + [2] * (len(filters) - 1)
    theirs = MonaiDynUNet(
        dims,
        2,
        3 if first_stride == 1 else filters[0],
        kernel_size=[kernel] * len(filters),
        strides=strides,
        upsample_kernel_size=strides[1:],
        filters=filters,
        norm_name=norm,
    )
    ours = dynunet(dims, 2, 3, filters=filters, kernel_size=kernel, first_stride=first_stride, norm=norm)
    check_same(ours if first_stride == 1 else ours[0], theirs, dims)


def test_the_weights_of_dynunet_start_as_those_of_monai():
    ours = dynunet(3, 2, 3, filters=(16, 32, 64))
    theirs = MonaiDynUNet(3, 2, 3, [3] * 3, [1, 2, 2], [2, 2], filters=(16, 32, 64), norm_name="instance")
    for one, other in zip(kernels_first(ours), kernels_first(theirs), strict=True):
        if one.numel() < 1000:  # too few to tell
            continue
        assert one.std().item() == pytest.approx(other.std().item(), rel=0.1)
