import pytest
import torch
from tiny import make_training, run
from torch import nn

from seglossbench.errors import InputError
from seglossbench.networks import build
from seglossbench.params import OptimiserParams
from seglossbench.records import read_history
from seglossbench.training import checkpoints
from seglossbench.training.loop import train
from seglossbench.training.optimiser import build_optimiser


def weights(network):
    return torch.cat([value.flatten() for value in network.state_dict().values()])


def history(folder):
    return {(row.epoch, row.split, row.name): row.value for row in read_history(folder / "history.csv")}


def test_history_tells_results_and_costs_of_every_epoch(tmp_path):
    run(tmp_path, epochs=2)
    values = history(tmp_path)
    names = [(split, name) for epoch, split, name in values if epoch == 1]
    assert names == [
        ("train", "loss"),
        ("train", "loss/ce"),
        ("train", "loss/dice"),
        ("train", "gradient_norm"),
        ("train", "learning_rate"),
        ("validation", "DSC/organ"),
        ("validation", "DSC/core"),
        ("validation", "DSC"),
        ("validation", "predicted_classes"),
        *(("cost", f"seconds/{part}") for part in ("data", "forward", "backward", "optimiser")),
        ("cost", "seconds/prediction"),
        ("cost", "seconds/scoring"),
        ("cost", "seconds"),
        ("cost", "waiting_share"),
        ("cost", "patches_per_second"),
        ("cost", "peak_memory_mb"),
    ]
    for epoch in (0, 1):
        parts = values[epoch, "train", "loss/ce"] + values[epoch, "train", "loss/dice"]
        assert values[epoch, "train", "loss"] == pytest.approx(parts, rel=1e-5)
        seconds = [value for key, value in values.items() if key[0] == epoch and "seconds/" in key[2]]
        assert all(value > 0 for value in seconds)
        assert sum(seconds) <= values[epoch, "cost", "seconds"]  # the first epoch imports what it uses first
        assert 50 < values[epoch, "cost", "peak_memory_mb"] < 50_000
    assert values[0, "train", "learning_rate"] == 0.05
    per_class = [values[1, "validation", f"DSC/{name}"] for name in ("organ", "core")]
    assert values[1, "validation", "DSC"] == pytest.approx(sum(per_class) / 2)


def test_every_step_of_a_warm_up_has_its_rate(tmp_path, monkeypatch):
    given = []
    take = torch.optim.Adam.step
    monkeypatch.setattr(
        torch.optim.Adam,
        "step",
        lambda self, *args: given.append(self.param_groups[0]["lr"]) or take(self, *args),
    )
    schedule = {"name": "constant", "warm_up_epochs": 1, "warm_up_from": 0.02}
    run(tmp_path, epochs=2, optimiser={"name": "Adam", "learning_rate": 0.05}, schedule=schedule)
    assert given == pytest.approx([0.02, 0.03, 0.04, 0.05, 0.05, 0.05])
    rates = {
        row.epoch: row.value for row in read_history(tmp_path / "history.csv") if row.name == "learning_rate"
    }
    assert rates == pytest.approx({0: 0.04, 1: 0.05})  # of an epoch's last step


def test_steps_are_counted_from_the_start(tmp_path):
    run(tmp_path, epochs=2)
    steps = {row.epoch: row.step for row in read_history(tmp_path / "history.csv")}
    assert steps == {0: 3, 1: 6}


def test_validation_scores_the_metrics_asked_for(tmp_path):
    run(tmp_path, epochs=1, validation_metrics=("DSC", "HD95"))
    values = history(tmp_path)
    assert {"DSC/core", "DSC", "HD95/core", "HD95"} <= {
        name for _, split, name in values if split == "validation"
    }
    assert values[0, "validation", "HD95"] > 1  # of a network that has seen three patches


def test_the_gradient_norm_is_that_before_clipping(tmp_path):
    run(tmp_path / "free", epochs=1, steps_per_epoch=1, clip_gradient_norm=None)
    run(tmp_path / "clipped", epochs=1, steps_per_epoch=1, clip_gradient_norm=1e-3)
    norms = [history(tmp_path / name)[0, "train", "gradient_norm"] for name in ("free", "clipped")]
    assert norms[0] == norms[1] > 1e-2


