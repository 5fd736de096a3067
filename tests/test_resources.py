"""What jobs ask for: threads and GPUs, here and on a cluster."""

import pytest

from seglossbench import machine
from seglossbench.experiment import Experiment
from seglossbench.params import TrainParams
from seglossbench.resources import Place


def train(**changes):
    return TrainParams(epochs=1, steps_per_epoch=1, batch_size=1, patch_size=(16, 16), **changes)


@pytest.fixture
def place(project, monkeypatch):
    """A function that gives a machine of so many processors and GPUs, for the tiny experiment with changes of train."""

    def make(cpus, gpus, **changes):
        monkeypatch.setattr(machine, "allowed_cpus", lambda: cpus)
        monkeypatch.setattr(machine, "gpus", lambda: tuple(f"GPU-{index}" for index in range(gpus)))
        return Place.here(Experiment.load(overrides={"experiment": "tiny", "train": changes}).runs)

    return make


def test_without_a_gpu_a_training_asks_for_its_threads_alone(place):
    here = place(8, 0)
    assert (here.limit, here.gpu(train(threads=2)), here.threads(train(threads=2))) == (None, 0, 2)


def test_each_gpu_has_a_training_with_its_share_of_the_processors(place):
    here = place(16, 4)
    assert (here.limit, here.gpu(train()), here.threads(train())) == (4, 1, 4)
    assert (here.gpu(train(device="cpu")), here.threads(train(device="cpu"))) == (0, 1)
    assert here.threads(train(workers=1)) == 2
    assert place(4, 4).threads(train()) == 1, "processors that are too few keep no GPU idle"


def test_trainings_that_share_a_gpu_ask_for_a_part_of_it(place):
    here = place(16, 2, runs_per_gpu=3)
    assert here.limit == 6
    assert (here.gpu(train(runs_per_gpu=3)), here.threads(train(runs_per_gpu=3))) == (1, 2)
    assert here.gpu(train()) == 3, "one that shares none takes it whole"


def test_a_cluster_gives_a_training_a_gpu_and_processors_for_its_batches(monkeypatch):
    monkeypatch.setattr(machine, "gpus", lambda: pytest.fail("a login node's GPUs say nothing"))
    cluster = Place(is_cluster=True)
    assert cluster.limit is None
    assert (cluster.gpu(train(runs_per_gpu=3)), cluster.threads(train(threads=2))) == (1, 10)
    assert (cluster.gpu(train(device="cpu")), cluster.threads(train(device="cpu"))) == (0, 1)
