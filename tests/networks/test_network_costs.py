"""The table of ``seglossbench list architectures`` holds what its networks are, counted anew."""

import pytest

from benchmarks.network_costs import count, settings
from seglossbench.registry import ARCHITECTURES
from seglossbench.vocabulary.architectures import describe_architectures
from seglossbench.vocabulary.network_costs import costs

SLOW = ("UNETR", "SwinUNETR", "VNet", "nn_former", "pdanet")  # many modules, or many weights that are drawn


@pytest.fixture(scope="module")
def of_papers():
    return settings()


def test_every_architecture_of_ours_has_its_costs():
    assert list(costs()) == list(ARCHITECTURES.own)


@pytest.mark.parametrize(
    "architecture",
    [pytest.param(name, marks=pytest.mark.long) if name in SLOW else name for name in ARCHITECTURES.own],
)
def test_costs_are_those_of_the_network(architecture, of_papers):
    known, found = costs()[architecture], count(architecture, **of_papers[architecture])
    assert found.parameters == known.parameters
    assert found.operations == known.operations
    assert found.activation_bytes == pytest.approx(known.activation_bytes, rel=0.02)
    assert (found.patch, found.channels, found.classes) == (known.patch, known.channels, known.classes)


def test_the_table_says_what_each_takes_and_costs():
    table = describe_architectures().split("\n\n")[0]
    lines = dict(line.split(maxsplit=1) for line in table.splitlines())
    assert "1,871,332" in lines["u_net_a"]
    assert "2D, 3D  32 x 32 x 16" in lines["nn_former"]
    assert "4 x 160 x 160 x 128 -> 4" in lines["pdanet"]
