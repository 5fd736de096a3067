import numpy as np
import pandas as pd
import pytest
from scipy.stats import boschloo_exact

from seglossbench.analysis.arrays import cubes_of
from seglossbench.analysis.cubes import ALL
from seglossbench.analysis.curves import curves, curves_of_runs
from seglossbench.analysis.run_numbers import of_runs
from seglossbench.analysis.stability import stability, stability_pairs
from seglossbench.vocabulary.tables import HISTORIES
from tests.analysis.made_scores import drawn

LOSSES, NETWORKS, SEEDS, EPOCHS = ("calm", "wild"), ("n", "m"), range(6), 40


def made_histories():
    random = np.random.default_rng(0)
    rows = []
    for network in NETWORKS:
        for loss in LOSSES:
            for seed in SEEDS:
                for epoch in range(EPOCHS):
                    key = ("d", network, loss, str(seed), epoch, 10 * (epoch + 1))
                    swing = {"calm": 0.01, "wild": 0.04}[loss] * random.normal()
                    rows += [
                        (*key, "train", "loss", 1 / (epoch + 1)),
                        (*key, "train", "gradient_norm", np.exp(swing)),
                        (*key, "validation", "DSC", 0.8 * (1 - np.exp(-epoch / 5)) + swing),
                        (*key, "validation", "DSC/liver", 0.5),
                        (*key, "cost", "seconds", {"calm": 36.0, "wild": 72.0}[loss]),
                        (*key, "cost", "peak_memory_mb", 100.0 + epoch),
                    ]
    return pd.DataFrame(rows, columns=list(HISTORIES))


def made_runs(scores):
    runs = scores[["dataset", "network", "loss", "seed"]].drop_duplicates(ignore_index=True)
    runs["state"], runs["reason"] = "DONE", ""
    wild = runs["loss"] == "wild"
    runs.loc[wild & (runs["seed"] == "1"), ["state", "reason"]] = (
        "DIVERGED",
        "loss is nan in epoch 3, step 40",
    )
    collapse = "one class is predicted everywhere in 3 validations in a row up to epoch 9"
    runs.loc[wild & (runs["seed"] == "2"), ["state", "reason"]] = ("DIVERGED", collapse)
    return runs


@pytest.fixture(scope="module")
def numbers():
    calm = drawn({"calm": 0}, networks=NETWORKS, seeds=6, seed_sd=0.02)
    wild = drawn({"wild": 0}, networks=NETWORKS, seeds=6, seed_sd=0.6, random=1)
    scores = pd.concat([calm, wild], ignore_index=True)
    histories = made_histories()
    return of_runs(made_runs(scores), cubes_of(scores), histories, curves_of_runs(histories, "DSC"), "DSC")


def row_of(table, **where):
    found = table[np.logical_and.reduce([table[key] == value for key, value in where.items()])]
    assert len(found) == 1
    return found.iloc[0]


def test_a_mean_curve_has_an_interval_over_its_runs_by_epoch_and_by_hour():
    of_run = curves_of_runs(made_histories(), "DSC")
    assert set(of_run["curve"]) == {"train_loss", "gradient_norm", "val_DSC"}
    table = curves(of_run)
    last = row_of(table, network="n", loss="calm", curve="val_DSC", axis="epoch", x=EPOCHS)
    values = of_run[
        (of_run["network"] == "n") & (of_run["loss"] == "calm") & (of_run["curve"] == "val_DSC")
        & (of_run["epoch"] == EPOCHS)
    ]["value"]  # fmt: skip
    assert last["mean"] == pytest.approx(values.mean())
    assert last["sd"] == pytest.approx(values.std(ddof=1))
    assert (last["kind"], last["runs"]) == ("interval", 6)
    assert last["lo"] < last["mean"] < last["hi"]
    hours = table[(table["loss"] == "wild") & (table["axis"] == "hours")]
    assert hours["x"].max() == pytest.approx(EPOCHS * 72 / 3600)


