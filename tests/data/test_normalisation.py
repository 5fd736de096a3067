import numpy as np
import pytest

from seglossbench.data.preparation.normalisation import normalise
from seglossbench.data.preparation.presets import Foreground, Recipe

HU = np.array([[-1000, -125, 75, 275, 3000]], np.int16)


def test_ct_window_maps_to_its_range():
    np.testing.assert_allclose(normalise(HU, "CT", Recipe()), [[-1, -1, 0, 1, 1]])
    np.testing.assert_allclose(normalise(HU, "CT", Recipe(ct_range=(0, 1))), [[0, 0, 0.5, 1, 1]])


def test_ct_by_the_foreground_of_the_training_cases():
    learned = Recipe(ct="foreground", foreground=(Foreground(-100, 200, 50, 25), Foreground(0, 1, 0, 1)))
    np.testing.assert_allclose(normalise(HU, "CT", learned), [[-6, -6, 1, 6, 6]])
    np.testing.assert_allclose(normalise(HU, "CT", learned, 1), [[0, 0, 1, 1, 1]])


def test_mri_is_z_scored_inside_its_mask_or_as_a_whole():
    image = np.array([[0, 2, 4, 0]], np.int16)
    np.testing.assert_allclose(normalise(image, "MRI", Recipe()), [[0, -1, 1, 0]])
    whole = normalise(image, "MRI", Recipe(mri="z_score"))
    np.testing.assert_allclose(whole, (image - 1.5) / image.std(), rtol=1e-6)


@pytest.mark.parametrize("value", [0, 7])
def test_a_channel_of_one_value_becomes_zero(value):
    np.testing.assert_array_equal(normalise(np.full((2, 2), value), "MRI", Recipe()), np.zeros((2, 2)))


def test_clipping_leaves_the_outside_at_zero():
    image = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1000], np.float32)
    scaled = normalise(image, "MRI", Recipe(clip_percentiles=(10, 90)))
    assert scaled[0] == 0
    inside = np.clip(image[1:], *np.percentile(image[1:], (10, 90)))
    np.testing.assert_allclose(scaled[1:], (inside - inside.mean()) / inside.std(), rtol=1e-5)


def test_the_raw_array_is_left_alone():
    image = np.array([1, 2, 3], np.float32)
    normalise(image, "MRI", Recipe())
    np.testing.assert_array_equal(image, [1, 2, 3])
