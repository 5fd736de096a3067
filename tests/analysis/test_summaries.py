import numpy as np
import pandas as pd
import pytest

from seglossbench.statistics.means import absences, fold_status
from seglossbench.vocabulary.tables import MEAN
from tests.analysis.made_scores import summaries as summarise

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


def test_an_undefined_score_leaves_its_case_out_in_all_seeds_and_is_counted_and_never_zero():
    aorta = row_of(summarise(TWO_SEEDS), "aorta")
    # Case b of seed 1 has none, so the seed means are those of case a: 0.2 and 0.5.
    assert aorta["mean"] == pytest.approx(0.35)
    assert aorta["undefined"] == 1
    assert aorta[["missed", "false_alarms", "both_empty"]].tolist() == [0, 0, 0]


def test_the_mean_over_classes_is_that_of_the_class_means_of_each_seed():
    mean = row_of(summarise(TWO_SEEDS), MEAN)
    # Seed 0: (0.7 + 0.2) / 2; seed 1: (0.9 + 0.5) / 2.
    assert mean["mean"] == pytest.approx(0.575)
    assert mean["sd"] == pytest.approx(np.sqrt(2 * 0.125**2))
    assert (mean["classes"], mean["undefined"]) == (2, 1)
    assert mean["seed_values"] == "0.45 0.7"


def test_with_one_seed_the_deviation_is_that_of_the_cases():
    scores = TWO_SEEDS[TWO_SEEDS["seed"] == "0"]
    assert set(summarise(scores)["spread_over"]) == {"cases"}
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


def test_a_distance_has_the_mean_and_the_deviations_of_the_analysis():
    scores = folded(*((seed, "a", "liver", "HD95", value) for seed, value in (("0", "2"), ("1", "8"))))
    liver = row_of(summarise(scores), "liver")
    assert liver["mean"] == pytest.approx(4)
    assert liver["sd"] == pytest.approx(np.sqrt(18))  # of the seeds' values, 2 and 8
    infinite = folded(("0", "a", "liver", "HD95", "inf"), ("0", "b", "liver", "HD95", "3"))
    assert row_of(summarise(infinite), "liver")["mean"] == pytest.approx(3)  # the largest there


def test_a_class_called_like_the_mean_has_numbers_of_its_own():
    scores = folded(("0", "a", "*", "DSC", "0.2"), ("0", "a", "x", "DSC", "0.4"))
    summaries = summarise(scores)
    assert [row_of(summaries, name)["mean"] for name in ("*", "x", MEAN)] == pytest.approx([0.2, 0.4, 0.3])


def test_no_scores_make_no_summaries():
    assert summarise(folded()).empty
