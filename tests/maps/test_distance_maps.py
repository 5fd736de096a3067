from pathlib import Path

import brute_force
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from seglossbench.errors import InputError
from seglossbench.losses.region_wise import class_map
from seglossbench.maps import Truth
from seglossbench.maps.contour import contour
from seglossbench.maps.distance import boundary, distance_penalty, inside_distance, rectified_distance

label_maps = arrays.arrays(
    np.uint8, arrays.array_shapes(min_dims=2, max_dims=3, max_side=5), elements=st.integers(0, 2)
)
SPACINGS = [None, (0.5, 2.0, 3.0)]


def units(spacing, labels):
    """The spacing as the function takes it, and as numbers."""
    spacing_mm = None if spacing is None else spacing[: labels.ndim]
    return spacing_mm, np.ones(labels.ndim) if spacing_mm is None else np.array(spacing_mm)


@pytest.mark.parametrize("spacing", SPACINGS)
@given(labels=label_maps)
def test_inside_distance_is_to_the_nearest_voxel_of_another_class(labels, spacing):
    spacing_mm, sizes = units(spacing, labels)
    np.testing.assert_allclose(
        inside_distance(labels, spacing_mm), brute_force.inside_distance(labels, sizes), rtol=1e-6
    )


@pytest.mark.parametrize("spacing", SPACINGS)
@given(labels=label_maps)
def test_rectified_distance_is_1_at_the_heart_of_every_class(labels, spacing):
    spacing_mm, sizes = units(spacing, labels)
    distance = brute_force.inside_distance(labels, sizes)
    rectified = rectified_distance(labels, spacing_mm)
    for index in np.unique(labels):
        mask = labels == index
        np.testing.assert_allclose(rectified[mask], distance[mask] / distance[mask].max(), rtol=1e-6)
        assert rectified[mask].max() == 1
    assert rectified.dtype == np.float32
    assert rectified.min() > 0


@pytest.mark.parametrize("spacing", SPACINGS)
@given(labels=label_maps)
def test_boundary_is_outside_minus_inside_distance(labels, spacing):
    spacing_mm, sizes = units(spacing, labels)
    signed = boundary(labels, 4, spacing_mm)
    for index in range(4):
        mask = labels == index
        expected = brute_force.distance_to(mask, sizes) - brute_force.distance_to(~mask, sizes)
        if mask.all() or not mask.any():
            expected = np.zeros(labels.shape)  # no edge, nothing to say
        np.testing.assert_allclose(signed[index], expected, rtol=1e-6)


@pytest.mark.parametrize("spacing", SPACINGS)
@given(labels=label_maps)
def test_distance_penalty_falls_from_2_at_the_edge_to_1_at_the_heart(labels, spacing):
    spacing_mm, sizes = units(spacing, labels)
    distance = brute_force.inside_distance(labels, sizes)
    penalty = distance_penalty(labels, spacing_mm)
    for index in np.unique(labels):
        d = distance[labels == index]
        expected = 1 + (d.max() - d) / (d.max() - d.min() + 1e-4)
        np.testing.assert_allclose(penalty[labels == index], expected, rtol=1e-5)


def test_distances_by_hand():
    labels = np.zeros((3, 7), np.uint8)
    labels[:, 1:6] = 1
    inside = np.array([1, 1, 2, 3, 2, 1, 1])
    np.testing.assert_array_equal(inside_distance(labels)[1], inside)
    np.testing.assert_allclose(rectified_distance(labels)[1], [1, 1 / 3, 2 / 3, 1, 2 / 3, 1 / 3, 1])
    np.testing.assert_array_equal(
        boundary(labels, 3)[:, 1], [[-1, 1, 2, 3, 2, 1, -1], [1, -1, -2, -3, -2, -1, 1], [0] * 7]
    )
    np.testing.assert_array_equal(inside_distance(labels, (9.0, 0.5))[1], inside * 0.5)


@pytest.mark.parametrize("width", [15, 16, 17, 32])
def test_a_row_of_any_length_has_the_distances_of_scipy(width):
    labels = np.random.default_rng(0).integers(0, 3, (4, 5, width), dtype=np.uint8).repeat(2, 0)
    spacing = (2.0, 1.0, 0.5)
    expected = sum(ndimage.distance_transform_edt(labels == index, spacing) for index in range(3))
    np.testing.assert_allclose(inside_distance(labels, spacing), expected, rtol=1e-6)


