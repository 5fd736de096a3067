from types import SimpleNamespace

import pytest
import torch
from torch import nn

from seglossbench import losses
from seglossbench.params import MapsParams, PredictParams, TrainParams
from seglossbench.records import read_history
from seglossbench.training import checkpoints
from seglossbench.training.batches import PatchBatches
from seglossbench.training.loop import Training, build_optimiser, train


class Killed(BaseException):
    pass


@pytest.fixture
def training(cases):
    """A function that makes a training of a tiny network, always with the same weights."""

    def make(**changes):
        defaults = {"epochs": 4, "steps_per_epoch": 3, "batch_size": 1, "patch_size": (6, 6, 6)}
        settings = TrainParams(**(defaults | {"optimiser": {"learning_rate": 0.05}} | changes))
        torch.manual_seed(0)
        return Training(
            network=nn.Sequential(nn.Conv3d(1, 4, 3, padding=1), nn.LeakyReLU(), nn.Conv3d(4, 3, 1)),
            loss=losses.build({"ce": 1.0, "dice": 1.0}),
            batches=PatchBatches(cases[:1], {}, (), 3, settings, MapsParams(), dataset="x", seed=0),
            validation=cases[1:],
            classes=("background", "organ", "core"),
            settings=settings,
            predict=PredictParams(),
            device=torch.device("cpu"),
        )

    return make


def weights(network):
    return torch.cat([value.flatten() for value in network.state_dict().values()])


def history(folder):
    return [row for row in read_history(folder / "history.csv") if row.name != "seconds"]


def test_an_interrupted_training_ends_as_if_it_had_not_been(training, tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for folder in (whole, broken):
        folder.mkdir()
    expected = train(training(), whole, lambda rows: None)

    def kill_in_epoch_2(rows):
        if rows[0].epoch == 2:
            raise Killed

    with pytest.raises(Killed):
        train(training(), broken, kill_in_epoch_2)
    assert not (broken / "checkpoint.pt").exists()
    resumed = train(training(), broken, lambda rows: None)
    assert torch.equal(weights(resumed), weights(expected))
    assert history(broken) == history(whole)
    assert sorted(file.name for file in broken.iterdir()) == ["checkpoint.pt", "history.csv"]


def test_history_tells_losses_by_term_rate_and_scores(training, tmp_path):
    train(training(epochs=2), tmp_path, lambda rows: None)
    rows = {(row.epoch, row.split, row.name): row for row in read_history(tmp_path / "history.csv")}
    assert rows[0, "train", "loss"].value == pytest.approx(
        rows[0, "train", "loss/ce"].value + rows[0, "train", "loss/dice"].value, rel=1e-5
    )
    assert rows[0, "train", "learning_rate"].value == 0.05
    per_class = [rows[1, "validation", f"DSC/{name}"].value for name in ("organ", "core")]
    assert rows[1, "validation", "DSC"].value == pytest.approx(sum(per_class) / 2)
    assert rows[1, "train", "loss"].step == 6


def test_training_lowers_the_loss(training, tmp_path):
    train(training(epochs=8), tmp_path, lambda rows: None)
    losses_by_epoch = [row.value for row in history(tmp_path) if row.name == "loss"]
    assert losses_by_epoch[-1] < 0.85 * losses_by_epoch[0]


def test_best_weights_are_those_of_the_best_epoch(training, tmp_path):
    seen = []
    training = training(checkpoint="best", optimiser={"learning_rate": 0.5})
    network = train(training, tmp_path, lambda rows: seen.append(weights(training.network).clone()))
    scores = [row.value for row in history(tmp_path) if (row.split, row.name) == ("validation", "DSC")]
    best = scores.index(max(scores))
    assert torch.equal(weights(network), seen[best])
    saved = checkpoints.load(tmp_path / "checkpoint.pt")["network"]
    assert torch.equal(weights(network), torch.cat([value.flatten() for value in saved.values()]))


def test_without_validation_cases_there_is_no_validation(training, tmp_path):
    training = training(epochs=1)
    training.validation = []
    train(training, tmp_path, lambda rows: None)
    assert {row.split for row in history(tmp_path)} == {"train"}


@pytest.mark.parametrize("name", ["Adam", "AdamW", "SGD"])
def test_optimisers_move_weights_downhill(training, name):
    parameter = nn.Parameter(torch.tensor(1.0))
    settings = training(optimiser={"name": name, "learning_rate": 0.1, "weight_decay": 0}).settings
    optimiser = build_optimiser(SimpleNamespace(parameters=lambda: iter([parameter])), settings)
    (parameter**2).backward()
    optimiser.step()
    assert parameter.item() < 1


def test_a_damaged_checkpoint_is_named(tmp_path):
    from seglossbench.errors import InputError

    checkpoints.save(tmp_path / "resume.pt", {"network": {"w": torch.zeros(100)}})
    whole = (tmp_path / "resume.pt").read_bytes()
    (tmp_path / "resume.pt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"resume\.pt: damaged"):
        checkpoints.load(tmp_path / "resume.pt")
