import numpy as np
import pytest

from seglossbench.statistics.influence import class_means, equal_weights, influence_values

RANDOM = np.random.default_rng(3)
VALUES = RANDOM.random((3, 6, 4))
PRESENT = RANDOM.random((6, 4)) < 0.6
PRESENT[0] = False
PRESENT[1] = True
PRESENT[:, 3] = False


def mean_of_class_means():
    """The table's number, written down once more without influence values."""
    means = [
        np.mean([VALUES[:, case, k].mean() for case in range(6) if PRESENT[case, k]])
        for k in range(4)
        if PRESENT[:, k].any()
    ]
    return np.mean(means)


def test_the_grand_mean_is_exactly_the_mean_over_classes_of_their_case_means():
    x = influence_values(VALUES, PRESENT, equal_weights(PRESENT))
    assert x.shape == (3, PRESENT.any(1).sum())
    assert x.mean() == pytest.approx(mean_of_class_means(), abs=1e-15)


def test_values_where_the_class_does_not_count_change_nothing():
    wild = np.where(PRESENT, VALUES, np.nan)
    x = influence_values(wild, PRESENT, equal_weights(PRESENT))
    np.testing.assert_allclose(x, influence_values(VALUES, PRESENT, equal_weights(PRESENT)))


def test_where_all_cases_have_all_classes_the_values_are_the_cases_own_means():
    everywhere = np.ones((6, 4), bool)
    x = influence_values(VALUES, everywhere, equal_weights(everywhere))
    np.testing.assert_allclose(x, VALUES.mean(-1))


def test_one_class_alone_has_the_scores_of_the_cases_that_have_it():
    x = influence_values(VALUES, PRESENT, [0, 1, 0, 0])
    np.testing.assert_allclose(x, VALUES[:, PRESENT[:, 1], 1])


def test_a_patients_cases_are_one_unit_and_the_mean_stays_the_same():
    units = np.array(["p", "p", "q", "q", "r", "r"])
    everywhere = np.ones((6, 4), bool)
    x = influence_values(VALUES, everywhere, equal_weights(everywhere), units)
    np.testing.assert_allclose(x, VALUES.mean(-1).reshape(3, 3, 2).mean(-1))
    uneven = influence_values(VALUES, PRESENT, equal_weights(PRESENT), np.array(list("aabccc")))
    assert uneven.shape == (3, 3)
    assert uneven.mean() == pytest.approx(mean_of_class_means(), abs=1e-15)


def test_a_class_that_no_case_has_has_no_mean_and_no_weight():
    assert np.isnan(class_means(VALUES, PRESENT)[3])
    np.testing.assert_allclose(equal_weights(PRESENT), [1 / 3, 1 / 3, 1 / 3, 0])
