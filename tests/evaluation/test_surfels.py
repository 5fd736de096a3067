"""Areas of surface elements and NSD."""

import numpy as np
import pytest

from seglossbench.evaluation import score_case
from seglossbench.evaluation.surface import surface_of_class
from seglossbench.evaluation.surfels import surfel_areas, surfels_of_class


def nsd(truth, prediction, spacing_mm, tolerance_mm):
    metric = f"NSD@{tolerance_mm:g}mm"
    return score_case(truth, prediction, spacing_mm, classes={"c": [1]}, metrics=(metric,))[0]["value"]


def test_lengths_in_the_plane():
    """Bit 0 is the voxel (0, 0), bit 1 (0, 1), bit 2 (1, 0), bit 3 (1, 1); 3 mm along axis 0, 4 mm along axis 1."""
    half_diagonal = 2.5
    one_or_three = dict.fromkeys((1, 2, 4, 8, 7, 11, 13, 14), half_diagonal)
    straight = {0b0011: 4.0, 0b1100: 4.0, 0b0101: 3.0, 0b1010: 3.0}
    two_tips = {0b0110: 5.0, 0b1001: 5.0}
    expected = one_or_three | straight | two_tips | {0: 0.0, 15: 0.0}
    assert surfel_areas((3.0, 4.0)) == pytest.approx([expected[index] for index in range(16)])


def test_areas_in_space_by_hand():
    areas = surfel_areas((1.0, 1.0, 1.0))
    triangle = np.sqrt(3) / 8
    assert areas[0] == areas[255] == 0
    assert areas[1] == areas[254] == pytest.approx(triangle)
    assert areas[0b11] == pytest.approx(np.sqrt(0.5))
    assert areas[0b1111] == pytest.approx(1.0)
    assert areas[0b10010110] == pytest.approx(4 * triangle)
    assert areas[0b00010111] == pytest.approx(6 * triangle)  # a regular hexagon of side sqrt(1/2)
    assert areas[0b00010111] == pytest.approx(1.5 * np.sqrt(3) * 0.5)


@pytest.mark.parametrize("spacing_mm", [(1, 1, 1), (5, 2, 3), (0.7, 1.1, 9)])
def test_areas_are_those_of_surface_distance(spacing_mm):
    tables = pytest.importorskip("surface_distance.lookup_tables")
    theirs = tables.create_table_neighbour_code_to_surface_area(spacing_mm)
    bits = tables.ENCODE_NEIGHBOURHOOD_3D_KERNEL.ravel()  # the code of each corner, in the order of our bits
    codes = [sum(code for bit, code in enumerate(bits) if index >> bit & 1) for index in range(256)]
    np.testing.assert_allclose(surfel_areas(spacing_mm), theirs[codes], rtol=1e-12)


def test_a_rectangle_and_one_a_row_longer():
    """6 and 7 rows of 20 pixels, 2 mm along the rows' axis: all lengths by hand."""
    truth, prediction = np.zeros((2, 30, 30), np.uint8)
    truth[5:11, 5:25], prediction[5:12, 5:25] = 1, 1
    tip = np.sqrt(5) / 2
    length = (2 * 19 * 1 + 2 * 5 * 2 + 4 * tip) + (2 * 19 * 1 + 2 * 6 * 2 + 4 * tip)
    # Within 1.9 mm of the prediction are the truth's corners and the elements beside them, on the prediction's sides.
    far = (19 - 2) * 1 + (19 * 1 + 2 * tip)
    assert nsd(truth, prediction, (2.0, 1.0), 1.9) == pytest.approx(1 - far / length)
    assert nsd(truth, prediction, (2.0, 1.0), 2.0) == 1.0


def test_a_cube_has_rounded_edges():
    """Voxels of 1 mm: 6 faces of 9 x 9 elements, 12 edges of 9 bevels, 8 corners; any two cubes far apart."""
    areas = surfel_areas((1.0, 1.0, 1.0))
    cube = np.zeros((12, 12, 12), np.uint8)
    cube[1:11, 1:11, 1:11] = 1
    hollow = cube.copy()
    hollow[5, 5, 5] = 0
    surface = 6 * 81 * 1.0 + 12 * 9 * areas[0b11] + 8 * areas[1]
    hole = 8 * areas[1]
    assert nsd(cube, hollow, (1.0, 1.0, 1.0), 1.0) == pytest.approx(1 - hole / (2 * surface + hole))


def test_tolerance_includes_its_own_distance_whatever_the_rounding():
    truth, prediction = np.zeros((2, 10, 10, 10), np.uint8)
    truth[2, 2, 2] = prediction[2, 2, 5] = 1
    assert nsd(truth, prediction, (1, 1, np.float32(0.1)), 0.3) == 1.0
    assert nsd(truth, prediction, (1, 1, 0.1), 0.29) < 1.0


@pytest.mark.parametrize("share", [0.001, 0.5])
def test_every_cell_of_noise_that_is_filled_in_part_is_an_element_once(share):
    labels = np.zeros((9, 10, 11), np.uint8)
    labels[1:-1, 1:-1, 1:-1] = np.random.default_rng(0).random((7, 8, 9)) < share
    in_class = np.arange(256) == 1
    surface = surface_of_class(in_class, labels, np.flatnonzero(labels))
    elements = surfels_of_class(in_class, labels, surface, (1.0, 2.0, 3.0))
    filled = np.lib.stride_tricks.sliding_window_view(labels, (2, 2, 2)).sum((3, 4, 5))
    partly = np.zeros(labels.shape, bool)
    partly[:-1, :-1, :-1] = (filled > 0) & (filled < 8)
    assert partly.any()
    assert np.array_equal(elements.cells, np.flatnonzero(partly))
