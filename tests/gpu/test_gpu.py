"""What a GPU must do: ``make test-gpu``. Without one these tests are skipped, and nothing is proven of one.

What has a meaning on a CPU, too, is tried there by CI: the same function with the other device.
"""

import os
import signal
import subprocess
import sys
import time
from functools import partial

import pytest
import torch
from torch import nn

from benchmarks.overfit import small_runs
from seglossbench import losses, networks
from seglossbench.conformance.devices import CHECKS_OF_GPUS
from seglossbench.errors import JobError
from seglossbench.maps import Truth
from seglossbench.params import TrainParams
from seglossbench.records import read_history
from seglossbench.training import loop, parity
from seglossbench.training.batches import Batch
from seglossbench.training.device import Accelerator, memory_told
from seglossbench.training.group import together
from seglossbench.training.optimiser import build_optimiser
from seglossbench.training.prefetch import prefetched
from tests.conftest import PROJECT

sys.path.insert(0, str(PROJECT / "tests" / "training"))
import test_group
from tiny import make_training, result, run

on_gpu = pytest.mark.gpu
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU: nothing is proven of one")
needs_two = pytest.mark.skipif(torch.cuda.device_count() < 2, reason="no two GPUs: nothing is proven of them")
GPU = pytest.param("cuda", marks=[on_gpu, needs_gpu])
on_both = pytest.mark.parametrize("device", ["cpu", GPU])
NETWORKS = small_runs()
QUICK = ("dynunet", "unet", "u_net_a")  # the others take the CPU longer than CI has time for
on_both_by_network = pytest.mark.parametrize(
    ("network", "device"),
    [
        *(pytest.param(name, "cpu", marks=[] if name in QUICK else pytest.mark.long) for name in NETWORKS),
        *(pytest.param(name, "cuda", marks=[on_gpu, needs_gpu]) for name in NETWORKS),
    ],
)


@on_gpu
@needs_gpu
@pytest.mark.parametrize("check", CHECKS_OF_GPUS, ids=lambda check: check.__name__)
def test_device(check):  # of the CPU: tests/conformance/test_devices.py
    check(torch.device("cuda", 0))


@on_gpu
@needs_gpu
@pytest.mark.parametrize("folder", ["tests/golden", "tests/golden/trajectories"])
def test_the_released_codes_values(folder):
    missed = [row.value for row in parity.verify(PROJECT / folder, "cuda") if not row.passed]
    assert missed == []


@on_gpu
@needs_gpu
def test_batches_come_from_the_workers_in_page_locked_memory():
    batches = make_training().batches
    made = prefetched(batches.batch, [(0, step) for step in range(3)], 2, pin_memory=True)
    for step, batch in enumerate(made):
        assert batch.image.is_pinned()
        assert batch.truth.labels.is_pinned()
        assert torch.equal(batch.image, batches.batch(0, step).image)


class Stepped:
    """A network of the papers after two steps on the device."""

    def __init__(self, network, device, **settings):
        run = NETWORKS[network]
        patch = run.train.patch_size
        train = TrainParams(epochs=1, steps_per_epoch=2, batch_size=1, patch_size=patch, **settings)
        self.accelerator = Accelerator(torch.device(device), train)
        options = {"architecture": run.settings.architecture, **run.settings.options}
        made = networks.build(network, options, patch_size=patch, in_channels=4, out_channels=4, seed=0)
        self.network = self.accelerator.prepare(made).train()
        optimiser = build_optimiser(self.network.parameters(), train.optimiser)
        loss, self.losses = losses.build("ce_dice"), []
        with self.accelerator.own_randomness(0):  # of dropout
            for step in range(2):
                generator = torch.Generator().manual_seed(step)
                image = torch.rand(1, 4, *patch, generator=generator)
                labels = torch.randint(4, (1, *patch), generator=generator, dtype=torch.uint8)
                batch = self.accelerator.load(Batch(image, Truth(labels, 4)))
                optimiser.zero_grad()
                with self.accelerator.autocast():
                    logits = self.network(batch.image)
                value = sum(losses.supervised_terms(loss, logits, batch.truth).values())
                self.accelerator.backward(value)
                self.accelerator.step(optimiser, 12.0)
                self.losses.append(value.item())

    @property
    def weights(self):
        return torch.cat([value.detach().flatten().cpu() for value in self.network.parameters()])


