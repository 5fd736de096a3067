import os

import pytest
import torch
from tiny import make_training, result, run
from torch import nn

from seglossbench.errors import InputError, JobError
from seglossbench.records import read_history
from seglossbench.training import device
from seglossbench.training.device import Accelerator, choose_device

CPU = torch.device("cpu")


def test_auto_is_a_device_that_is_there_and_others_are_refused():
    assert choose_device("auto").type in ("cpu", "cuda", "mps")
    if not torch.cuda.is_available():
        with pytest.raises(InputError, match=r"train\.device: 'cuda' is not available.*available: cpu"):
            choose_device("cuda")


@pytest.mark.parametrize(("precision", "dtype"), [("bf16", torch.bfloat16), ("fp16", torch.float16)])
def test_autocast_computes_in_the_precision_and_keeps_weights_and_gradients_in_float32(precision, dtype):
    training = make_training(precision=precision)
    accelerator = Accelerator(CPU, training.settings)
    network = accelerator.prepare(training.network)
    batch = accelerator.load(training.batches.batch(0, 0))
    with accelerator.autocast():
        logits = network(batch.image)
    assert logits.dtype == dtype
    loss = training.loss(logits, batch.truth)
    assert loss.dtype == torch.float32
    accelerator.backward(loss)
    optimiser = torch.optim.SGD(network.parameters(), 0.1)
    before = [weight.detach().clone() for weight in network.parameters()]
    norm = accelerator.step(optimiser, clip_norm=None)
    assert all(weight.grad.dtype == weight.dtype == torch.float32 for weight in network.parameters())
    # The scale of fp16 is gone from the gradients before the step: weights move by the rate times the gradient.
    moved = [(old - new.detach()) / 0.1 for old, new in zip(before, network.parameters(), strict=True)]
    assert torch.stack([part.norm() for part in moved]).norm().item() == pytest.approx(norm.item(), rel=1e-2)


def test_fp16_skips_a_step_whose_gradient_overflows_and_that_is_no_divergence():
    accelerator = Accelerator(CPU, make_training(precision="fp16").settings)
    weight = nn.Parameter(torch.ones(3))
    optimiser = torch.optim.SGD([weight], 0.1)
    scale = accelerator.scaler.get_scale()
    accelerator.backward(weight.sum())
    weight.grad[1] = torch.inf
    assert accelerator.step(optimiser, clip_norm=1.0).item() == 0
    assert weight.tolist() == [1, 1, 1]
    assert accelerator.scaler.get_scale() == scale / 2


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_trains_like_float32(tmp_path, precision):
    finals = []
    for name in ("float32", precision):
        run(tmp_path / name, epochs=6, precision=name)
        rows = read_history(tmp_path / name / "history.csv")
        finals.append([row.value for row in rows if (row.split, row.name) == ("train", "loss")])
    assert finals[0] != finals[1]
    assert finals[1] == pytest.approx(finals[0], abs=0.1)


def test_fp16_with_its_scale_goes_on_exactly(tmp_path):
    class Killed(BaseException):
        pass

    def kill(rows):
        if rows[0].epoch == 2:
            raise Killed

    run(tmp_path / "whole", precision="fp16")
    with pytest.raises(Killed):
        run(tmp_path / "broken", kill, precision="fp16")
    run(tmp_path / "broken", precision="fp16")
    assert result(tmp_path / "broken") == result(tmp_path / "whole")


def test_clipping_limits_the_step(tmp_path):
    accelerator = Accelerator(CPU, make_training().settings)
    weight = nn.Parameter(torch.zeros(4))
    accelerator.backward((weight * 10).sum())
    assert accelerator.step(torch.optim.SGD([weight], 1.0), clip_norm=2.0).item() == pytest.approx(20)
    assert weight.detach().norm().item() == pytest.approx(2, rel=1e-4)


@pytest.mark.parametrize(
    ("where", "patch_size", "is_last"),
    [("cpu", (8, 8, 8), True), ("cpu", (8, 8), False), ("mps", (8, 8, 8), False), ("mps", (8, 8), False)],
)
def test_channels_lie_last_only_where_that_was_measured_to_be_faster(where, patch_size, is_last):
    settings = make_training(patch_size=patch_size).settings
    assert Accelerator(torch.device(where), settings).is_channels_last is is_last


def test_weights_of_fewer_axes_stay_as_they_are_beside_channels_last():
    network = nn.Sequential(nn.Conv3d(2, 3, 3), nn.BatchNorm3d(3))
    network.register_parameter("scale", nn.Parameter(torch.ones(3, 1, 1, 1)))  # as 3D UX-Net has
    weight = network[0].weight
    before = weight.detach().clone()
    prepared = Accelerator(CPU, make_training(patch_size=(8, 8, 8)).settings).prepare(network)
    assert prepared[0].weight is weight
    assert weight.is_contiguous(memory_format=torch.channels_last_3d)
    assert torch.equal(weight, before)


def test_workers_are_for_gpus_unless_asked_for():
    settings = make_training().settings
    assert Accelerator(CPU, settings).workers == 0
    assert Accelerator(CPU, settings.model_copy(update={"workers": 3})).workers == 3


@pytest.mark.parametrize(("cpus", "workers"), [(1, 1), (4, 3), (64, 8)])
def test_a_gpu_is_fed_by_the_cpus_that_the_job_may_use(monkeypatch, cpus, workers):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(cpus)), raising=False)
    assert Accelerator(torch.device("mps"), make_training().settings).workers == workers


def test_memory_that_runs_out_is_told_in_one_line_with_the_remedy():
    with (
        pytest.raises(
            JobError, match=r"^out of memory on cpu, \d+ threads: 4.00 GiB more were needed; lower x$"
        ),
        device.memory_told(CPU, "lower x"),
    ):
        raise torch.OutOfMemoryError(
            "CUDA out of memory. Tried to allocate 4.00 GiB. GPU 0 has 79 GiB in all"
        )


def test_tf32_is_asked_for_by_name_and_of_nvidias_gpus_alone():
    settings = make_training(precision="tf32").settings
    with pytest.raises(InputError, match=r"^train\.precision: tf32 .* take float32$"):
        Accelerator(CPU, settings)


@pytest.mark.parametrize(("precision", "products"), [("float32", "ieee"), ("tf32", "tf32"), ("bf16", "ieee")])
def test_products_are_as_exact_as_the_precision_says_on_every_gpu(precision, products):
    places = torch.backends.cuda.matmul, torch.backends.cudnn.conv
    before = [place.fp32_precision for place in places]
    was_deterministic = torch.are_deterministic_algorithms_enabled()
    try:
        Accelerator(torch.device("cuda"), make_training(precision=precision).settings)
        assert [place.fp32_precision for place in places] == [products] * 2
    finally:
        torch.use_deterministic_algorithms(was_deterministic)
        for place, value in zip(places, before, strict=True):
            place.fp32_precision = value