def test_one_class_fills_the_volume():
    labels = np.full((2, 3, 4), 1, np.uint8)
    assert (inside_distance(labels, (2.0, 2.0, 2.0)) == 1).all()
    assert (rectified_distance(labels) == 1).all()
    assert (distance_penalty(labels) == 1).all()
    assert (boundary(labels, 2) == 0).all()


@pytest.mark.parametrize("spacing_mm", [None, (2.0, 0.5), (3.0, 1.0, 0.7)])
def test_one_class_fills_the_volume_as_released(spacing_mm):
    labels = np.ones((4, 5, 6)[: 3 if spacing_mm is None else len(spacing_mm)], np.uint8)
    scipys = ndimage.distance_transform_edt(labels, spacing_mm)
    np.testing.assert_allclose(inside_distance(labels, spacing_mm, "released"), scipys, rtol=1e-6)
    rectified = rectified_distance(labels, spacing_mm, "released")
    np.testing.assert_allclose(rectified, scipys / scipys.max(), rtol=1e-6)
    nothing, alone, after = boundary(labels, 3, spacing_mm, "released")
    assert (nothing == 0).all()
    np.testing.assert_allclose(alone, -scipys, rtol=1e-6)
    assert (after == 0).all()  # outside of the class before it is nothing


def test_an_absent_class_as_released_has_distances_of_the_one_before_it():
    labels = np.zeros((6, 8), np.uint8)
    labels[2:4, 3:6] = 2
    signed = boundary(labels, 5, degenerate="released")
    np.testing.assert_array_equal(signed[[0, 2]], boundary(labels, 5)[[0, 2]])
    np.testing.assert_array_equal(signed[1], np.maximum(signed[0], 0))
    np.testing.assert_array_equal(signed[3], np.maximum(signed[2], 0))
    np.testing.assert_array_equal(signed[4], signed[3])


def test_degenerate_patches_are_as_paper_bs_code_has_them():
    golden = np.load(Path(__file__).parents[1] / "golden" / "trajectories" / "degenerate_maps.npz")
    for labels, name, signed, region_wise in zip(
        *(golden[key] for key in ("labels", "names", "boundary", "rrw")), strict=True
    ):
        truth = Truth(labels[None], 4, degenerate="released")
        np.testing.assert_allclose(class_map(truth, "rectified")[0], region_wise, rtol=1e-6)
        if name == "1 alone":  # where that code stops
            assert np.isnan(signed).all()
            assert not truth.map("boundary")[0, 0].any()
        else:
            np.testing.assert_allclose(truth.map("boundary")[0], signed, rtol=1e-6)


def test_degenerate_maps_are_asked_for_by_name():
    labels = np.zeros((1, 6, 6), np.uint8)
    truth = Truth(labels, 2, degenerate="released")
    assert truth.map("boundary")[0, 0].min() < -6
    assert truth.rectified.min() < 0.2
    assert truth.at_scale((3, 3)).rectified.min() < 0.4
    assert (Truth(labels, 2).map("boundary") == 0).all()
    with pytest.raises(InputError, match="degenerate is 'release'; did you mean 'released'"):
        Truth(labels, 2, degenerate="release")


def test_a_label_of_255_or_more_is_a_class_like_others():
    labels = np.array([[0, 255, 255, 255], [0, 300, 300, 300]])
    np.testing.assert_array_equal(inside_distance(labels), [[1, 1, 1, 1], [1, 1, 1, 1]])
    labels[1] = labels[0]
    np.testing.assert_array_equal(inside_distance(labels), [[1, 1, 2, 3], [1, 1, 2, 3]])


@pytest.mark.parametrize("compute", [inside_distance, rectified_distance, distance_penalty, contour])
@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros((3, 4)), "labels have dtype float64, expected integers from 0 on"),
        (np.zeros((3, 4), bool), "labels have dtype bool"),
        (np.zeros(4, np.uint8), r"labels have shape \(4,\), expected \(H, W\) or \(D, H, W\)"),
        (np.zeros((0, 4), np.uint8), r"labels have shape \(0, 4\)"),
        (np.array([[0, -1], [1, 1]]), r"labels lie in \[-1, 1\], expected integers from 0 on"),
    ],
)
def test_what_is_no_label_map_is_named(compute, labels, message):
    with pytest.raises(InputError, match=message):
        compute(labels)


def test_labels_beyond_the_classes_are_named():
    with pytest.raises(InputError, match=r"labels lie in \[0, 3\], expected integers in \[0, 3\)"):
        boundary(np.arange(4).reshape(2, 2), 3)
