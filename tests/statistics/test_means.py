import pandas as pd
import pytest

from seglossbench.statistics.means import fold_status, means_of_run
from seglossbench.statistics.summaries import over_cases_and_seeds
from seglossbench.vocabulary.tables import MEAN

COLUMNS = ["case", "class", "metric", "value"]
LIVER_AND_CLAIMED_BLADDER = pd.DataFrame(
    [
        ("a", "liver", "DSC", 0.7),
        ("b", "liver", "DSC", 0.9),
        ("a", "bladder", "DSC", 0.0),
        ("a", "bladder", "status", "truth_empty"),
        ("b", "bladder", "DSC", None),
        ("b", "bladder", "status", "both_empty"),
    ],
    columns=COLUMNS,
)


def test_a_class_that_no_case_has_is_in_no_mean():
    assert means_of_run(LIVER_AND_CLAIMED_BLADDER) == pytest.approx(
        {("DSC", "liver"): 0.8, ("DSC", MEAN): 0.8}
    )


def test_a_printed_mean_is_arithmetic_and_over_the_same_cases():
    whole = LIVER_AND_CLAIMED_BLADDER.assign(dataset="d", network="n", loss="ce", seed="0")
    assert over_cases_and_seeds(fold_status(whole))["DSC", "ce"][0] == means_of_run(whole)["DSC", MEAN]
    distances = pd.DataFrame([("a", "x", "HD", 1.0), ("b", "x", "HD", 4.0)], columns=COLUMNS)
    whole = distances.assign(dataset="d", network="n", loss="ce", seed="0")
    assert over_cases_and_seeds(fold_status(whole))["HD", "ce"][0] == 2.5


def test_distances_have_geometric_means_over_cases_and_classes():
    rows = [("a", "x", "HD95", 2), ("b", "x", "HD95", 8), ("a", "y", "HD95", 1), ("b", "y", "HD95", 1)]
    means = means_of_run(pd.DataFrame(rows, columns=COLUMNS))
    assert means == pytest.approx({("HD95", "x"): 4, ("HD95", "y"): 1, ("HD95", MEAN): 2})


def test_a_distance_of_0_counts_as_half_the_smallest_that_is_not():
    rows = [("a", "x", "ASSD", 0), ("b", "x", "ASSD", 2), ("c", "x", "ASSD", 4)]
    mean = means_of_run(pd.DataFrame(rows, columns=COLUMNS))["ASSD", MEAN]
    assert mean == pytest.approx((1 * 2 * 4) ** (1 / 3))
    perfect = [("a", "x", "ASSD", 0), ("a", "x", "DSC", 1)]
    assert means_of_run(pd.DataFrame(perfect, columns=COLUMNS))["ASSD", "x"] == 0


def test_a_class_may_be_called_mean_or_like_a_number():
    scores = pd.DataFrame([("a", "mean", "DSC", "0.2"), ("a", "1", "DSC", "0.4")], columns=COLUMNS)
    means = means_of_run(scores)
    assert means == pytest.approx({("DSC", "mean"): 0.2, ("DSC", "1"): 0.4, ("DSC", MEAN): 0.3})


def test_a_status_is_of_the_scores_whose_names_end_like_its_own():
    best = LIVER_AND_CLAIMED_BLADDER.iloc[:1].assign(metric="DSC_of_best_checkpoint", value=0.0)
    missed = best.assign(metric="status_of_best_checkpoint", value="prediction_empty")
    whole = pd.concat([LIVER_AND_CLAIMED_BLADDER, best, missed])
    folded = fold_status(whole.assign(dataset="d", network="n", loss="ce", seed="0"))
    liver = folded[(folded["class"] == "liver") & (folded["case"] == "a")].set_index("metric")
    assert liver["status"].to_dict() == {"DSC": "", "DSC_of_best_checkpoint": "prediction_empty"}


def test_what_is_nowhere_defined_has_no_mean():
    undefined = [("a", "ET", "DSC", None), ("a", "ET", "status", "prediction_empty")]
    assert means_of_run(pd.DataFrame(undefined, columns=COLUMNS)) == {}
    assert means_of_run(pd.DataFrame([], columns=COLUMNS)) == {}


def test_scores_without_an_empty_mask_are_plain_numbers():
    scores = pd.DataFrame([("a", "ET", "DSC", 0.25), ("b", "ET", "DSC", 0.75)], columns=COLUMNS)
    assert means_of_run(scores) == {("DSC", "ET"): 0.5, ("DSC", MEAN): 0.5}


def test_a_case_that_lacks_a_class_counts_for_no_run_in_its_mean():
    alarm = [("a", "x", "DSC", "0.8"), ("b", "x", "DSC", "0.0"), ("b", "x", "status", "truth_empty")]
    right = [("a", "x", "DSC", "0.8"), ("b", "x", "DSC", ""), ("b", "x", "status", "both_empty")]
    for rows in (alarm, right):
        assert means_of_run(pd.DataFrame(rows, columns=COLUMNS)) == {("DSC", "x"): 0.8, ("DSC", MEAN): 0.8}


def test_where_a_right_nothing_has_a_score_such_cases_count():
    rows = [("a", "x", "DSC", "0.5"), ("b", "x", "DSC", "1.0"), ("b", "x", "status", "both_empty")]
    assert means_of_run(pd.DataFrame(rows, columns=COLUMNS))["DSC", "x"] == 0.75
    alarm = [("a", "x", "DSC", "0.5"), ("b", "x", "DSC", "0.0"), ("b", "x", "status", "truth_empty")]
    brats = means_of_run(pd.DataFrame(alarm, columns=COLUMNS), absent_scored=True)
    assert brats["DSC", "x"] == 0.25
