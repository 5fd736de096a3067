"""What was tried on a CPU, on a GPU: ``make test-gpu``. Without one every test is skipped, and nothing is proven."""

import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from seglossbench.conformance.devices import CHECKS_OF_GPUS
from seglossbench.training import parity
from seglossbench.training.prefetch import prefetched
from tests.conftest import PROJECT

sys.path.insert(0, str(PROJECT / "tests" / "training"))
from tiny import make_training, result, run

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU: nothing is proven of one"),
]
GPU = torch.device("cuda", 0)


@pytest.mark.parametrize("check", CHECKS_OF_GPUS, ids=lambda check: check.__name__)
def test_device(check):
    check(GPU)


@pytest.mark.parametrize("folder", ["tests/golden", "tests/golden/trajectories"])
def test_the_released_codes_values(folder):
    missed = [row.value for row in parity.verify(PROJECT / folder, "cuda") if not row.passed]
    assert missed == []


def test_batches_come_from_the_workers_in_page_locked_memory():
    batches = make_training().batches
    made = prefetched(batches.batch, [(0, step) for step in range(3)], 2, pin_memory=True)
    for step, batch in enumerate(made):
        assert batch.image.is_pinned()
        assert batch.truth.labels.is_pinned()
        assert torch.equal(batch.image, batches.batch(0, step).image)


@pytest.mark.parametrize("precision", ["float32", "tf32", "bf16", "fp16"])
def test_a_training_is_the_same_twice_and_after_a_kill(tmp_path, precision):
    changes = {"precision": precision, "device": "cuda"}
    whole, again = (result(tmp_path / name) for name in ("whole", "again") if run(tmp_path / name, **changes))
    assert whole == again
    script = f"from tiny import run; from pathlib import Path; run(Path({str(tmp_path / 'killed')!r}), **{changes!r})"
    process = subprocess.Popen([sys.executable, "-c", script], cwd=PROJECT / "tests" / "training")
    while process.poll() is None and not list((tmp_path / "killed").glob("resume*")):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    run(tmp_path / "killed", **changes)
    assert result(tmp_path / "killed") == whole


def test_workers_change_no_digit(tmp_path):
    for workers in (0, 2):
        run(tmp_path / str(workers), workers=workers, device="cuda")
    assert result(tmp_path / "0") == result(tmp_path / "2")
