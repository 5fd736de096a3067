import numpy as np
import pytest

from benchmarks.coverage import SCENARIOS, drawn
from seglossbench.statistics.crossed import mean_squares, p_value
from seglossbench.statistics.spending import alpha_of_look, spent


def test_all_looks_together_spend_the_level():
    assert sum(alpha_of_look(seeds, 10) for seeds in range(1, 11)) == pytest.approx(0.05)
    assert alpha_of_look(1, 10) == 0
    assert alpha_of_look(2, 10) < 1e-4 < alpha_of_look(10, 10)
    assert spent(1) == pytest.approx(0.05)


def test_looking_after_every_seed_keeps_the_level_only_by_spending_it():
    random = np.random.default_rng(0)
    x = drawn(SCENARIOS["seeds dominate"], 2, 10, 30, 1000, random)
    difference = x[:, 0] - x[:, 1]
    looks = {seeds: p_value(mean_squares(difference[:, :seeds])) for seeds in range(2, 11)}
    naive = np.any([p < 0.05 for p in looks.values()], axis=0).mean()
    honest = np.any([p < alpha_of_look(seeds, 10) for seeds, p in looks.items()], axis=0).mean()
    assert honest <= 0.05 < 0.1 < naive