def test_of_two_runs_a_curve_has_their_range_and_no_run_is_drawn_beyond_its_end():
    rows = [
        ("d", "n", "a", seed, epoch, 0, "validation", "DSC", 0.1 * int(seed) + 0.01 * epoch)
        for seed, epochs in (("1", 5), ("2", 9))
        for epoch in range(epochs)
    ]
    table = curves(curves_of_runs(pd.DataFrame(rows, columns=list(HISTORIES)), "DSC"))
    assert set(table["axis"]) == {"epoch"}  # no cost was recorded
    first, last = table.iloc[0], table.iloc[-1]
    assert (first["lo"], first["hi"], first["kind"], first["runs"]) == (0.1, 0.2, "range", 2)
    assert (last["x"], last["runs"], last["mean"]) == (9, 1, pytest.approx(0.28))


def test_the_numbers_of_a_run(numbers):
    run = row_of(numbers, network="n", loss="calm", seed="0")
    assert run["late_swing"] == pytest.approx(0.01, rel=0.6)
    assert run["s_per_epoch"] == 36
    assert run["peak_mb"] == 139
    assert run["hours"] == pytest.approx(0.4)
    assert run["hours_to_95"] == pytest.approx(run["epochs_to_95"] * 36 / 3600)
    assert 0.5 < run["area"] < 0.8
    assert run["area_hours"] == pytest.approx(run["area"])  # all of its epochs take the same time
    assert 0 < run["score"] < 1


def test_diverged_and_collapsed_runs_are_counted_with_an_exact_interval(numbers):
    table = stability(numbers, baseline="calm")
    wild = row_of(table, network="n", loss="wild")
    assert wild[["runs", "failed", "diverged", "collapsed", "restarted"]].tolist() == [6, 2, 1, 1, 0]
    assert wild["restarted_hi"] == pytest.approx(0.459, abs=1e-3)
    assert wild["failed_hi"] == pytest.approx(0.777, abs=1e-3)
    assert row_of(table, network=ALL, loss="wild")["failed"] == 4
    assert row_of(table, network="n", loss="calm")["failed_hi"] == pytest.approx(0.459, abs=1e-3)
    assert wild["ratio_to_baseline"] == pytest.approx(2)


def test_spread_over_seeds_is_pooled_over_networks(numbers):
    table = stability(numbers)
    each = [row_of(table, network=network, loss="wild")["sd"] for network in NETWORKS]
    pooled = row_of(table, network=ALL, loss="wild")
    assert pooled["sd"] == pytest.approx(np.sqrt(np.mean(np.square(each))))
    assert pooled["sd_lo"] < pooled["sd"] < pooled["sd_hi"]


def test_the_calmer_loss_is_told_by_spread_and_by_late_swing(numbers):
    table = stability_pairs(numbers)
    spread = row_of(table, network=ALL, quantity="sd")
    assert spread["estimate"] < 0.3
    assert spread["steadier"] == "calm"
    assert (spread["seeds"], spread["networks"]) == (6, 2)
    assert row_of(table, network="n", quantity="late_swing")["steadier"] == "calm"
    assert row_of(table, network="n", quantity="s_per_epoch")["estimate"] == pytest.approx(0.5)
    failed = row_of(table, network=ALL, quantity="failed")
    assert failed["estimate"] == pytest.approx(-4 / 12)
    assert failed["test"] == "Boschloo"


def test_restarted_runs_are_shares_too():
    scores = drawn({"calm": 0, "wild": 0}, seeds=5)
    rows = [("d", "n", "wild", str(seed), 3, 30, "train", "restarted", 1.0) for seed in range(4)]
    histories = pd.DataFrame(rows, columns=list(HISTORIES))
    runs = made_runs(scores).assign(state="DONE", reason="")
    numbers = of_runs(runs, cubes_of(scores), histories, curves_of_runs(histories, "DSC"), "DSC")
    wild = row_of(stability(numbers), loss="wild")
    assert wild[["restarted", "failed"]].tolist() == [4, 0]
    assert (wild["restarted_lo"], wild["restarted_hi"]) == pytest.approx((0.284, 0.995), abs=1e-3)
    pair = row_of(stability_pairs(numbers), quantity="restarted")
    assert pair["p"] == pytest.approx(boschloo_exact([[0, 4], [5, 1]]).pvalue)
    assert (pair["estimate"], pair["test"], pair["steadier"]) == (pytest.approx(-0.8), "Boschloo", "calm")


