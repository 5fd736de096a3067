import threading
import time

import pytest

from seglossbench.training.prefetch import prefetched


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_items_come_in_order_however_long_each_takes(workers):
    def make(index):
        time.sleep(0.002 * (5 - index % 5))
        return index

    assert list(prefetched(make, 12, workers)) == list(range(12))


def test_threads_work_ahead_by_two_each_and_no_further():
    made = []
    stream = prefetched(lambda index: made.append(index) or index, 50, 2)
    assert next(stream) == 0
    for _ in range(100):
        if len(made) == 5:
            break
        time.sleep(0.01)
    time.sleep(0.02)
    assert len(made) == 5  # 0 was taken, 1 to 4 wait
    stream.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("batches")]


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_reaches_the_training(workers):
    def make(index):
        if index == 3:
            raise ValueError("case x: broken")
        return index

    stream = prefetched(make, 5, workers)
    assert [next(stream) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="case x: broken"):
        next(stream)
