import pytest

from seglossbench.params import TrainParams
from seglossbench.training.schedule import learning_rate


def rates(epochs=4, **settings):
    params = TrainParams(
        epochs=epochs,
        steps_per_epoch=1,
        batch_size=1,
        patch_size=(8, 8, 8),
        optimiser={"learning_rate": 0.1},
        **settings,
    )
    return [learning_rate(epoch, params) for epoch in range(epochs)]


def test_schedules_by_hand():
    assert rates(schedule="constant") == pytest.approx([0.1] * 4)
    assert rates(schedule="poly") == pytest.approx([0.1, 0.1 * 0.75**0.9, 0.1 * 0.5**0.9, 0.1 * 0.25**0.9])
    assert rates(schedule="cosine") == pytest.approx([0.1, 0.0853553, 0.05, 0.0146447], rel=1e-5)


def test_warm_up_starts_at_a_tenth_and_ends_at_the_whole_rate():
    assert rates(schedule="constant", warm_up_epochs=2) == pytest.approx([0.01, 0.055, 0.1, 0.1])
