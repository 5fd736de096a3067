"""One function over many cases: by processes where that is worth their start, and here where it is not."""

import os
import signal
import time

import pytest

from seglossbench import parallel
from seglossbench.errors import JobError
from seglossbench.parallel import over_cases


def where(seconds):
    time.sleep(seconds)
    return os.getpid()


def kill_itself(case):
    os.kill(os.getpid(), signal.SIGKILL)


def test_little_work_starts_no_process():
    assert set(over_cases(where, [0.001] * 20, 2, "x")) == {os.getpid()}
    assert set(over_cases(where, [0.0], 2, "x")) == {os.getpid()}


def test_much_work_is_done_by_processes_after_the_first_cases_have_told_so(monkeypatch):
    monkeypatch.setattr(parallel, "STARTS_IN_SECONDS", 0.1)
    found = list(over_cases(where, [0.1] * 6, 2, "x"))
    assert found[:2] == [os.getpid()] * 2
    assert os.getpid() not in found[2:]


def test_results_come_in_the_order_of_the_cases(monkeypatch):
    monkeypatch.setattr(parallel, "STARTS_IN_SECONDS", 0.0)
    assert list(over_cases(abs, range(-9, 1), 3, "x")) == list(range(9, -1, -1))


def test_a_process_that_is_killed_is_told_in_one_line(monkeypatch):
    monkeypatch.setattr(parallel, "TRIED", 0)
    with pytest.raises(JobError, match=r"^maps: a process was killed .*; use fewer at a time$"):
        list(over_cases(kill_itself, [1, 2], 2, "maps"))
