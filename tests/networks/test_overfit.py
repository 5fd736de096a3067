"""Every network learns one phantom by heart."""

import pytest

from benchmarks.overfit import ENOUGH, overfit, small_runs
from seglossbench.vocabulary.architectures import CATALOGUE

FAST = ("dynunet", "med_next")  # the others are slow
RUNS = small_runs()


def test_every_architecture_has_a_size_for_a_cpu():
    assert {run.settings.architecture for run in RUNS.values()} == set(CATALOGUE)


@pytest.mark.parametrize(
    "network", [name if name in FAST else pytest.param(name, marks=pytest.mark.slow) for name in RUNS]
)
def test_every_network_learns_one_phantom_by_heart(network):
    curve = overfit(RUNS[network])
    assert curve[-1][1] > ENOUGH, curve
