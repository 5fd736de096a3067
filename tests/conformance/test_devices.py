"""The checks of a device, on the CPU: that they can be right, and that they see what is wrong."""

import pytest
import torch

from seglossbench.cli import main
from seglossbench.conformance import check_device, devices
from seglossbench.conformance.devices import CHECKS, Steps

CPU = torch.device("cpu")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_cpu_passes(check):
    check(CPU)


def test_what_is_wrong_is_seen(monkeypatch):
    monkeypatch.setattr(devices, "CHECKS", (devices.a_training_is_the_same_twice, devices.memory_is_told))
    scale = iter(range(1, 100))
    batch = Steps.batch

    def drifting(self, step):
        made = batch(self, step)
        made.image.mul_(float(next(scale)))
        return made

    monkeypatch.setattr(Steps, "batch", drifting)
    outcomes = check_device(CPU)
    assert [bool(outcome.wrong) for outcome in outcomes] == [True, False]
    assert outcomes[0].wrong.startswith("other losses from the same seed")


def test_without_a_gpu_the_doctor_says_that_nothing_is_proven(capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(SystemExit) as ended:
        main(["doctor", "--gpu"])
    assert ended.value.code == 1
    assert "no GPU: nothing was tried, and nothing is proven" in capsys.readouterr().err


def test_the_doctor_shows_a_line_for_each_check(capsys, monkeypatch):
    monkeypatch.setattr(devices, "CHECKS", (devices.a_training_is_the_same_twice,))
    with pytest.raises(SystemExit) as ended:
        main(["doctor"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].startswith("torch ")
    assert shown[1] == "cpu  a training is the same twice  right"