def test_by_the_hour_all_losses_are_measured_until_the_quickest_ends(numbers):
    own = numbers[(numbers["network"] == "n") & (numbers["seed"] == "0")].set_index("loss")
    # The wild one takes twice the time, so its first 20 epochs are in the hours that the calm one has.
    epochs = np.arange(EPOCHS // 2)
    assert own.loc["wild", "area_hours"] == pytest.approx((0.8 * (1 - np.exp(-epochs / 5))).mean(), abs=0.03)
    assert own.loc["wild", "area_hours"] < own.loc["calm", "area_hours"] - 0.03


def test_of_a_distance_the_lowest_is_the_best():
    rows = [
        ("d", "n", loss, "0", epoch, 0, split, name, value)
        for loss, ends in (("a", 2.0), ("b", 4.0))
        for epoch in range(10)
        for split, name, value in (
            ("validation", "HD95", ends + max(0, 6 - epoch)),
            ("cost", "seconds", 3600.0),
        )
    ]
    histories = pd.DataFrame(rows, columns=list(HISTORIES))
    scores = drawn({"a": 0, "b": 0}, seeds=1, metric="HD95")
    runs = made_runs(scores)
    numbers = of_runs(runs, cubes_of(scores), histories, curves_of_runs(histories, "HD95"), "HD95")
    found = numbers.set_index("loss")
    assert found["epochs_to_95"].tolist() == [7, 7]
    assert found["level"].tolist() == pytest.approx([4 / 0.95] * 2)
    assert found["hours_to_level"].tolist() == [5, 7]


def test_without_histories_only_the_spread_is_known():
    scores = drawn({"a": 0, "b": 0}, seeds=4)
    runs = scores[["dataset", "network", "loss", "seed"]].drop_duplicates().assign(state="", reason="")
    nothing = pd.DataFrame(columns=list(HISTORIES))
    numbers = of_runs(runs, cubes_of(scores), nothing, curves_of_runs(nothing, "DSC"), "DSC")
    table = stability(numbers)
    assert table["sd"].notna().all()
    assert table[["failed", "late_swing"]].isna().all(axis=None)
    assert set(stability_pairs(numbers)["quantity"]) == {"sd"}
    assert curves(curves_of_runs(nothing, "DSC")).empty


def test_hours_are_counted_to_a_level_that_is_one_for_all_losses(numbers):
    table = stability(numbers)
    own = table[table["network"] == "n"].set_index("loss")
    assert own.loc["calm", "level"] == own.loc["wild", "level"]
    # 0.8 (1 - exp(-epoch / 5)) is 95 % of the calm one's best, 0.82, after 18 epochs of 0.01 hours.
    assert own.loc["calm", "hours_to_level"] == pytest.approx(0.01 * 18.5, abs=0.02)
    assert own.loc["wild", "hours_to_level"] > 1.4 * own.loc["calm", "hours_to_level"]
    assert own.loc["calm", "reached"] == 6


def test_a_run_that_never_gets_to_the_level_is_counted_and_has_no_hours(numbers):
    few = numbers.copy()
    few.loc[few["loss"] == "calm", "hours_to_level"] = [np.nan, *[1.0] * (sum(few["loss"] == "calm") - 1)]
    own = stability(few).set_index(["network", "loss"]).loc[("n", "calm")]
    assert own["reached"] == own["runs"] - 1
    assert own["hours_to_level"] == pytest.approx(1.0)
