import numpy as np
import pytest
from scipy import stats

from seglossbench.statistics.multiplicity import holm
from seglossbench.statistics.proportions import boschloo, clopper_pearson, none_seen


def test_holms_p_values_by_hand():
    # 4 x .01, 3 x .02, 2 x .03 (no less than the one before), 1 x .5
    np.testing.assert_allclose(holm([0.5, 0.01, 0.03, 0.02]), [0.5, 0.04, 0.06, 0.06])


def test_what_was_not_tested_is_not_in_the_family():
    np.testing.assert_allclose(holm([np.nan, 0.03, 0.02]), [np.nan, 0.04, 0.04])
    assert holm([]).size == 0


@pytest.mark.parametrize(("events", "trials"), [(0, 5), (2, 5), (3, 10), (10, 10)])
def test_clopper_pearson_is_scipys(events, trials):
    exact = stats.binomtest(events, trials).proportion_ci(method="exact")
    assert clopper_pearson(events, trials) == pytest.approx((exact.low, exact.high))


def test_the_shares_that_are_printed_beside_no_failure():
    assert clopper_pearson(0, 5)[1] == pytest.approx(0.522, abs=5e-4)
    assert none_seen(20) == pytest.approx(0.139, abs=5e-4)


def test_boschloo_takes_4_of_5_against_0_of_5_to_be_significant():
    assert boschloo((4, 0), (5, 5)) < 0.05 < boschloo((3, 0), (5, 5))
    assert boschloo((0, 0), (5, 8)) == 1
    assert np.isnan(boschloo((0, 0), (0, 8)))
    table = [[7, 12], [8, 3]]
    assert boschloo((7, 12), (15, 15)) == pytest.approx(stats.boschloo_exact(table).pvalue)
