"""Whole trainings, learning rates and degenerate maps against the released code's, by golden files."""

from pathlib import Path

import numpy as np
import pytest
import torch

from seglossbench.errors import InputError
from seglossbench.registry import TERMS
from seglossbench.training import parity

GOLDEN = Path(__file__).parents[1] / "golden" / "trajectories"
STEPS = 6


def archive(name):
    with np.load(GOLDEN / f"{name}.npz") as file:
        return dict(file)


def short(name, *losses):
    """The first steps of a golden training, in double precision, of some of its losses."""
    golden = archive(name)
    kept = {
        key: values[:STEPS] if key in ("order", "epoch", "lr") else values
        for key, values in golden.items()
        if "/" not in key or key.startswith("init/")
    }
    for loss in losses:
        for kind in ("loss", "gradient_norm", "weights"):
            kept[f"{kind}/{loss}/float64"] = golden[f"{kind}/{loss}/float64"][:STEPS]
    return kept


@pytest.fixture
def missed(tmp_path):
    """The values of a golden file, written here, that do not agree."""

    def missed(golden):
        np.savez(tmp_path / "some.npz", **golden)
        rows = parity.verify(tmp_path)
        assert rows
        return {row.value for row in rows if not row.passed}

    return missed


@pytest.mark.slow
def test_every_training_learning_rate_and_map_agrees():
    rows = parity.verify(GOLDEN)
    assert [row for row in rows if not row.passed] == []
    assert len(rows) == 61
    assert max(row.relative_error for row in rows if row.value.endswith("float64")) < 1e-7


def test_the_first_steps_of_both_papers_agree(missed):
    assert missed(short("a_4class_kernel3", "cwcd", "distmap_dice")) == set()
    assert missed(short("b_all_present", "rrw", "boundary_dice_gradual")) == set()


@pytest.mark.parametrize("kind", ["loss", "gradient_norm", "weights"])
def test_a_wrong_number_of_a_training_is_a_miss(missed, kind):
    golden = short("a_4class_kernel3", "cwcd", "ce")
    golden[f"{kind}/cwcd/float64"][3] *= 1 + 1e-5
    assert missed(golden) == {"cwcd, float64"}


def test_a_training_that_ends_elsewhere_is_a_miss(missed):
    golden = archive("b_all_present")
    final = {key: values for key, values in golden.items() if key.startswith("final/rrw/")}
    steps = {key: values for key, values in golden.items() if "/rrw/float64" in key}
    settings = {key: values for key, values in golden.items() if "/" not in key or key.startswith("init/")}
    assert missed(settings | steps | final) == set()
    final["final/rrw/conv1.weight"][0, 0, 0, 0] += 1e-4
    assert missed(settings | steps | final) == {"rrw, float64"}


def test_epochs_counted_from_1_are_a_miss(missed):
    golden = short("b_all_present", "rrw_dice_gradual", "rrw_dice")
    golden["epoch"] += 1
    assert missed(golden) == {"rrw_dice_gradual, float64"}


def test_another_optimiser_is_a_miss(missed, monkeypatch):
    monkeypatch.setattr(
        parity,
        "build_optimiser",
        lambda weights, options: torch.optim.AdamW(weights, weight_decay=options.weight_decay),
    )
    assert missed(short("a_4class_kernel3", "cwcd")) == {"cwcd, float64"}


def test_a_broken_loss_and_wrong_contours_are_misses(missed, monkeypatch):
    monkeypatch.setitem(TERMS.things, "rrw", lambda prediction, truth: prediction.p_truth.mean())
    golden = short("b_all_present", "rrw", "ce")
    golden["labels_half"][0, 0, 0, 0] += 1
    assert missed(golden) == {"labels_half", "rrw, float64"}


def test_learning_rates_of_both_papers_agree(missed, monkeypatch):
    golden = archive("schedules")
    assert missed(golden) == set()
    by_epoch = parity.learning_rate
    monkeypatch.setattr(parity, "learning_rate", lambda epoch, settings, step=0: by_epoch(epoch, settings))
    assert missed(golden) == {"paper_a/epoch0_steps5", "paper_a/epoch0_steps216"}


def test_degenerate_maps_agree_and_a_wrong_value_is_a_miss(missed):
    golden = archive("degenerate_maps")
    assert missed(golden) == set()
    golden["boundary"][1, 2, 3, 4] += 1e-3
    assert missed(golden) == {"boundary map: 0 1"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"adam": None}, r"some.npz: no array 'adam'"),
        ({"init/conv1.bias": None}, r"some.npz: loss/cwcd/float64: init/conv1.bias"),
        ({"loss/cwdc/float64": np.zeros(STEPS)}, r"some.npz: loss/cwdc/float64: .*did you mean 'cwcd'"),
    ],
)
def test_what_a_file_lacks_is_named(tmp_path, change, message):
    golden = {
        key: values
        for key, values in (short("a_4class_kernel3", "cwcd") | change).items()
        if values is not None
    }
    np.savez(tmp_path / "some.npz", **golden)
    with pytest.raises(InputError, match=message):
        parity.verify(tmp_path)


def test_an_unknown_schedule_is_named(tmp_path):
    np.savez(tmp_path / "some.npz", **{"paper_a/by_moon": np.zeros(3)})
    with pytest.raises(InputError, match=r"some.npz: unknown schedule 'paper_a/by_moon'"):
        parity.verify(tmp_path)
