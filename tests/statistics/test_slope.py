import numpy as np
import pytest
from scipy import stats

from seglossbench.statistics.crossed import MeanSquares, mean_squares
from seglossbench.statistics.slope import slope_over_classes, slope_over_tasks, slope_weights

AT = np.array([1.0, 2.0, 4.0, 5.0])
EXACT = MeanSquares(*(np.array(value) for value in (0.0, 0.0, 0.0, 0.0, 4.0, 9.0)))


def test_the_weights_give_the_least_squares_slope():
    values = np.array([0.1, 0.5, 0.2, 0.9])
    assert slope_weights(AT) @ values == pytest.approx(stats.linregress(AT, values).slope)


def test_without_noise_of_cases_and_seeds_it_is_the_lines_own_t():
    values = np.array([0.1, 0.5, 0.2, 0.9])
    line = stats.linregress(AT, values)
    half = stats.t.ppf(0.975, 2) * line.stderr
    assert slope_over_classes(values, AT, EXACT) == pytest.approx(
        (line.slope, line.slope - half, line.slope + half, line.pvalue), rel=1e-6
    )


def test_over_tasks_the_parts_are_added_as_squares():
    random = np.random.default_rng(0)
    x = random.normal(AT[:, None, None], 1, size=(4, 5, 30))
    squares = MeanSquares.stack(mean_squares(task) for task in x)
    slope, lo, hi, p = slope_over_tasks(squares, AT)
    assert slope == pytest.approx(stats.linregress(AT, squares.mean).slope)
    assert lo < slope < hi
    assert p < 0.001


def test_the_slope_is_found_no_more_often_than_its_level_where_there_is_none():
    random = np.random.default_rng(1)
    found = 0
    for _ in range(300):
        of_class, of_case = random.normal(0, 0.02, 6), random.normal(0, 0.03, (1, 20, 1))
        y = of_class + of_case + random.normal(0, 0.02, (4, 1, 6)) + random.normal(0, 0.05, (4, 20, 6))
        at = np.arange(6.0)
        slope = slope_over_classes(y.mean((0, 1)), at, mean_squares(y @ slope_weights(at)))
        found += slope[3] < 0.05
    assert found / 300 <= 0.07
