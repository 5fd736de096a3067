import numpy as np
import pandas as pd
import pytest

from seglossbench.analysis.arrays import cubes_of
from seglossbench.analysis.cubes import ALL
from seglossbench.analysis.sensitivity import interactions, sensitivity, subgroups
from tests.analysis.made_scores import drawn, rows

CLEAR = drawn({"a": 0.8, "b": 0.0}, cases=25, seeds=4, seed_sd=0.02)


def runs_of(scores, failed=()):
    runs = scores[["dataset", "network", "loss", "seed"]].drop_duplicates(ignore_index=True)
    return runs.assign(
        failed=[(loss, seed) in failed for loss, seed in zip(runs["loss"], runs["seed"], strict=True)]
    )


def with_empty(scores, loss, cases, status, value):
    """The scores where a loss finds in some cases nothing of class0, or something that is not there."""
    at = (scores["loss"] == loss) & scores["case"].isin(cases) & (scores["class"] == "class0")
    changed = scores.copy()
    changed.loc[at, "value"] = value
    return pd.concat([changed, scores[at].assign(metric="status", value=status)], ignore_index=True)


def variant(table, name, loss="a"):
    found = table[table["variant"].str.startswith(name) & (table["loss"] == loss)]
    assert len(found) == 1, sorted(set(table["variant"]))
    return found.iloc[0]


def test_nothing_to_vary_makes_no_table():
    assert sensitivity(cubes_of(CLEAR), runs_of(CLEAR)).empty


def test_policies_for_empty_masks_follow_from_the_statuses():
    scores = with_empty(CLEAR, "a", ["case1"], "truth_empty", "0.0")
    scores = with_empty(scores, "b", ["case1"], "both_empty", "")
    table = sensitivity(cubes_of(scores), runs_of(CLEAR))
    table = table[table["metric"] == "DSC"]
    as_analysed, brats = variant(table, "as analysed"), variant(table, "empty masks: brats")
    # In one of 25 cases class0 now counts 0, of two classes.
    assert brats["mean"] == pytest.approx(
        as_analysed["mean"] - 0.5 * 0.04 * class_mean(scores, "a"), abs=1e-6
    )
    assert variant(table, "empty masks: brats", "b")["mean"] > variant(table, "as analysed", "b")["mean"]
    # Each class of b, of which one case of 25 lacks one, and all the seeds of a find it there.
    assert as_analysed[["missed_rate", "false_alarm_rate"]].tolist() == [0, 1]
    assert variant(table, "as analysed", "b")["false_alarm_rate"] == 0
    same = variant(table, "empty masks: drop, nnunet, inf, diagonal")
    assert same["mean"] == pytest.approx(as_analysed["mean"])
    assert same["changed"] == 0


def class_mean(scores, loss):
    numbers = scores[(scores["loss"] == loss) & (scores["class"] == "class0") & (scores["metric"] == "DSC")]
    return numbers.loc[numbers["case"] != "case1", "value"].astype(float).mean()


def test_a_conclusion_that_hangs_on_a_convention_is_counted():
    one = rows(
        *(
            (loss, seed, f"c{case}", "k", value + 0.01 * case + 0.001 * seed)
            for loss, value in (("a", 10.0), ("b", 12.0))
            for seed in range(3)
            for case in range(9)
        ),
        metric="HD95",
    )
    missed = one[(one["loss"] == "a") & (one["case"] == "c3")].assign(
        metric="status", value="prediction_empty"
    )
    worst = one.copy()
    worst.loc[(one["loss"] == "a") & (one["case"] == "c3"), "value"] = "300"
    table = sensitivity(cubes_of(pd.concat([worst, missed], ignore_index=True)), runs_of(one))
    table = table[table["metric"] == "HD95"]
    assert variant(table, "as analysed")["told_apart"] == 0
    dropped = variant(table, "empty masks: drop")
    assert (dropped["cases"], dropped["told_apart"], dropped["changed"]) == (8, 1, 1)
    assert variant(table, "empty masks: brats")["mean"] > variant(table, "as analysed")["mean"]
    assert variant(table, "arithmetic means")["mean"] == pytest.approx((8 * 10 + 300) / 9, rel=0.01)
    assert (table["tau"].isin([1, -1])).all()


def test_runs_that_failed_may_be_left_out():
    table = sensitivity(cubes_of(CLEAR), runs_of(CLEAR, failed={("b", "2")}))
    assert variant(table, "as analysed", "b")["seeds"] == 4
    assert variant(table, "without failed runs", "b")["seeds"] == 3


def test_two_conventions_of_a_distance_are_compared_where_both_are_scored():
    one = drawn({"a": 0.5, "b": 0}, metric="HD95_pooled")
    other = drawn({"a": -0.5, "b": 0}, metric="HD95_max_directed")
    table = sensitivity(cubes_of(pd.concat([one, other], ignore_index=True)), runs_of(one))
    assert variant(table, "metric: HD95_max_directed")["tau"] == -1


def test_a_gain_that_differs_between_networks_is_told():
    scores = pd.concat(
        [
            drawn({"a": 1.0, "b": 0.0}, cases=25, seed_sd=0.02),
            drawn({"a": 0.0, "b": 0.0}, cases=25, seed_sd=0.02, networks=("m",), random=1),
        ],
        ignore_index=True,
    )
    (row,) = interactions(cubes_of(scores), "DSC").to_dict("records")
    assert (row["network"], row["other_network"], bool(row["differ"])) == ("n", "m", True)
    assert row["estimate"] == pytest.approx(0.1, abs=0.06)
    assert interactions(cubes_of(CLEAR), "DSC").empty


def test_parts_of_the_cases_have_differences_of_their_own():
    site = {("d", f"case{case}"): "north" if case < 10 else "south" for case in range(25)}
    table = subgroups(cubes_of(CLEAR), "DSC", {"site": site})
    assert table[["part", "cases", "better"]].to_numpy().tolist() == [["north", 10, "a"], ["south", 15, "a"]]
    assert set(table["network"]) == {"n"}
    assert ALL not in set(table["network"])
    assert np.isfinite(table["p"]).all()
