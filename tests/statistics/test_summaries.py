import numpy as np
import pandas as pd
import pytest

from seglossbench.statistics.means import absences, fold_status
from seglossbench.statistics.summaries import seed_means, spread_over, summarise
from seglossbench.vocabulary.tables import MEAN

COLUMNS = ["dataset", "network", "loss", "seed", "case", "class", "metric", "value"]


def folded(*rows, loss="ce"):
    """Scores from rows ``seed, case, class, metric, value``."""
    return fold_status(pd.DataFrame([("d", "n", loss, *row) for row in rows], columns=COLUMNS, dtype=str))


def row_of(summaries, name):
    found = summaries[summaries["class"] == name]
    assert len(found) == 1
    return found.iloc[0]


TWO_SEEDS = folded(
    ("0", "a", "liver", "DSC", "0.8"),
    ("0", "b", "liver", "DSC", "0.6"),
    ("1", "a", "liver", "DSC", "0.9"),
    ("1", "b", "liver", "DSC", "0.9"),
    ("0", "a", "aorta", "DSC", "0.2"),
    ("0", "b", "aorta", "DSC", "0.4"),
    ("1", "a", "aorta", "DSC", "0.5"),
    ("1", "b", "aorta", "DSC", ""),
)


def test_a_mean_is_that_of_the_seed_means_and_its_deviation_theirs():
    liver = row_of(summarise(TWO_SEEDS), "liver")
    # The seed means are 0.7 and 0.9.
    assert liver["mean"] == pytest.approx(0.8)
    assert liver["sd"] == pytest.approx(np.sqrt(2 * 0.1**2))
    assert (liver["spread_over"], liver["seeds"], liver["cases"]) == ("seeds", 2, 2)


def test_an_undefined_score_is_left_out_and_counted_and_never_zero():
    aorta = row_of(summarise(TWO_SEEDS), "aorta")
    # The seed means are 0.3 and 0.5; case b of seed 1 has none.
    assert aorta["mean"] == pytest.approx(0.4)
    assert aorta["undefined"] == 1
    assert aorta[["missed", "false_alarms", "both_empty"]].tolist() == [0, 0, 0]


def test_the_mean_over_classes_is_that_of_the_class_means_of_each_seed():
    mean = row_of(summarise(TWO_SEEDS), MEAN)
    # Seed 0: (0.7 + 0.3) / 2; seed 1: (0.9 + 0.5) / 2.
    assert mean["mean"] == pytest.approx(0.6)
    assert mean["sd"] == pytest.approx(np.sqrt(2 * 0.1**2))
    assert (mean["classes"], mean["undefined"]) == (2, 1)
    assert seed_means(TWO_SEEDS)["value"].tolist() == pytest.approx([0.5, 0.7])


def test_with_one_seed_the_deviation_is_that_of_the_cases():
    scores = TWO_SEEDS[TWO_SEEDS["seed"] == "0"]
    assert spread_over(scores) == "cases"
    assert row_of(summarise(scores), "liver")["sd"] == pytest.approx(np.sqrt(2 * 0.1**2))
    # The cases' means over the classes are 0.5 and 0.5.
    assert row_of(summarise(scores), MEAN)["sd"] == pytest.approx(0)


def test_a_loss_with_one_seed_beside_one_with_two_has_no_deviation():
    lone = TWO_SEEDS[TWO_SEEDS["seed"] == "0"].assign(loss="dice")
    summaries = summarise(pd.concat([TWO_SEEDS, lone], ignore_index=True))
    dice = row_of(summaries[summaries["loss"] == "dice"], "liver")
    assert (dice["mean"], dice["seeds"]) == (pytest.approx(0.7), 1)
    assert np.isnan(dice["sd"])


def test_scores_that_the_empty_policy_decided_are_counted_by_kind():
    scores = folded(
        ("0", "a", "liver", "DSC", "0.0"),
        ("0", "a", "liver", "status", "prediction_empty"),
        ("0", "b", "liver", "DSC", "0.0"),
        ("0", "b", "liver", "status", "truth_empty"),
        ("0", "c", "liver", "DSC", "1.0"),
        ("0", "c", "liver", "status", "both_empty"),
        ("0", "d", "liver", "DSC", "0.5"),
    )
    liver = row_of(summarise(scores), "liver")
    assert liver["mean"] == pytest.approx(1.5 / 4)
    assert liver[["missed", "false_alarms", "both_empty", "undefined"]].tolist() == [1, 1, 1, 0]
    assert absences(scores).iloc[0].to_dict() == {
        "dataset": "d",
        "class": "liver",
        "cases": 4,
        "without": ("b", "c"),
        "absent": False,
    }


def test_a_class_that_no_test_case_has_gets_no_mean_and_does_not_enter_that_of_the_classes():
    scores = folded(
        ("0", "a", "liver", "DSC", "0.6"),
        ("0", "a", "bladder", "DSC", "0.0"),
        ("0", "a", "bladder", "status", "truth_empty"),
    )
    summaries = summarise(scores)
    bladder, mean = row_of(summaries, "bladder"), row_of(summaries, MEAN)
    assert bladder["absent"]
    assert np.isnan(bladder["mean"])
    assert (mean["mean"], mean["classes"], mean["false_alarms"]) == (pytest.approx(0.6), 1, 0)


def test_one_loss_that_rightly_predicts_nothing_does_not_make_a_class_present():
    alarm = [("0", "a", "x", "DSC", "0.0"), ("0", "a", "x", "status", "truth_empty")]
    right = [("0", "a", "x", "DSC", ""), ("0", "a", "x", "status", "both_empty")]
    scores = pd.concat([folded(*alarm, loss="ce"), folded(*right, loss="dice")])
    assert absences(scores)["absent"].tolist() == [True]


def test_an_infinite_distance_makes_an_infinite_mean_without_a_deviation():
    scores = folded(("0", "a", "liver", "HD95", "inf"), ("0", "b", "liver", "HD95", "3"))
    liver = row_of(summarise(scores), "liver")
    assert liver["mean"] == np.inf
    assert np.isnan(liver["sd"])


def test_no_scores_make_no_summaries():
    assert summarise(folded()).empty
    assert seed_means(folded()).empty
