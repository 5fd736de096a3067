import numpy as np

from seglossbench.randomness import seed_of, stream


def test_the_same_names_give_the_same_numbers_and_others_do_not():
    first, again, other = (stream("patches", "brats", seed).random(8) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_names_do_not_run_together():
    assert seed_of("ab", "c") != seed_of("a", "bc")


def test_streams_leave_the_global_state_alone():
    np.random.seed(0)  # noqa: NPY002 (the state that must not change)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    stream("x").random(100)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002
