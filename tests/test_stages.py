from types import SimpleNamespace

import pytest

from seglossbench.errors import InputError
from seglossbench.experiment import Experiment
from seglossbench.stages import split_of


@pytest.mark.parametrize("checkpoint", ["last", "best"])
def test_the_best_epoch_needs_cases_for_validation(project, checkpoint):
    (project / "experiments" / "changed.yaml").write_text(
        f"train: {{checkpoint: {checkpoint}}}\ndatasets: {{brats_phantom: {{validation_fraction: 0}}}}"
    )
    dataset = Experiment.load(overrides={"experiment": "changed"}).dataset("brats_phantom")
    cases = {name: SimpleNamespace(name=name, patient=name, official=None) for name in "abcd"}
    if checkpoint == "last":
        assert split_of(dataset, SimpleNamespace(cases=cases)).validation == ()
    else:
        with pytest.raises(InputError, match=r"datasets\.brats_phantom: train\.checkpoint: best needs cases"):
            split_of(dataset, SimpleNamespace(cases=cases))