def test_training_lowers_the_loss(tmp_path):
    run(tmp_path, epochs=8)
    values = history(tmp_path)
    assert values[7, "train", "loss"] < 0.85 * values[0, "train", "loss"]


def test_best_weights_are_those_of_the_best_epoch(tmp_path):
    seen = []
    training = make_training(checkpoint="best", optimiser={"learning_rate": 0.5})
    network = train(training, tmp_path, lambda rows: seen.append(weights(training.network).clone())).network
    scores = [
        value
        for (_, split, name), value in history(tmp_path).items()
        if (split, name) == ("validation", "DSC")
    ]
    best = scores.index(max(scores))
    assert best < len(scores) - 1, "or the test would tell nothing"
    assert torch.equal(weights(network), seen[best])
    saved = checkpoints.load(tmp_path / "checkpoint.pt")["network"]
    assert torch.equal(weights(network), torch.cat([value.flatten() for value in saved.values()]))


def test_both_weights_are_kept_and_the_last_ones_given(tmp_path):
    settings = {"optimiser": {"learning_rate": 0.5}}
    given = {
        kept: weights(
            train(make_training(checkpoint=kept, **settings), tmp_path / kept, lambda rows: None).network
        )
        for kept in ("last", "best", "both")
    }
    assert not torch.equal(given["last"], given["best"]), "or the test would tell nothing"
    assert torch.equal(given["both"], given["last"])
    for file, kept in (("checkpoint.pt", "last"), ("checkpoint_best.pt", "best")):
        saved = checkpoints.load(tmp_path / "both" / file)["network"]
        assert torch.equal(torch.cat([value.flatten() for value in saved.values()]), given[kept])
    assert {file.name for file in (tmp_path / "both").iterdir()} == {
        "checkpoint.pt",
        "checkpoint_best.pt",
        "history.csv",
    }


def test_the_best_epoch_is_found_whichever_policy_names_the_dsc(tmp_path):
    settings = {"checkpoint": "best", "optimiser": {"learning_rate": 0.5}}
    results = []
    for empty in ("diagonal", "paper_a_released"):
        training = make_training(**settings)
        training.empty = empty
        results.append(weights(train(training, tmp_path / empty, lambda rows: None).network))
    assert torch.equal(*results)
    assert (2, "validation", "DSC_paper_a_released") in history(tmp_path / "paper_a_released")
    last = train(make_training(**settings | {"checkpoint": "last"}), tmp_path / "last", lambda rows: None)
    assert not torch.equal(weights(last.network), results[0]), "or the test would tell nothing"


def test_the_best_epoch_cannot_be_told_by_cases_without_a_class(tmp_path):
    training = make_training(checkpoint="best", epochs=1)
    training.empty = "drop"
    training.validation[0].labels[:] = 0
    for _ in range(2):  # also when it goes on
        with pytest.raises(InputError, match=r"checkpoint: best: validation has no DSC"):
            train(training, tmp_path, lambda rows: None)


def test_a_class_that_no_validation_case_has_is_in_no_mean(tmp_path, monkeypatch):
    training = make_training(epochs=1)
    prediction = training.validation[0].labels.copy()
    training.validation[0].labels[training.validation[0].labels == 2] = 1
    monkeypatch.setattr("seglossbench.training.validation.predict_volume", lambda *_, **__: prediction)
    tmp_path.mkdir(exist_ok=True)
    train(training, tmp_path, lambda rows: None)
    values = history(tmp_path)
    assert values[0, "validation", "DSC"] == values[0, "validation", "DSC/organ"] > 0.9
    assert (0, "validation", "DSC/core") not in values


