import numpy as np
import pytest
from scipy import stats

from seglossbench.statistics.spread import mean_ratio, sd_interval, sd_ratio, t_interval


def test_the_chi2_factors_of_a_deviation_over_few_seeds():
    assert sd_interval(1.0, 3) == pytest.approx((0.52, 6.28), abs=5e-3)
    assert sd_interval(2.0, 10) == pytest.approx((1.38, 3.65), abs=5e-3)
    assert np.isnan(sd_interval(1.0, 1)).all()


def test_the_jackknife_of_the_log_ratio_by_hand():
    one, other = np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0, 2.0])
    whole = np.log(np.std(one, ddof=1) / np.std(other, ddof=1))
    without = [np.log(abs(one[i] - one[j]) / abs(other[i] - other[j])) for i, j in ((1, 2), (0, 2), (0, 1))]
    pseudo = 3 * whole - 2 * np.array(without)
    half = stats.t.ppf(0.975, 2) * pseudo.std(ddof=1) / np.sqrt(3)
    ratio = sd_ratio(one, other)
    assert (ratio.estimate, ratio.lo, ratio.hi) == pytest.approx(
        tuple(np.exp([whole, whole - half, whole + half]))
    )
    assert ratio.p == pytest.approx(2 * stats.t.sf(abs(whole) / (half / stats.t.ppf(0.975, 2)), 2))


def test_two_seeds_give_a_ratio_and_no_test():
    ratio = sd_ratio([1.0, 2.0], [1.0, 3.0])
    assert ratio.estimate == pytest.approx(0.5)
    assert np.isnan([ratio.lo, ratio.hi, ratio.p]).all()


def test_a_loss_without_spread_has_no_ratio():
    assert np.isnan(sd_ratio([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]).estimate)
    assert np.isnan(sd_ratio([1.0], [2.0]).estimate)


def test_networks_narrow_the_interval_of_a_ratio():
    random = np.random.default_rng(6)
    one, other = random.normal(0, 2, (3, 6)), random.normal(0, 1, (3, 6))
    several, single = sd_ratio(one, other), sd_ratio(one[0], other[0])
    assert several.hi / several.lo < single.hi / single.lo


def test_a_number_per_run_is_compared_by_its_logarithm():
    ratio = mean_ratio([2.0, 4.0, 6.0], [1.0, 2.0, 2.0])
    expected = stats.ttest_rel(np.log([2, 4, 6]), np.log([1, 2, 2]))
    assert ratio.estimate == pytest.approx(12 ** (1 / 3))
    assert ratio.p == pytest.approx(expected.pvalue)
    assert np.isnan(mean_ratio([0.0, 1.0], [1.0, 1.0]).estimate)


def test_the_size_of_the_jackknife_is_about_its_level():
    random = np.random.default_rng(7)
    p = [sd_ratio(*random.normal(size=(2, 5))).p for _ in range(800)]
    assert np.mean(np.array(p) < 0.05) < 0.08


def test_the_t_interval_of_a_number_per_run():
    values = [3.0, 5.0, 4.0]
    assert t_interval(values) == pytest.approx((4.0, *stats.ttest_1samp(values, 0).confidence_interval()))
    assert t_interval([3.0])[0] == 3
    assert np.isnan(t_interval([3.0])[1:]).all()
