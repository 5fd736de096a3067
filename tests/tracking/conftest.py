import pytest

from seglossbench.experiment import Experiment


@pytest.fixture
def runs(project):
    return Experiment.load(overrides={"experiment": "tiny"}).runs[:2]  # ce_dice and rrw_ce on one dataset


@pytest.fixture
def uri(project):
    return f"sqlite:///{project}/mlflow.db"
