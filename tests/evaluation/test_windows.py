import pytest
import torch
from monai.inferers.utils import sliding_window_inference
from torch import nn

from seglossbench.evaluation.windows import gaussian_weight, sliding_windows


@pytest.mark.parametrize(
    ("shape", "window", "overlap"),
    [
        ((20, 17, 9), (8, 8, 8), 0.5),
        ((20, 17, 9), (8, 6, 9), 0.25),
        ((5, 17, 9), (8, 8, 16), 0.1),  # smaller than the window on two axes
        ((8, 8, 8), (8, 8, 8), 0.5),
        ((33, 20), (16, 16), 0.7),
    ],
)
def test_logits_are_those_of_monai(shape, window, overlap):
    torch.manual_seed(0)
    convolution = {2: nn.Conv2d, 3: nn.Conv3d}[len(shape)]
    network = nn.Sequential(convolution(2, 4, 3, padding=1), nn.Tanh(), convolution(4, 3, 3, padding=1))
    images = torch.randn(2, 2, *shape)
    with torch.inference_mode():
        ours = sliding_windows(images, window, network, overlap=overlap, batch=3)
        theirs = sliding_window_inference(images, window, 3, network, overlap=overlap, mode="gaussian")
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def test_every_voxel_gets_its_own_value_back():
    images = torch.arange(11.0 * 7).reshape(1, 1, 11, 7)
    logits = sliding_windows(images, (4, 4), lambda windows: windows, overlap=0.5, batch=5)
    torch.testing.assert_close(logits, images)


def test_the_weight_is_highest_in_the_middle_and_nowhere_zero():
    weight = gaussian_weight((9, 64, 64))
    assert weight[4, 31, 31] == weight.max()
    assert weight.min() == pytest.approx(1e-3)
