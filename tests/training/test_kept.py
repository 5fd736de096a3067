"""Checkpoints are written beside the training: no step waits for the disk, and none changes what is written."""

import threading

import pytest
import torch
from tiny import make_training, result, run

from seglossbench.errors import JobError
from seglossbench.training import checkpoints
from seglossbench.training.device import Accelerator
from seglossbench.training.loop import train

PATIENCE = 20  # seconds, for what should come at once


def on_write(monkeypatch, act):
    """Have ``act`` called with each epoch in the writer's thread, before its checkpoint is serialised."""
    save = checkpoints.Series.save

    def save_after(self, epoch, state):
        act(epoch)
        save(self, epoch, state)

    monkeypatch.setattr(checkpoints.Series, "save", save_after)


def test_steps_go_on_while_a_checkpoint_is_written_and_do_not_change_it(tmp_path, monkeypatch):
    training, step = make_training(epochs=2), Accelerator.step
    kept, read, waited, stepped = [], [], [], threading.Event()

    def step_and_tell(self, *arguments):
        norm = step(self, *arguments)
        if kept:  # epoch 0 is over
            stepped.set()
        return norm

    def observe(rows):
        if rows[0].epoch == 0:
            kept.append({name: value.clone() for name, value in training.network.state_dict().items()})
        else:  # by now the checkpoint before is whole
            read.extend(checkpoints.Series(tmp_path / "slow", "resume", keep=2).read())

    monkeypatch.setattr(Accelerator, "step", step_and_tell)
    on_write(monkeypatch, lambda epoch: waited.append(stepped.wait(PATIENCE)))
    (tmp_path / "slow").mkdir()
    train(training, tmp_path / "slow", observe)
    assert waited[0], "no step was done while the disk was busy"
    ((epoch, state),) = read
    assert epoch == 0
    assert all(torch.equal(value, state["network"][name]) for name, value in kept[0].items())
    run(tmp_path / "quick", epochs=2)
    assert result(tmp_path / "slow") == result(tmp_path / "quick")


def test_one_checkpoint_is_written_at_a_time_and_all_before_the_end(tmp_path, monkeypatch):
    under_way, seen = [], []

    def count(epoch):
        under_way.append(epoch)
        seen.append(len(under_way))
        threading.Event().wait(0.02)
        under_way.remove(epoch)

    on_write(monkeypatch, count)
    run(tmp_path, epochs=4)
    assert seen == [1, 1, 1, 1]
    assert under_way == []


def test_what_stops_a_training_waits_for_the_checkpoint_under_way(tmp_path, monkeypatch):
    on_write(monkeypatch, lambda epoch: threading.Event().wait(0.2))
    step = Accelerator.step
    steps = []

    def stop_in_epoch_1(self, *arguments):
        steps.append(self)
        if len(steps) == 5:
            raise KeyboardInterrupt
        return step(self, *arguments)

    monkeypatch.setattr(Accelerator, "step", stop_in_epoch_1)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    assert [file.name[:13] for file in tmp_path.glob("resume-*.pt")] == ["resume-000000"]
    assert not any(thread.name.startswith("checkpoints") for thread in threading.enumerate())


@pytest.mark.parametrize("epoch", [1, 3])
def test_an_error_of_the_writer_ends_the_training(tmp_path, monkeypatch, epoch):
    def fail(written):
        if written == epoch:
            raise JobError("the disk is gone")

    on_write(monkeypatch, fail)
    seen = []
    with pytest.raises(JobError, match="the disk is gone"):
        run(tmp_path, lambda rows: seen.append(rows[0].epoch))
    assert seen == list(range(epoch + 1)), "no epoch is told whose one before has no checkpoint"
    assert not (tmp_path / "checkpoint.pt").exists()


def test_an_error_of_the_writer_hides_none_of_the_training(tmp_path, monkeypatch):
    def fail(epoch):
        raise JobError("the disk is gone")

    def stop(self, *arguments):
        raise ValueError("the training's own")

    on_write(monkeypatch, fail)

    def observe(rows):
        monkeypatch.setattr(Accelerator, "step", stop)

    with (
        pytest.warns(UserWarning, match="last checkpoint could not be written: the disk is gone"),
        pytest.raises(ValueError, match="the training's own"),
    ):
        run(tmp_path, observe)
