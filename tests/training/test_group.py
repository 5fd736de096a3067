"""Trainings over two processes against one: gloo on the CPU, in place of NCCL on GPUs."""

import os
import signal
from functools import partial

import pytest
import torch
from tiny import make_training
from torch import nn

from seglossbench import losses
from seglossbench.errors import InputError, JobError
from seglossbench.params import TrainParams
from seglossbench.records import read_history
from seglossbench.training.group import ALONE, Group, together
from seglossbench.training.loop import train

CPU = torch.device("cpu")
LOSS = "cwcd"  # which pools over the batch


class TwoScales(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv3d(1, 4, 3, padding=1, bias=False), nn.InstanceNorm3d(4, affine=True), nn.LeakyReLU()
        )
        self.heads = nn.ModuleList(nn.Conv3d(4, 3, 1) for _ in range(2))

    def forward(self, x):
        features = self.body(x)
        finest = self.heads[0](features)
        return [finest, self.heads[1](features[..., ::2, ::2, ::2])] if self.training else finest


def training_of(group=ALONE, device=CPU):
    training = make_training(device, batch_size=4, epochs=2, devices=group.size)
    torch.manual_seed(0)
    training.network, training.loss, training.group = TwoScales(), losses.build(LOSS), group
    return training


def follow(folder, group, device):
    torch.set_num_threads(1)
    train(training_of(group, device), folder, lambda rows: None)


def curve(folder):
    return {
        (row.epoch, row.split, row.name): row.value
        for row in read_history(folder / "history.csv")
        if row.split != "cost"
    }


def test_two_processes_have_the_curve_of_one(tmp_path):
    one, two = (tmp_path / name for name in ("one", "two"))
    for folder in (one, two):
        folder.mkdir()
    alone = train(training_of(), one, lambda rows: None)
    seen = []
    with together([CPU, CPU], partial(follow, two)) as group:
        trained = train(training_of(group), two, seen.append)
    expected, found = curve(one), curve(two)
    assert found.keys() == expected.keys()
    assert found == pytest.approx(expected, rel=1e-5, abs=1e-6)
    for ours, theirs in zip(trained.network.parameters(), alone.network.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
    assert len(seen) == 2, "one process tells of each epoch"


def test_one_device_is_no_group():
    with together([CPU], follow) as group:
        assert group == Group()
        assert not torch.distributed.is_initialized()


def killed(group, device):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_that_is_killed_ends_the_training_in_one_line():
    def alone_at_last():
        with together([CPU, CPU], killed) as group:
            group.whole(torch.zeros(1, 2, 2, 2))

    with pytest.raises(JobError, match=r"^the process of cpu failed"):
        alone_at_last()
    assert not torch.distributed.is_initialized()


def test_batch_norm_over_processes_is_for_gpus():
    with pytest.raises(InputError, match=r"train\.devices: .* batch norm needs GPUs; take 1"):
        Group(0, 2).parallel(nn.BatchNorm2d(2), CPU)


def test_devices_share_a_batch_evenly():
    with pytest.raises(ValueError, match=r"devices: 2 must divide batch_size: 3"):
        TrainParams(epochs=1, steps_per_epoch=1, batch_size=3, patch_size=(8, 8), devices=2)
