import pytest

from seglossbench import losses, params
from tests.conftest import PROJECT

NAMED = params.load(PROJECT / "params.yaml").losses


def test_params_name_the_losses_of_both_papers_as_the_parity_check_has_them():
    default = params.read(PROJECT / "params.yaml")["losses"]
    for name, spec in ((name, losses.LOSSES.load(name)) for name in losses.LOSSES.own):
        assert default[name] == spec, name


@pytest.mark.parametrize("name", NAMED)
def test_every_loss_of_the_params_can_be_built(name):
    assert losses.build(NAMED[name], voxels_per_class=(8, 4, 2)).weighted_terms