@on_both_by_network
def test_every_network_steps_the_same_twice_bit_for_bit(network, device):
    first, second = Stepped(network, device), Stepped(network, device)
    assert first.losses == second.losses
    assert torch.equal(first.weights, second.weights)


@on_gpu
@needs_gpu
@pytest.mark.parametrize("precision", ["tf32", "bf16", "fp16"])
@pytest.mark.parametrize("network", NETWORKS)
def test_every_network_trains_in_every_precision(network, precision):
    """Of the CPU: tests/networks/test_compile.py, as the next one."""
    exact, found = Stepped(network, "cuda"), Stepped(network, "cuda", precision=precision)
    assert torch.isfinite(found.weights).all()
    assert found.losses == pytest.approx(exact.losses, rel=0.1)


@on_gpu
@needs_gpu
@pytest.mark.parametrize("network", NETWORKS)
def test_every_network_trains_compiled(network):
    torch.compiler.reset()
    plain, compiled = Stepped(network, "cuda"), Stepped(network, "cuda", compile=True)
    assert compiled.losses == pytest.approx(plain.losses, rel=1e-3)


class Enlarging(nn.Module):
    """As many write one: the gradient of linear interpolation has no deterministic kernel on CUDA."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv3d(1, 3, 2, 2), nn.Upsample(scale_factor=2, mode="trilinear"))

    def forward(self, image):
        return self.layers(image)


def train_enlarging(folder, **settings):
    training = make_training(device="cuda", epochs=1, **settings)
    training.network = Enlarging()
    folder.mkdir(exist_ok=True)
    loop.train(training, folder, lambda rows: None)


@on_gpu
@needs_gpu
def test_a_network_without_deterministic_kernels_warns_where_that_is_allowed(tmp_path):
    """That it is told when params are read, and marked in the report: tests/networks/test_determinism.py."""
    with pytest.raises(RuntimeError, match="upsample_trilinear3d_backward"):
        train_enlarging(tmp_path / "true", deterministic=True)
    with pytest.warns(UserWarning, match="upsample_trilinear3d_backward"):
        train_enlarging(tmp_path / "warn", deterministic="warn")
    train_enlarging(tmp_path / "false", deterministic=False)


@pytest.mark.parametrize(
    ("precision", "device"),
    [
        # of the CPU in CI: tests/training/test_resume.py
        *(pytest.param(each, "cpu", marks=pytest.mark.long) for each in ("float32", "bf16", "fp16")),
        *(
            pytest.param(each, "cuda", marks=[on_gpu, needs_gpu])
            for each in ("float32", "tf32", "bf16", "fp16")
        ),
    ],
)
def test_a_training_is_the_same_twice_and_after_a_kill(tmp_path, precision, device):
    changes = {"precision": precision, "device": device, "epochs": 8}
    whole, again = (result(tmp_path / name) for name in ("whole", "again") if run(tmp_path / name, **changes))
    assert whole == again
    script = f"from tiny import run; from pathlib import Path; run(Path({str(tmp_path / 'killed')!r}), **{changes!r})"
    process = subprocess.Popen([sys.executable, "-c", script], cwd=PROJECT / "tests" / "training")
    while process.poll() is None and not list((tmp_path / "killed").glob("resume*")):
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    run(tmp_path / "killed", **changes)
    assert result(tmp_path / "killed") == whole


@on_gpu
@needs_gpu
def test_workers_change_no_digit(tmp_path):  # of the CPU: tests/training/test_loop.py
    for workers in (0, 2):
        run(tmp_path / str(workers), workers=workers, device="cuda")
    assert result(tmp_path / "0") == result(tmp_path / "2")


@on_both
def test_steps_that_overflow_in_fp16_are_skipped_and_told(tmp_path, monkeypatch, device):
    scaler = torch.amp.GradScaler
    monkeypatch.setattr(
        torch.amp, "GradScaler", lambda kind, enabled: scaler(kind, init_scale=2.0**127, enabled=enabled)
    )
    run(tmp_path, precision="fp16", device=device, epochs=12, steps_per_epoch=10)
    told = [row.value for row in read_history(tmp_path / "history.csv") if row.name == "skipped_share"]
    assert told[0] == 1, "no step with so large a scale is done"
    assert told[-1] == 0, "the scale is halved until steps are done"


@on_both
def test_peak_memory_is_told_in_every_epoch(tmp_path, device):
    run(tmp_path, device=device)
    told = [row.value for row in read_history(tmp_path / "history.csv") if row.name == "peak_memory_mb"]
    assert len(told) == 4
    assert min(told) > 0


@on_gpu
@needs_gpu
def test_no_step_of_the_loop_waits_for_the_device(tmp_path, monkeypatch):
    """From the second step of an epoch to its last, in which torch raises where one waits."""
    steps = 6

    class Watching(loop.Progress):
        done = 0

        def step(self):
            super().step()
            self.done += 1
            torch.cuda.set_sync_debug_mode("error" if self.done % steps else "default")

    monkeypatch.setattr(loop, "Progress", Watching)
    training = make_training(device="cuda", steps_per_epoch=steps, workers=2)
    training.loss = losses.build("cwcd")
    try:
        loop.train(training, tmp_path, lambda rows: None)
    finally:
        torch.cuda.set_sync_debug_mode("default")


HOLD = """
import sys, time
from seglossbench.training.claiming import claim_device
with claim_device("cuda") as device:
    print(device, time.monotonic(), flush=True)
    time.sleep(2)
    print(time.monotonic(), flush=True)
