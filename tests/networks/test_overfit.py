"""Every network learns one phantom by heart, and docs/images/overfit.png shows that it did."""

import pandas as pd
import pytest

from benchmarks.overfit import CURVES, ENOUGH, overfit, small_runs
from seglossbench.vocabulary.architectures import CATALOGUE

FAST = ("unet", "segresnet")  # the others are long
RUNS = small_runs()


def test_every_architecture_has_a_size_for_a_cpu():
    assert {run.settings.architecture for run in RUNS.values()} == set(CATALOGUE)


@pytest.mark.parametrize(
    "network", [name if name in FAST else pytest.param(name, marks=pytest.mark.long) for name in RUNS]
)
def test_every_network_learns_one_phantom_by_heart(network):
    curve = overfit(RUNS[network])
    assert curve[-1][1] > ENOUGH, curve


def test_the_picture_is_of_all_networks_and_each_learnt_it():
    curves = pd.read_csv(CURVES)
    assert set(curves.network) == set(RUNS)
    last = curves.groupby("network").DSC.last()
    assert last.min() > ENOUGH, last
