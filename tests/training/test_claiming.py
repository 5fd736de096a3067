"""Jobs that share the GPUs of a machine, which are faked: they have names and locks, and compute nothing."""

import os
import stat
import subprocess
import sys
import types
from contextlib import ExitStack

import pytest
import torch

from seglossbench.errors import JobError
from seglossbench.training import claiming
from seglossbench.training.claiming import claim_device, free_gpu


@pytest.fixture
def four_gpus(monkeypatch, tmp_path):
    chosen = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda index: types.SimpleNamespace(uuid=f"GPU-{index}")
    )
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    monkeypatch.setattr(claiming.free_gpu.__wrapped__, "__defaults__", (1, tmp_path, 0.01))
    return chosen


def test_every_job_claims_a_gpu_of_its_own(four_gpus):
    with claim_device("cuda") as one, claim_device("auto") as other:
        assert (str(one), str(other)) == ("cuda:0", "cuda:1")
    assert four_gpus == [0, 1]
    with claim_device("cuda") as again:
        assert str(again) == "cuda:0", "freed at the block's end"


def test_a_single_gpu_has_one_job_at_a_time(monkeypatch, four_gpus, capsys):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with ExitStack() as first:
        assert str(first.enter_context(claim_device("cuda"))) == "cuda:0"
        monkeypatch.setattr(claiming.time, "sleep", lambda seconds: first.close())
        with claim_device("cuda") as second:
            assert str(second) == "cuda:0"
    assert "the GPU is taken by other jobs; waiting" in capsys.readouterr().err


def test_small_trainings_share_gpus_as_many_as_asked_for_and_spread_first(four_gpus, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with ExitStack() as jobs:
        claimed = [str(jobs.enter_context(claim_device("cuda", 2))) for _ in range(4)]
        assert claimed == ["cuda:0", "cuda:1", "cuda:0", "cuda:1"]
        monkeypatch.setattr(claiming.time, "sleep", lambda seconds: jobs.close())
        with claim_device("cuda", 2) as fifth:  # waited until others ended
            assert str(fifth) == "cuda:0"
            with claim_device("cuda") as alone:
                assert str(alone) == "cuda:1", "who wants a GPU alone shares none"


def test_a_job_takes_a_free_part_of_a_divided_gpu(four_gpus, monkeypatch):
    monkeypatch.setattr(claiming.machine, "gpus", lambda: ("MIG-a", "MIG-b"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with claim_device("cuda"):
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "MIG-a"
        with claim_device("auto"):
            assert os.environ["CUDA_VISIBLE_DEVICES"] == "MIG-b"


def test_locks_of_gpus_are_for_all_users_of_a_machine(tmp_path):
    locks = tmp_path / "locks"
    former = os.umask(0o077)
    try:
        with free_gpu(["a"], locks=locks):
            pass
    finally:
        os.umask(former)
    assert stat.S_IMODE(locks.stat().st_mode) == 0o1777
    assert stat.S_IMODE((locks / "a.lock").stat().st_mode) == 0o666
    (locks / "a.lock").chmod(0o444)  # as a stranger has it where only its owner may write it
    with free_gpu(["a"], locks=locks) as index:
        assert index == 0


def test_a_lock_that_may_not_be_made_is_named_with_the_remedy(tmp_path, monkeypatch):
    def refuse(file, *_):
        raise PermissionError(13, "Permission denied", str(file))

    monkeypatch.setattr(claiming.os, "open", refuse)
    with (
        pytest.raises(JobError, match=r"a\.lock: no permission to lock a GPU; .* TMPDIR"),
        free_gpu(["a"], locks=tmp_path),
    ):
        pass


HOLD = """
import sys, time
from pathlib import Path
from seglossbench.training.claiming import free_gpu
with free_gpu(["a", "b"], locks=Path(sys.argv[1])) as index:
    print(index, flush=True)
    time.sleep(60)
"""


def test_a_job_that_is_killed_frees_its_gpu_to_the_one_that_waits(tmp_path, capsys, monkeypatch):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE, text=True
    ) as holder:
        check_that_a_killed_job_frees_its_gpu(holder, tmp_path, monkeypatch)
    assert "all 2 GPUs are taken by other jobs; waiting" in capsys.readouterr().err


def check_that_a_killed_job_frees_its_gpu(holder, tmp_path, monkeypatch):
    assert holder.stdout.readline() == "0\n"

    def kill_instead_of_sleeping(seconds):
        holder.kill()
        holder.wait()

    monkeypatch.setattr(claiming.time, "sleep", kill_instead_of_sleeping)
    with free_gpu(["a", "b"], locks=tmp_path) as one:
        assert one == 1
        assert holder.poll() is None
        with free_gpu(["a", "b"], locks=tmp_path) as other:
            assert other == 0
