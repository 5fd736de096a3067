import numpy as np
import pytest

from seglossbench.statistics.crossed import crossed, mean_squares
from seglossbench.statistics.power import (
    Components,
    Needed,
    cannot_be_planned,
    component_limits,
    components,
    power,
    seeds_needed,
    smallest_difference,
)

TOPOMORTAR = Components(0.040, 0.007, 0.040)


def drawn(parts, seeds, cases, random, difference=0.0):
    return (
        difference
        + random.normal(0, parts.seed, (seeds, 1))
        + random.normal(0, parts.case, (1, cases))
        + random.normal(0, parts.residual, (seeds, cases))
    )


@pytest.mark.parametrize(("seeds", "cases", "smallest"), [(2, 50, 0.106), (3, 10, 0.061), (10, 350, 0.009)])
def test_the_smallest_difference_of_topomortars_components(seeds, cases, smallest):
    found = smallest_difference(TOPOMORTAR, seeds, cases, np.random.default_rng(0))
    assert found == pytest.approx(smallest, rel=0.06)
    reached = power(found, TOPOMORTAR, seeds, cases, np.random.default_rng(1))
    assert reached == pytest.approx(0.8, abs=0.02)


def test_the_power_is_that_of_simulated_experiments():
    random = np.random.default_rng(2)
    x = np.stack([drawn(TOPOMORTAR, 3, 20, random, 0.04) for _ in range(1500)])
    found = (crossed(mean_squares(x)).p < 0.05).mean()
    assert power(0.04, TOPOMORTAR, 3, 20, random) == pytest.approx(found, abs=0.04)


def test_components_come_back_from_a_large_pilot():
    pilot = mean_squares(drawn(TOPOMORTAR, 60, 300, np.random.default_rng(3)))
    found = components(pilot)
    assert (found.case, found.seed, found.residual) == pytest.approx((0.04, 0.007, 0.04), rel=0.2)
    low, high = component_limits(pilot)
    assert low.case < found.case < high.case
    assert low.seed < found.seed < high.seed


def test_how_many_seeds_decide_is_a_range_and_the_same_every_time():
    pilot = mean_squares(drawn(TOPOMORTAR, 4, 60, np.random.default_rng(4)))
    needed = seeds_needed(0.025, pilot, np.random.default_rng(0))
    assert 2 <= needed.low <= needed.high
    assert needed == seeds_needed(0.025, pilot, np.random.default_rng(0))
    assert seeds_needed(1e-5, pilot, np.random.default_rng(0)).low == np.inf


def test_a_range_in_words():
    assert Needed(4, 20).in_words == "4 to 20 seeds"
    assert Needed(4, np.inf).in_words == "4 seeds or more"
    assert "cases" in Needed(np.inf, np.inf).in_words


def test_what_cannot_be_planned_says_why():
    assert "one seed" in cannot_be_planned(mean_squares(np.zeros((1, 4))), failures=False)
    assert "one case" in cannot_be_planned(mean_squares(np.zeros((4, 1))), failures=False)
    small = mean_squares(np.random.default_rng(0).normal(size=(3, 20)))
    assert cannot_be_planned(small, failures=False) == ""
    assert "failed" in cannot_be_planned(small, failures=True)