def test_validation_follows_the_convention_of_hd95(tmp_path, monkeypatch):
    prediction = make_training().validation[0].labels.copy()
    prediction[9, 8] = 1  # 8 far voxels: more than 5% of this surface, less than 5% of both
    monkeypatch.setattr("seglossbench.training.validation.predict_volume", lambda *_, **__: prediction)
    found = []
    for hd95 in ("pooled", "max_directed"):
        training = make_training(epochs=1, validation_metrics=("HD95",))
        training.hd95 = hd95
        train(training, tmp_path / hd95, lambda rows: None)
        found.append(history(tmp_path / hd95)[0, "validation", "HD95/organ"])
    assert found[0] == 0 < found[1]


def test_without_validation_cases_there_is_no_validation(tmp_path):
    training = make_training(epochs=1, patch_size=(8, 8, 8))
    training.validation = []
    train(training, tmp_path, lambda rows: None)
    assert {split for _, split, _ in history(tmp_path)} == {"train", "cost"}


def test_test_cases_are_scored_every_so_often_and_choose_nothing(tmp_path):
    plain, scored = (
        make_training(epochs=5, checkpoint="best"),
        make_training(epochs=5, checkpoint="best", test_every=2),
    )
    scored.test = scored.validation[:1]
    ends = []
    for name, training in (("plain", plain), ("scored", scored)):
        (tmp_path / name).mkdir()
        ends.append(weights(train(training, tmp_path / name, lambda rows: None).network))
    assert torch.equal(*ends)
    rows = {name: history(tmp_path / name) for name in ("plain", "scored")}
    every_second = {key: value for key, value in rows["scored"].items() if key[1] == "test_by_epoch"}
    assert {epoch for epoch, _, name in every_second if name == "DSC"} == {1, 3, 4}
    # The same case is for validation, so the same numbers stand there.
    assert every_second == {
        (epoch, "test_by_epoch", name): rows["plain"][epoch, "validation", name]
        for epoch, _, name in every_second
    }
    assert [key for key in rows["scored"] if key[1] == "validation"] == [
        key for key in rows["plain"] if key[1] == "validation"
    ]


def test_deep_supervision_trains_every_head(tmp_path):
    training = make_training(epochs=1, patch_size=(8, 8, 8))
    training.network = build(
        "x",
        {"architecture": "DynUNet", "filters": [4, 8, 8], "deep_supervision": 1},
        patch_size=(8, 8, 8),
        in_channels=1,
        out_channels=3,
        seed=0,
    )
    before = {name: value.clone() for name, value in training.network.named_parameters()}
    network = train(training, tmp_path, lambda rows: None).network
    assert [name for name, value in network.named_parameters() if torch.equal(value, before[name])] == []


def test_adam_takes_its_betas():
    for name in ("Adam", "AdamW"):
        options = OptimiserParams(name=name, betas=(0.5, 0.7))
        optimiser = build_optimiser(iter([nn.Parameter(torch.tensor(1.0))]), options)
        assert optimiser.param_groups[0]["betas"] == (0.5, 0.7)


def test_batches_made_ahead_by_processes_change_no_digit(tmp_path):
    for workers in (0, 2):
        run(tmp_path / str(workers), workers=workers)
    one, other = (
        [row for row in read_history(tmp_path / name / "history.csv") if row.split != "cost"] for name in "02"
    )
    assert one == other


def test_global_random_numbers_are_left_alone(tmp_path):
    training = make_training()
    torch.manual_seed(7)
    before = torch.get_rng_state()
    train(training, tmp_path, lambda rows: None)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", ["Adam", "AdamW", "SGD"])
def test_optimisers_move_weights_downhill(name):
    parameter = nn.Parameter(torch.tensor(1.0))
    options = OptimiserParams(name=name, learning_rate=0.1, weight_decay=0)
    optimiser = build_optimiser(iter([parameter]), options)
    (parameter**2).backward()
    optimiser.step()
    assert parameter.item() < 1


def test_a_damaged_checkpoint_is_named(tmp_path):
    from seglossbench.errors import InputError

    checkpoints.save(tmp_path / "checkpoint.pt", {"network": {"w": torch.zeros(100)}})
    whole = (tmp_path / "checkpoint.pt").read_bytes()
    (tmp_path / "checkpoint.pt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"checkpoint\.pt: damaged"):
        checkpoints.load(tmp_path / "checkpoint.pt")
