import numpy as np
import pytest

from seglossbench.statistics.convergence import (
    area_under,
    late_oscillation,
    late_variation,
    until_level,
    until_share_of_best,
)

AT = np.arange(5)
CURVE = [0.2, 0.6, np.nan, 0.77, 0.8]


def test_until_95_percent_of_the_best():
    assert until_share_of_best(AT, CURVE) == 3
    assert np.isnan(until_share_of_best([], []))
    assert np.isnan(until_share_of_best(AT, np.zeros(5)))


def test_until_a_level_that_may_never_be_reached():
    assert until_level(AT, CURVE, 0.6) == 1
    assert until_level(AT, CURVE, 0.9) == np.inf


def test_the_area_under_a_curve_is_its_mean_height():
    assert area_under([0, 1, 3], [0, 1, 1]) == pytest.approx(2.5 / 3)
    assert area_under([4], [0.5]) == 0.5
    assert np.isnan(area_under([], []))


def test_late_oscillation_is_around_a_straight_line():
    at = np.arange(100)
    assert late_oscillation(at, at / 100) == pytest.approx(0, abs=1e-12)
    swings = 0.5 + at / 200 + 0.1 * (-1.0) ** at
    assert late_oscillation(at, swings) == pytest.approx(0.1, rel=0.1)
    early = np.where(at < 70, swings, 0.5)
    assert late_oscillation(at, early) == pytest.approx(0)
    assert np.isnan(late_oscillation(AT, CURVE))


def test_late_variation_is_relative_to_the_mean():
    norm = np.r_[np.full(6, 100.0), 1, 3]
    assert late_variation(np.arange(8), norm) == pytest.approx(np.sqrt(2) / 2)
    assert np.isnan(late_variation([0], [1.0]))
