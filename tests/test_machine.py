"""Which GPUs and processors a job may use, with a stand-in for nvidia-smi where there is none."""

import pytest

from seglossbench import machine

LISTING = """\
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-aaaa1111)
  MIG 3g.20gb     Device  0: (UUID: MIG-0001)
  MIG 3g.20gb     Device  1: (UUID: MIG-0002)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-bbbb2222)
GPU 2: NVIDIA A100-SXM4-40GB (UUID: GPU-cccc3333)
"""


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        (None, ("MIG-0001", "MIG-0002", "GPU-bbbb2222", "GPU-cccc3333")),
        ("2,1", ("GPU-cccc3333", "GPU-bbbb2222")),
        ("GPU-b", ("GPU-bbbb2222",)),
        ("MIG-0002", ("MIG-0002",)),
        ("0", ("MIG-0001", "MIG-0002")),
        ("1,-1,2", ("GPU-bbbb2222",)),  # CUDA stops at the first that is none
        ("1,7", ("GPU-bbbb2222",)),
        ("", ()),
        ("NoDevFiles", ()),
    ],
)
def test_gpus_are_those_that_cuda_would_use(visible, expected):
    assert machine.chosen(machine.listed(LISTING), visible) == expected


def test_nvidia_smi_is_asked_and_may_be_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    machine._listing.cache_clear()
    assert machine.gpus() == ()
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\necho '{LISTING}'\n")
    program.chmod(0o755)
    machine._listing.cache_clear()
    assert len(machine.gpus()) == 4
    machine._listing.cache_clear()


@pytest.mark.parametrize(
    ("cpus", "jobs", "expected"), [(16, 1, 8), (16, 4, 3), (4, 1, 3), (4, 4, 1), (1, 1, 1)]
)
def test_batch_workers_share_the_processors_that_the_job_may_use(cpus, jobs, expected, monkeypatch):
    monkeypatch.setattr(machine, "allowed_cpus", lambda: cpus)
    assert machine.batch_workers(1, jobs) == expected
