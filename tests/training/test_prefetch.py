import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest
import torch

from seglossbench.errors import InputError, JobError
from seglossbench.training.prefetch import prefetched

PLACES = [(epoch, step) for epoch in range(2) for step in range(6)]


def slow(epoch, step):
    time.sleep(0.002 * (5 - step % 5))
    return torch.full((3,), 10 * epoch + step)


def noted(folder, index):
    Path(folder, str(index)).touch()
    return index


def broken(index):
    if index == 3:
        raise InputError("case x: broken")
    return index


def killed(index):
    if index == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return index


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_come_in_order_however_long_each_takes(workers):
    made = [int(batch[0]) for batch in prefetched(slow, PLACES, workers)]
    assert made == [10 * epoch + step for epoch, step in PLACES]


def test_workers_are_ahead_by_two_each_and_no_further(tmp_path):
    stream = prefetched(noted, [(str(tmp_path), index) for index in range(50)], 2)
    assert next(stream) == 0
    deadline = time.monotonic() + 20
    while len(list(tmp_path.iterdir())) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)
    assert len(list(tmp_path.iterdir())) == 5  # 0 was taken, 1 to 4 wait
    stream.close()
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("workers", [0, 1])
def test_an_error_reaches_the_training_as_it_was_raised(workers):
    stream = prefetched(broken, [(index,) for index in range(5)], workers)
    assert [next(stream) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(InputError, match=r"^case x: broken$"):
        next(stream)


def test_a_worker_that_is_killed_is_told_in_one_line():
    with pytest.raises(JobError, match=r"was killed.*train\.workers$"):
        list(prefetched(killed, [(index,) for index in range(5)], 1))
