import numpy as np
import pandas as pd
import pytest

from seglossbench.analysis.arrays import cubes_of
from tests.analysis.made_scores import drawn, rows


def test_a_cube_has_every_score_at_its_place():
    cube = cubes_of(rows(("a", 0, "x", "liver", 0.5), ("b", 1, "y", "aorta", 0.7))).cubes[0]
    assert (cube.losses, cube.seeds, cube.cases, cube.classes) == (
        ("a", "b"), ("0", "1"), ("x", "y"), ("liver", "aorta"),
    )  # fmt: skip
    assert cube.scores[0, 0, 0, 0] == 0.5
    assert cube.scores[1, 1, 1, 1] == 0.7
    assert np.isnan(cube.scores).sum() == 14


ABSENT = rows(
    ("a", 0, "x", "liver", 0.5),
    ("a", 0, "y", "liver", 0.0),
    ("a", 0, "y", "liver", "truth_empty"),
    ("b", 0, "x", "liver", 0.6),
    ("b", 0, "y", "liver", ""),
    ("b", 0, "y", "liver", "both_empty"),
)


def test_a_class_that_the_truth_lacks_counts_for_no_loss_but_as_a_rate():
    cubes = {cube.measure.name: cube for cube in cubes_of(ABSENT).cubes}
    assert cubes["DSC"].counts[:, 0].tolist() == [True, False]
    alarms = cubes["false_alarm_rate"]
    assert alarms.counts[:, 0].tolist() == [False, True]
    assert alarms.scores[:, 0, 1, 0].tolist() == [1, 0]
    assert cubes["missed_rate"].scores[:, 0, 0, 0].tolist() == [0, 0]


def test_what_is_scored_besides_has_statuses_of_its_own():
    """The best weights miss what the last ones find, and a region is no class among the labels."""
    usual = rows(("a", 0, "x", "ET", 0.5), ("a", 0, "y", "ET", 0.7))
    best = rows(("a", 0, "x", "ET", 0.0), ("a", 0, "x", "ET", "prediction_empty"), ("a", 0, "y", "ET", 0.8))
    regions = rows(("a", 0, "x", "WT", 0.9), ("a", 0, "y", "WT", ""), ("a", 0, "y", "WT", "prediction_empty"))
    scores = pd.concat(
        [
            usual,
            best.assign(metric=best["metric"] + "_of_best_checkpoint"),
            regions.assign(metric=regions["metric"] + "_of_regions"),
        ]
    )
    cubes = {cube.measure.name: cube for cube in cubes_of(scores, absent_scored=["d"]).cubes}
    assert cubes["DSC"].classes == ("ET", "WT")
    assert cubes["DSC"].counts.tolist() == [[True, False]] * 2
    np.testing.assert_array_equal(cubes["DSC"].scores[0, 0], [[0.5, np.nan], [0.7, np.nan]])
    assert not cubes["DSC"].missed.any()
    assert cubes["DSC_of_best_checkpoint"].missed[0, 0].tolist() == [[True, False], [False, False]]
    assert cubes["DSC_of_regions"].scores[0, 0, 1, 1] == 0  # missed, so the worst
    assert cubes["DSC_of_regions"].counts.tolist() == [[False, True]] * 2


def test_a_policy_that_scores_absent_classes_has_them_count():
    assert cubes_of(ABSENT, absent_scored=["d"]).cubes[0].counts.all()
    assert cubes_of(ABSENT.replace({"value": {"": "1.0"}})).cubes[0].counts.all()


def test_a_missed_class_without_a_distance_counts_as_the_worst():
    scores = rows(
        ("a", 0, "x", "liver", 4),
        ("a", 0, "y", "liver", 9),
        ("b", 0, "x", "liver", ""),
        ("b", 0, "x", "liver", "prediction_empty"),
        ("b", 0, "y", "liver", "inf"),
        metric="HD95",
    )
    cubes = cubes_of(scores)
    np.testing.assert_array_equal(cubes.cubes[0].scores[1, 0, :, 0], [9, 9])
    assert (cubes.excluded[0].count, "counts as 9" in cubes.excluded[0].why) == (2, True)
    asked = cubes_of(scores, penalties={"HD95": 373.12866})
    assert asked.cubes[0].scores[1, 0, 0, 0] == 373.12866


def test_where_no_distance_is_known_nothing_is_the_worst():
    scores = rows(("a", 0, "x", "c", ""), ("a", 0, "x", "c", "prediction_empty"), metric="HD95")
    cubes = cubes_of(scores)
    assert np.isnan(cubes.cubes[0].scores).all()
    assert "no other is known" in cubes.excluded[0].why


def test_a_distance_of_0_has_a_logarithm():
    cube = cubes_of(rows(("a", 0, "x", "c", 0), ("a", 0, "y", "c", 2), metric="HD")).cubes[0]
    assert cube.working[0, 0, :, 0].tolist() == pytest.approx([0.0, np.log(2)])


def test_a_run_of_few_cases_is_left_out_and_told():
    scores = drawn({"a": 0, "b": 0}, cases=6)
    few = scores[(scores["loss"] != "b") | (scores["seed"] != "2") | (scores["case"] == "case0")]
    cubes = cubes_of(few)
    assert cubes.cubes[0].runs.tolist() == [[True] * 3, [True, True, False]]
    assert [(told.loss, told.count) for told in cubes.excluded] == [("b", 5)]
    assert "lacks 5 of 6 cases" in cubes.excluded[0].why


def test_a_patient_may_have_several_cases():
    patients = {("d", "case0"): "p", ("d", "case1"): "p"}
    cube = cubes_of(drawn({"a": 0}, cases=3), patients).cubes[0]
    assert cube.units.tolist() == [0, 0, 1]


def test_a_class_called_like_the_mean_over_classes_is_told_from_it():
    assert cubes_of(rows(("a", 0, "x", "*", 0.5))).cubes[0].classes == ("\\*",)


def test_every_dataset_has_cubes_of_its_own():
    both = pd.concat([drawn({"a": 0}), drawn({"a": 0}, dataset="e", networks=("n", "m"))], ignore_index=True)
    cubes = cubes_of(both)
    assert cubes.datasets == ["d", "e"]
    assert [cube.network for cube in cubes.of("e", "DSC")] == ["n", "m"]
