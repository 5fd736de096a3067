import numpy as np
import pytest
from scipy import stats

from seglossbench.statistics.crossed import (
    MeanSquares,
    crossed,
    mean_squares,
    on_logit_scale,
    p_value,
    satterthwaite,
)

# Seed means 2 and 4, case means 1, 3 and 5, no residual but for one pair of corners.
BY_HAND = np.array([[0.0, 2.0, 4.0], [2.0, 4.0, 6.0]])


def test_mean_squares_of_an_array_that_one_can_do_by_hand():
    squares = mean_squares(BY_HAND)
    # Seeds: 3 x (1 + 1) / 1; cases: 2 x (4 + 0 + 4) / 2; no residual.
    assert (squares.mean, squares.seed, squares.case) == (3, 6, 8)
    assert squares.residual == pytest.approx(0)


def test_the_mean_squares_are_those_of_an_analysis_of_variance():
    x = np.random.default_rng(0).normal(size=(4, 7))
    squares = mean_squares(x)
    total = ((x - x.mean()) ** 2).sum()
    assert 3 * squares.seed + 6 * squares.case + 18 * squares.residual == pytest.approx(total)


def test_the_half_width_adds_the_squares_of_both_parts():
    interval = crossed(mean_squares(BY_HAND))
    cases = stats.t.ppf(0.975, 2) ** 2 * 8 / 6
    seeds = stats.t.ppf(0.975, 1) ** 2 * 6 / 6
    assert interval.hi - interval.estimate == pytest.approx(np.sqrt(cases + seeds))
    assert interval.estimate - interval.lo == pytest.approx(np.sqrt(cases + seeds))
    assert interval.seed_share == pytest.approx(seeds / (cases + seeds))
    assert interval.case_share + interval.seed_share == pytest.approx(1)


def test_one_seed_gives_the_t_interval_over_the_cases_and_tells_nothing_of_seeds():
    x = np.array([[0.1, 0.4, 0.2, 0.6]])
    interval = crossed(mean_squares(x))
    expected = stats.ttest_1samp(x[0], 0)
    lo, hi = expected.confidence_interval(0.95)
    assert (interval.lo, interval.hi, interval.p) == pytest.approx((lo, hi, expected.pvalue))
    assert np.isnan(interval.seed_share)


def test_one_case_has_no_interval():
    interval = crossed(mean_squares([[0.2], [0.4]]))
    assert interval.estimate == pytest.approx(0.3)
    assert np.isnan([interval.lo, interval.hi, interval.p]).all()


def test_the_p_value_is_the_level_at_which_the_interval_just_reaches_zero():
    squares = mean_squares(np.random.default_rng(1).normal(0.8, 1, size=(50, 3, 12)))
    p = p_value(squares)
    assert ((p > 0) & (p < 1)).all()
    for index in (0, 17, 49):
        one = MeanSquares(*(getattr(squares, name)[index] for name in MeanSquares.__dataclass_fields__))
        interval = crossed(one, level=1 - p[index])
        nearer = interval.lo if one.mean > 0 else interval.hi
        assert nearer == pytest.approx(0, abs=1e-9)


def test_identical_losses_are_not_told_apart():
    interval = crossed(mean_squares(np.zeros((3, 5))))
    assert (interval.lo, interval.hi, interval.p) == (0, 0, 1)


def test_many_arrays_at_once_give_what_each_gives_alone():
    random = np.random.default_rng(2)
    arrays = [random.normal(size=(seeds, cases)) for seeds, cases in ((1, 4), (2, 9), (5, 3), (3, 1))]
    together = crossed(MeanSquares.stack(mean_squares(x) for x in arrays))
    for index, x in enumerate(arrays):
        alone = crossed(mean_squares(x))
        for name in ("estimate", "lo", "hi", "p", "seed_share"):
            np.testing.assert_allclose(getattr(together, name)[index], getattr(alone, name))


def test_the_logit_scale_keeps_an_interval_within_0_and_1():
    interval = crossed(mean_squares([[0.99, 0.9, 1.0], [0.98, 0.95, 1.0]]))
    assert interval.hi > 1
    on_logit = on_logit_scale(interval)
    assert interval.estimate == on_logit.estimate
    assert 0 < on_logit.lo < on_logit.estimate < on_logit.hi < 1
    perfect = on_logit_scale(crossed(mean_squares(np.ones((2, 3)))))
    assert (perfect.lo, perfect.hi) == (1, 1)


def test_satterthwaites_degrees_of_freedom_of_two_equal_samples_are_welchs():
    # With a case part of 0 all that is left are the seed means: S - 1 degrees of freedom.
    x = np.tile([[0.0], [1.0], [5.0]], 4) + np.array([[1, -1, 1, -1], [-1, 1, -1, 1], [0, 0, 0, 0]])
    variance, df = satterthwaite(mean_squares(x))
    assert df == pytest.approx(2)
    assert variance == pytest.approx(x.mean(1).var(ddof=1) / 3)


def test_satterthwaites_formula_by_hand():
    squares = MeanSquares(*(np.array(value) for value in (0.0, 6.0, 8.0, 2.0, 3.0, 5.0)))
    variance, df = satterthwaite(squares)
    assert variance == pytest.approx(12 / 15)
    assert df == pytest.approx(12**2 / (6**2 / 2 + 8**2 / 4 + 2**2 / 8))
