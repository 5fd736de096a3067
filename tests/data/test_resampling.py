import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seglossbench.data.resampling import resample, resample_labels


@pytest.mark.parametrize("shape", [(10, 6, 8), (4, 12, 5)])
def test_linear_is_pytorchs_trilinear(shape):
    image = np.random.default_rng(0).normal(size=(5, 6, 8)).astype(np.float32)
    expected = torch.nn.functional.interpolate(torch.from_numpy(image)[None, None], shape, mode="trilinear")
    np.testing.assert_allclose(resample(image, shape), expected[0, 0], atol=1e-5)


def test_cubic_is_exact_on_a_line_away_from_the_edges():
    image = np.tile(np.arange(20, dtype=np.float32), (2, 3, 1))
    fine = resample(image, (2, 3, 40), "cubic")
    expected = (np.arange(40) + 0.5) / 2 - 0.5  # where the centres of half voxels lie
    np.testing.assert_allclose(fine[0, 0, 8:-8], expected[8:-8], atol=1e-3)


def test_thick_slices_are_taken_and_not_mixed():
    image = np.zeros((6, 6, 2), np.float32)
    image[:, :, 1] = 9
    fine = resample(image, (12, 12, 8), "cubic", coarse_axis=2)
    np.testing.assert_allclose(fine[..., :4], 0, atol=1e-5)
    np.testing.assert_allclose(fine[..., 4:], 9, atol=1e-5)
    assert 0 < resample(image, (12, 12, 8), "linear")[0, 0, 3] < 9


def test_linear_labels_smooth_a_corner_that_nearest_keeps():
    labels = np.zeros((4, 4, 1), np.uint8)
    labels[:2, :2] = 2
    nearest, linear = (resample_labels(labels, (16, 16, 1), how) for how in ("nearest", "linear"))
    assert nearest[7, 7, 0] == 2
    assert linear[7, 7, 0] == 0  # a quarter of the four voxels around the corner
    assert linear[0, 0, 0] == 2
    assert set(np.unique(linear)) == {0, 2}


@given(st.integers(0, 1000), st.tuples(*[st.integers(1, 9)] * 3), st.sampled_from(["nearest", "linear"]))
def test_no_label_is_made_up(seed, shape, how):
    labels = np.random.default_rng(seed).choice(np.array([0, 1, 5], np.uint8), (5, 4, 3))
    found = resample_labels(labels, shape, how)
    assert found.shape == shape
    assert set(np.unique(found)) <= set(np.unique(labels))
