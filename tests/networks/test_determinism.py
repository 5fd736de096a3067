"""Whoever asks a network for the same digits twice on a GPU is told before any hour is spent if it has no such."""

import pytest
import torch
from torch import nn

from seglossbench import networks
from seglossbench.conformance import check_named
from seglossbench.conformance.determinism import without_deterministic_kernel
from seglossbench.errors import InputError
from seglossbench.experiment import Experiment
from seglossbench.params import TrainParams
from seglossbench.records import run_in_progress
from seglossbench.stages.checking import check_dataset, check_runs
from seglossbench.stages.run_table import table_of_runs
from seglossbench.training.device import Accelerator
from seglossbench.vocabulary.architectures import CATALOGUE


class Enlarging(nn.Module):
    """A network as many write one: it enlarges by linear interpolation, whose gradient is not deterministic on CUDA."""

    def __init__(self, spatial_dims, in_channels, out_channels):
        super().__init__()
        convolution = {2: nn.Conv2d, 3: nn.Conv3d}[spatial_dims]
        mode = {2: "bilinear", 3: "trilinear"}[spatial_dims]
        self.layers = nn.Sequential(
            convolution(in_channels, out_channels, 2, 2), nn.Upsample(scale_factor=2, mode=mode)
        )

    def forward(self, image):
        return self.layers(image)


OPERATIONS = ("upsample_bilinear2d_backward", "upsample_trilinear3d_backward")


@pytest.fixture(params=[OPERATIONS, ()], ids=["declared", "undeclared"])
def declared(request):
    networks.ARCHITECTURES.add("Enlarging", Enlarging, nondeterministic_on_cuda=request.param)
    yield request.param
    del networks.ARCHITECTURES.things["Enlarging"]


def check(project, **train):
    """What is said when params are read and, of what does not tell by itself, before the preparation."""
    entry = {"architecture": "Enlarging", "train": train}
    overrides = {"experiment": "tiny", "networks": {"mine": entry}, "grid": {"networks": ["mine"]}}
    found = Experiment.load(overrides=overrides)
    check_dataset(found, found.datasets[0])
    check_runs(found, found.datasets[0], 4, 4)


def test_operations_are_found_by_a_training_step_that_computes_nothing():
    network = Enlarging(3, 1, 2).to("meta")
    assert without_deterministic_kernel(network, torch.empty(1, 1, 4, 4, 4, device="meta")) == OPERATIONS[1:]


def test_none_of_ours_has_any():
    assert {name for name, known in CATALOGUE.items() if known.nondeterministic_on_cuda} == set()


def test_the_suite_asks_for_a_declaration(declared):
    wrong = [outcome.wrong for outcome in check_named("Enlarging") if outcome.wrong]
    assert [OPERATIONS[0] in each for each in wrong] == ([] if declared else [True])


@pytest.mark.parametrize("train", [{}, {"device": "cuda"}])
def test_a_training_that_may_meet_a_gpu_is_refused_with_the_remedy(project, declared, train):
    message = r"mine: train.deterministic: true cannot be kept .*trilinear.*take warn"
    with pytest.raises(InputError, match=message):
        check(project, **train)


@pytest.mark.parametrize("train", [{"deterministic": "warn"}, {"deterministic": False}, {"device": "cpu"}])
def test_it_runs_where_the_user_allows_it_or_no_gpu_can_be(project, declared, train):
    check(project, **train)


@pytest.mark.parametrize("asked", [True, False, "warn"])
def test_a_gpu_is_asked_for_what_the_params_say(monkeypatch, asked):
    said = []
    monkeypatch.setattr(
        torch, "use_deterministic_algorithms", lambda mode, warn_only: said.append((mode, warn_only))
    )
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", False)
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")
    settings = TrainParams(epochs=1, steps_per_epoch=1, batch_size=1, patch_size=(8, 8), deterministic=asked)
    Accelerator(torch.device("cuda"), settings)
    assert said == [(bool(asked), asked == "warn")]


@pytest.mark.parametrize(
    ("asked", "device", "told"),
    [
        (True, "a GPU", "a GPU"),
        ("warn", "a GPU", "a GPU; other digits on every try, as train.deterministic: warn allows"),
        (False, "a GPU", "a GPU; other digits on every try, as train.deterministic: false allows"),
        (False, "cpu, 1 threads", "cpu, 1 threads"),
    ],
)
def test_a_run_that_need_not_give_the_same_digits_twice_is_marked_in_the_report(project, asked, device, told):
    run = Experiment.load(overrides={"experiment": "tiny", "train": {"deterministic": asked}}).runs[0]
    with run_in_progress(run.folder, {}, device):
        pass
    assert table_of_runs([run])["device"].tolist() == [told]
