import numpy as np
import pytest

from seglossbench.statistics.ranks import (
    groups_not_told_apart,
    kendall_tau,
    rank_intervals,
    ranks,
    redrawn_ranks,
    tied_with_best,
)

MEANS = [0.8, 0.9, 0.7, np.nan]
# Loss 1 is told from loss 2, and nothing else from anything.
BETTER = np.zeros((4, 4), bool)
BETTER[1, 2] = True


def test_ranks_follow_the_direction_of_the_metric():
    np.testing.assert_equal(ranks(MEANS, higher_is_better=True), [2, 1, 3, np.nan])
    np.testing.assert_equal(ranks([3.0, 1.0, 1.0], higher_is_better=False), [3, 1.5, 1.5])


def test_a_rank_interval_has_those_ranks_that_the_pairs_allow():
    first, last = rank_intervals(BETTER[:3, :3])
    assert (first.tolist(), last.tolist()) == ([1, 1, 2], [3, 2, 3])


def test_tied_with_the_best_is_who_is_not_told_from_it():
    assert tied_with_best(MEANS, BETTER, higher_is_better=True).tolist() == [True, True, False, False]
    assert not tied_with_best([np.nan], [[False]], higher_is_better=True).any()


def test_the_bars_of_a_critical_difference_diagram():
    assert groups_not_told_apart(MEANS, BETTER, higher_is_better=True) == [[1, 0], [0, 2]]
    assert groups_not_told_apart(MEANS, np.zeros((4, 4)), higher_is_better=True) == [[1, 0, 2]]


def test_redrawn_ranks_describe_how_often_each_loss_comes_first():
    random = np.random.default_rng(5)
    x = random.normal(0, 0.1, size=(3, 4, 20)) + np.array([0.0, 1.0, 0.0])[:, None, None]
    frequencies = redrawn_ranks(x, np.random.default_rng(0), higher_is_better=True)
    assert frequencies[1].tolist() == [1, 0, 0]
    np.testing.assert_allclose(frequencies.sum(0), 1)
    np.testing.assert_allclose(frequencies.sum(1), 1)
    again = redrawn_ranks(x, np.random.default_rng(0), higher_is_better=True)
    np.testing.assert_array_equal(frequencies, again)


def test_losses_that_are_the_same_share_their_ranks():
    x = np.ones((2, 3, 5))
    np.testing.assert_allclose(redrawn_ranks(x, np.random.default_rng(0), higher_is_better=False), 0.5)


def test_kendalls_tau_of_two_orders():
    assert kendall_tau([1, 2, 3, 4], [1, 2, 4, 3]) == pytest.approx(4 / 6)
    assert kendall_tau([1, 2, np.nan], [3, 4, 5]) == pytest.approx(1)
    assert np.isnan(kendall_tau([1, np.nan], [1, 2]))
