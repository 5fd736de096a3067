import numpy as np
import pytest
from scipy import stats

from seglossbench.statistics.comparison import above_margin, over_new_networks, p_non_inferior
from seglossbench.statistics.crossed import crossed, mean_squares


def test_new_networks_are_a_t_interval_over_the_networks_means():
    gains = [0.02, 0.05, 0.03]
    expected = stats.ttest_1samp(gains, 0)
    assert over_new_networks(gains) == pytest.approx((*expected.confidence_interval(), expected.pvalue))


def test_one_network_says_nothing_of_others():
    assert np.isnan(over_new_networks([0.1])).all()


@pytest.mark.parametrize(
    ("lo", "hi", "answer"),
    [(-0.01, 0.05, "yes"), (-0.03, 0.05, "open"), (-0.2, -0.03, "no"), (np.nan, np.nan, "open")],
)
def test_an_interval_against_a_margin(lo, hi, answer):
    assert above_margin(lo, hi, -0.02) == answer


def test_non_inferiority_has_half_the_error_of_the_interval():
    random = np.random.default_rng(4)
    for shift in (-0.6, 0.0, 0.4, 1.2):
        squares = mean_squares(random.normal(shift, 1, size=(4, 15)))
        assert (p_non_inferior(squares, -0.3) < 0.025) == (crossed(squares).lo > -0.3)
