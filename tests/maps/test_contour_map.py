import numpy as np
import pytest
import torch
from brute_force import contour_of_class
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from seglossbench.errors import InputError
from seglossbench.maps.contour import contour, contours

label_maps = arrays.arrays(
    np.uint8, arrays.array_shapes(min_dims=2, max_dims=3, max_side=6), elements=st.integers(0, 2)
)


@given(label_maps, st.integers(2, 4))
def test_contour_is_what_erosion_takes_from_every_class(labels, kernel):
    union = contour(labels, kernel)
    for index in range(3):
        np.testing.assert_array_equal(union & (labels == index), contour_of_class(labels, index, kernel))


@pytest.mark.parametrize("kernel", [2, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
def test_contour_equals_scipy_on_a_volume_of_many_chunks(kernel, dtype, monkeypatch):
    monkeypatch.setattr("seglossbench.maps.contour._CHUNK", 1000)
    labels = (
        np.random.default_rng(0)
        .integers(0, 3, (5, 4, 6))
        .repeat(4, 0)
        .repeat(5, 1)
        .repeat(3, 2)
        .astype(dtype)
    )
    masks = [labels == index for index in range(3)]
    rims = [mask & ~ndimage.binary_erosion(mask, np.ones((kernel,) * 3)) for mask in masks]
    np.testing.assert_array_equal(contour(labels, kernel), np.any(rims, axis=0))


def test_contour_by_hand():
    labels = np.zeros((5, 7), np.uint8)
    labels[1:4, 1:6] = 1
    expected = np.ones((5, 7), np.uint8)
    expected[2, 2:5] = 0  # the middle of the rectangle is all that has no other label in its 3 x 3 box
    np.testing.assert_array_equal(contour(labels), expected)


def test_a_volume_of_one_class_has_its_contour_where_it_ends():
    expected = np.ones((4, 4), np.uint8)
    expected[1:-1, 1:-1] = 0
    np.testing.assert_array_equal(contour(np.zeros((4, 4), np.uint8)), expected)


def test_kernel_of_one_voxel_is_an_error():
    with pytest.raises(InputError, match="kernel is 1"):
        contour(np.zeros((4, 4), np.uint8), 1)


@given(label_maps, st.integers(2, 5))
def test_a_device_has_the_same_contours_as_the_host(labels, kernel):
    batch = np.stack([labels, labels[::-1]])
    found = contours(torch.from_numpy(batch), kernel)
    assert found.dtype == torch.uint8
    np.testing.assert_array_equal(found.numpy(), [contour(each, kernel) for each in batch])
