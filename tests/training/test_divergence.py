import math

import numpy as np
import pytest
import torch
from tiny import CLASSES, make_case, make_training, result, run
from torch import nn

from seglossbench.params import CollapseParams, PredictParams
from seglossbench.prediction import predict_volume
from seglossbench.records import HistoryRow, read_history
from seglossbench.training.divergence import find_divergence
from seglossbench.training.loop import train


def validations(*predicted_classes):
    return [
        HistoryRow(epoch, 10 * epoch, "validation", "predicted_classes", float(count))
        for epoch, count in enumerate(predicted_classes)
    ]


@pytest.mark.parametrize(
    ("counts", "grace", "needed", "epoch"),
    [
        ((1, 1, 1, 1), 0, 2, 1),
        ((1, 1, 1, 1), 2, 2, 3),  # the first two do not count
        ((1, 2, 1, 1), 0, 2, 3),  # in a row
        ((1, 2, 1, 2), 0, 2, None),
        ((1, 1, 1, 1), 0, None, None),
        ((1, 1, 1, 1), 4, 1, None),
    ],
)
def test_collapse_is_one_class_in_so_many_validations_after_the_grace(counts, grace, needed, epoch):
    found = find_divergence(validations(*counts), CollapseParams(grace_epochs=grace, validations=needed))
    assert (found.epoch if found else None) == epoch
    assert found is None or "one class is predicted everywhere" in found.reason


@pytest.mark.parametrize(("validates", "ended"), [(False, 3), (True, None)])
def test_without_validation_the_scorings_of_the_test_cases_tell_of_a_collapse(
    tmp_path, monkeypatch, validates, ended
):
    monkeypatch.setattr(
        "seglossbench.training.validation.predict_volume",
        lambda network, image, *_, **__: (
            (image[0] > 0).astype(np.uint8) if image is not test.image else background
        ),
    )
    test, background = make_case("c"), np.zeros((10, 9, 8), np.uint8)
    training = make_training(epochs=5, test_every=2, collapse={"grace_epochs": 0, "validations": 2})
    training.test = [test]
    if not validates:
        training.validation = []
    divergence = train(training, tmp_path, lambda rows: None).divergence
    assert (divergence.epoch if divergence else None) == ended


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["loss", "gradient_norm"])
def test_a_number_that_is_none_is_a_divergence(name, value):
    history = [HistoryRow(0, 5, "train", name, 1.0), HistoryRow(1, 10, "train", name, value)]
    found = find_divergence(history, CollapseParams())
    assert found.epoch == 1
    assert found.reason == f"{name} is {value} in epoch 1, step 10"


def test_a_loss_that_becomes_nan_ends_the_training_with_a_result(tmp_path):
    training = make_training()
    calls = iter(range(100))
    head = training.network[-1]
    head.register_forward_hook(
        lambda module, inputs, output: output * math.nan if module.training and next(calls) == 4 else output
    )
    trained = train(training, tmp_path, lambda rows: None)
    assert trained.divergence.epoch == 1
    assert trained.divergence.reason == "loss is nan in epoch 1, step 4"
    history = read_history(tmp_path / "history.csv")
    assert {row.epoch for row in history} == {0, 1}
    assert any(row.epoch == 1 and row.name == "DSC" for row in history), "it is scored all the same"
    assert (tmp_path / "checkpoint.pt").exists()


def test_a_learning_rate_that_is_far_too_high_is_found(tmp_path):
    changes = {"optimiser": {"name": "SGD", "learning_rate": 1e30}, "clip_gradient_norm": None, "epochs": 50}
    divergence = run(tmp_path / "whole", **changes).divergence
    assert divergence.epoch < 5
    again = run(tmp_path / "whole", **changes).divergence  # as if killed just before its run was finished
    assert again == divergence


def test_a_collapsed_network_is_found(tmp_path):
    training = make_training(epochs=6, collapse={"grace_epochs": 1, "validations": 3})
    nn.init.zeros_(training.network[-1].weight)
    training.network[-1].requires_grad_(False)
    training.network[-1].bias.data = torch.tensor([9.0, 0.0, 0.0])
    trained = train(training, tmp_path, lambda rows: None)
    assert trained.divergence.epoch == 3
    assert "in 3 validations in a row up to epoch 3" in trained.divergence.reason


def fails_to_learn(**changes):
    """A training whose network predicts background only, which a second start mends."""
    training = make_training(epochs=4, restart={"epoch": 2}, **changes)
    training.new_weights = lambda: make_training().network
    nn.init.zeros_(training.network[-1].weight)
    training.network[-1].bias.data = torch.tensor([99.0, 0.0, 0.0])
    return training


def test_a_training_that_found_nothing_starts_again(tmp_path):
    train(fails_to_learn(), tmp_path / "bad", lambda rows: None)
    restarts = [row for row in read_history(tmp_path / "bad" / "history.csv") if row.name == "restarted"]
    assert restarts == [HistoryRow(2, 6, "train", "restarted", 1.0)]
    good = make_training(epochs=4, restart={"epoch": 2})
    good.new_weights = good.network.__class__  # would fail if it were called
    good.network[-1].bias.data = torch.tensor([0.0, 9.0, 0.0])
    train(good, tmp_path / "good", lambda rows: None)
    assert "restarted" not in {row.name for row in read_history(tmp_path / "good" / "history.csv")}


def test_a_second_start_is_the_same_after_an_interruption(tmp_path):
    def stop(rows):
        if rows[0].epoch == 2:
            raise KeyboardInterrupt

    train(fails_to_learn(), tmp_path / "whole", lambda rows: None)
    (tmp_path / "cut").mkdir()
    with pytest.raises(KeyboardInterrupt):
        train(fails_to_learn(), tmp_path / "cut", stop)
    train(fails_to_learn(), tmp_path / "cut", lambda rows: None)
    assert result(tmp_path / "cut") == result(tmp_path / "whole")


@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_a_broken_network_predicts_background(broken):
    class Broken(nn.Module):
        def forward(self, windows):
            logits = torch.zeros(len(windows), len(CLASSES), *windows.shape[2:])
            logits[:, 2] = broken
            return logits

    case = make_case("a")
    prediction = predict_volume(Broken(), case.image, (6, 6, 6), PredictParams(), torch.device("cpu"))
    assert prediction.shape == case.labels.shape
    assert np.unique(prediction).tolist() == [0]
