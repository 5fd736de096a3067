import pytest

from seglossbench.params import TrainParams
from seglossbench.training.schedule import learning_rate


def rates(epochs=4, **schedule):
    params = TrainParams(
        epochs=epochs,
        steps_per_epoch=1,
        batch_size=1,
        patch_size=(8, 8, 8),
        optimiser={"learning_rate": 0.1},
        schedule=schedule,
    )
    return [learning_rate(epoch, params) for epoch in range(epochs)]


def test_schedules_by_hand():
    assert rates(name="constant") == pytest.approx([0.1] * 4)
    assert rates(name="poly") == pytest.approx([0.1, 0.1 * 0.75**0.9, 0.1 * 0.5**0.9, 0.1 * 0.25**0.9])
    assert rates(name="cosine") == pytest.approx([0.1, 0.0853553, 0.05, 0.0146447], rel=1e-5)
    assert rates(name="step", milestones=[1, 3], factor=0.5) == pytest.approx([0.1, 0.05, 0.05, 0.025])


def test_warm_up_starts_at_its_own_rate_and_ends_at_the_whole():
    assert rates(name="constant", warm_up_epochs=2) == pytest.approx([0.01, 0.055, 0.1, 0.1])
    assert rates(name="constant", warm_up_epochs=2, warm_up_from=0) == pytest.approx([0, 0.05, 0.1, 0.1])


def test_the_rate_warms_up_with_every_step():
    params = TrainParams(
        epochs=3,
        steps_per_epoch=4,
        batch_size=1,
        patch_size=(8, 8),
        optimiser={"learning_rate": 0.9},
        schedule={"name": "constant", "warm_up_epochs": 2, "warm_up_from": 0.1},
    )
    by_step = [learning_rate(epoch, params, step) for epoch in range(3) for step in range(4)]
    assert by_step == pytest.approx([0.1 + 0.1 * step for step in range(8)] + [0.9] * 4)


def test_the_schedule_of_paper_a():
    schedule = {"name": "step", "milestones": [50, 150, 300, 400], "warm_up_epochs": 1, "warm_up_from": 1e-5}
    by_epoch = rates(epochs=500, **schedule)
    assert [by_epoch[epoch] / 0.1 for epoch in (1, 49, 50, 149, 150, 300, 400, 499)] == pytest.approx(
        [1, 1, 1 / 2, 1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 16]
    )
    assert by_epoch[0] == pytest.approx(1e-5)


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ({"name": "step"}, "needs some"),
        ({"name": "poly", "milestones": [1]}, "belong to the schedule step"),
        ({"name": "step", "milestones": [3, 1]}, "must ascend"),
    ],
)
def test_milestones_that_cannot_be_are_said(schedule, message):
    with pytest.raises(ValueError, match=message):
        rates(**schedule)
