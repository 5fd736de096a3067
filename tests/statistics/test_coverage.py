"""Whether the methods keep their word, by simulation with known truth. The generator is benchmarks/coverage.py's."""

import numpy as np
import pytest

from benchmarks.coverage import (
    SCENARIOS,
    by_case_bootstrap,
    by_crossed,
    coverage,
    coverage_of_mean,
    coverage_of_ratio,
    drawn,
)
from seglossbench.statistics.crossed import crossed, mean_squares
from seglossbench.statistics.multiplicity import holm
from seglossbench.statistics.ranks import rank_intervals
from seglossbench.statistics.spread import sd_ratio

SHORT = SCENARIOS["short trainings"]


@pytest.mark.parametrize(("seeds", "cases"), [(2, 20), (3, 10), (5, 50)])
def test_the_interval_of_a_difference_holds_the_truth(seeds, cases):
    assert 0.93 <= coverage(by_crossed, seeds, cases, SHORT, 1000) <= 0.99


def test_the_interval_of_a_ratio_holds_the_truth_with_distances_of_0_and_penalties():
    assert 0.93 <= coverage_of_ratio(3, 20, SHORT, 1000) <= 0.99


def test_a_bootstrap_over_cases_does_not():
    assert coverage(by_case_bootstrap, 3, 50, SCENARIOS["seeds dominate"], 300) < 0.5


def false_claims(deviations, losses, seeds, cases, replicates):
    """The share of experiments on equal losses in which any pair is told apart, and in which any rank is missed."""
    random = np.random.default_rng([losses, seeds, cases])
    x = drawn(deviations, losses, seeds, cases, replicates, random)
    pairs = [(a, b) for a in range(losses) for b in range(a)]
    interval = crossed(mean_squares(np.stack([x[:, a] - x[:, b] for a, b in pairs], axis=1)))
    false = missed = 0
    for p, estimate in zip(interval.p, interval.estimate, strict=True):
        better = np.zeros((losses, losses), bool)
        for (a, b), adjusted, found in zip(pairs, holm(p), estimate, strict=True):
            if adjusted < 0.05:
                better[(a, b) if found > 0 else (b, a)] = True
        first, last = rank_intervals(better)
        false += better.any()
        # Of equal losses every rank is true of each, so an interval that leaves one out is wrong.
        missed += not ((first == 1) & (last == losses)).all()
    return false / replicates, missed / replicates


def test_equal_losses_are_told_apart_in_no_more_than_their_share_of_experiments():
    false, missed = false_claims(SHORT, 5, 3, 20, 500)
    assert false <= 0.07
    assert missed <= 0.05 + 0.02


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
@pytest.mark.parametrize("cases", [6, 20, 100])
def test_differences_are_covered_in_every_scenario(scenario, seeds, cases):
    assert 0.93 <= coverage(by_crossed, seeds, cases, SCENARIOS[scenario], 4000) <= 0.99


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_means_are_covered_in_every_scenario(scenario, seeds):
    for cases in (10, 50):
        assert 0.92 <= coverage_of_mean(seeds, cases, SCENARIOS[scenario], 4000) <= 0.99


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_false_claims_are_rare_in_every_scenario(scenario, seeds):
    false, missed = false_claims(SCENARIOS[scenario], 5, seeds, 50, 1500)
    assert false <= 0.07
    assert missed <= 0.05 + 0.02


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize("draw", ["normal", "t4"])
def test_the_jackknife_of_two_equal_spreads_keeps_its_size(seeds, draw):
    random = np.random.default_rng(seeds)
    shape = (3000, 2, seeds)
    x = random.standard_normal(shape) if draw == "normal" else random.standard_t(4, shape)
    assert np.mean([sd_ratio(one, other).p < 0.05 for one, other in x]) <= 0.08