"""


@on_gpu
@needs_gpu
def test_two_jobs_on_one_gpu_queue(tmp_path):  # of the CPU: tests/training/test_claiming.py
    first_gpu = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": first_gpu, "TMPDIR": str(tmp_path)}
    jobs = [
        subprocess.Popen([sys.executable, "-c", HOLD], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    spans = sorted([float(word) for word in job.communicate()[0].split() if ":" not in word] for job in jobs)
    assert spans[0][1] <= spans[1][0], "the second began before the first had ended"


@on_gpu
@needs_gpu
def test_a_training_that_does_not_fit_ends_in_one_line(tmp_path):
    training = make_training(device="cuda")
    training.network = nn.Sequential(nn.Conv3d(1, 3, 1), Hungry())
    with (
        pytest.raises(JobError, match=r"^out of memory on .*: [\d.]+ \w+ more were needed, .*GB; lower it$"),
        memory_told(torch.device("cuda", 0), "lower it"),
    ):
        loop.train(training, tmp_path, lambda rows: None)


class Hungry(nn.Module):
    """A layer that wants 64 TB."""

    def forward(self, logits):
        return logits + torch.empty(2**44, device=logits.device)[0]


@on_gpu
@needs_two
def test_two_gpus_have_the_curve_of_one(tmp_path):  # by gloo on a CPU: tests/training/test_group.py
    for name, count in (("one", 1), ("two", 2)):
        (tmp_path / name).mkdir()
        devices = [torch.device("cuda", index) for index in range(count)]
        with together(devices, partial(test_group.follow, tmp_path / name)) as group:
            loop.train(test_group.training_of(group, devices[0]), tmp_path / name, lambda rows: None)
    one, two = (test_group.curve(tmp_path / name) for name in ("one", "two"))
    assert two == pytest.approx(one, abs=1e-5)
