"""What each policy gives for empty masks, all of it in one table."""

import math

import numpy as np
import pytest

from seglossbench.evaluation import score_case
from seglossbench.evaluation.empty import POLICIES, diagonal_mm
from seglossbench.vocabulary.conventions import BRATS_MM

SHAPE, SPACING_MM = (4, 5, 7), (3.0, 2.0, 1.0)
DIAGONAL_MM = math.sqrt(9**2 + 8**2 + 6**2)
INF = math.inf

#         policy              empty               DSC     HD           HD95         ASSD
TABLE = [
    ("drop", "prediction_empty", 0.0, None, None, None),
    ("drop", "truth_empty", None, None, None, None),
    ("drop", "both_empty", None, None, None, None),
    ("nnunet", "prediction_empty", 0.0, None, None, None),
    ("nnunet", "truth_empty", 0.0, None, None, None),
    ("nnunet", "both_empty", None, None, None, None),
    ("inf", "prediction_empty", 0.0, INF, INF, INF),
    ("inf", "truth_empty", 0.0, INF, INF, INF),
    ("inf", "both_empty", None, INF, INF, INF),
    ("diagonal", "prediction_empty", 0.0, DIAGONAL_MM, DIAGONAL_MM, DIAGONAL_MM),
    ("diagonal", "truth_empty", 0.0, DIAGONAL_MM, DIAGONAL_MM, DIAGONAL_MM),
    ("diagonal", "both_empty", None, None, None, None),
    ("brats", "prediction_empty", 0.0, 373.12866, 373.12866, 373.12866),
    ("brats", "truth_empty", 0.0, 373.12866, 373.12866, 373.12866),
    ("brats", "both_empty", 1.0, 0.0, 0.0, 0.0),
    ("paper_a_released", "prediction_empty", 0.0144, 20.0, 20.0, 10.0),
    ("paper_a_released", "truth_empty", None, None, None, None),
    ("paper_a_released", "both_empty", None, None, None, None),
]


def masks(emptiness):
    truth, prediction = np.zeros((2, *SHAPE), np.uint8)
    truth[1, 1, 1] = emptiness == "prediction_empty"
    prediction[2, 2, 2] = emptiness == "truth_empty"
    return truth, prediction


def scores(truth, prediction, policy, metrics, spacing_mm=SPACING_MM):
    records = score_case(truth, prediction, spacing_mm, classes={"c": [1]}, metrics=metrics, empty=policy)
    return {record["metric"].removesuffix(f"_{policy}"): record["value"] for record in records}


def test_the_table_is_complete():
    statuses = {"prediction_empty", "truth_empty", "both_empty"}
    assert [row[:2] for row in TABLE] == [
        (policy, row[1]) for policy in POLICIES for row in TABLE if row[0] == policy
    ]
    assert {row[:2] for row in TABLE} == {(policy, status) for policy in POLICIES for status in statuses}


@pytest.mark.parametrize(("policy", "emptiness", "dsc", "hd", "hd95", "assd"), TABLE)
def test_policy(policy, emptiness, dsc, hd, hd95, assd):
    found = scores(*masks(emptiness), policy, ("DSC", "HD", "HD95", "ASSD"))
    assert found.pop("status") == emptiness
    assert found == {"DSC": dsc, "HD": hd, "HD95": hd95, "ASSD": assd}


@pytest.mark.parametrize(
    ("policy", "emptiness", "dsc"), [row[:3] for row in TABLE if not POLICIES[row[0]].metrics]
)
def test_every_overlap_scores_as_the_dsc(policy, emptiness, dsc):
    overlaps = ("IoU", "sensitivity", "precision", "NSD@1mm", "NSD_voxel@1mm")
    found = scores(*masks(emptiness), policy, overlaps)
    assert [found[name] for name in overlaps] == [dsc] * len(overlaps)


@pytest.mark.parametrize("policy", POLICIES)
def test_counts_and_relative_volume_follow_no_policy(policy):
    metrics = ("TP", "FP", "FN", "truth_surface_voxels", "prediction_surface_voxels", "RVD")
    values = {
        status: scores(*masks(status), policy, metrics)
        for status in ("prediction_empty", "truth_empty", "both_empty")
    }
    assert [values["prediction_empty"][name] for name in metrics] == [0, 0, 1, 1, 0, -1.0]
    assert [values["truth_empty"][name] for name in metrics] == [0, 1, 0, 0, 1, None]
    assert [values["both_empty"][name] for name in metrics] == [0, 0, 0, 0, 0, None]


def test_no_status_where_neither_mask_is_empty():
    assert "status" not in scores(*[np.ones(SHAPE, int)] * 2, "diagonal", ("DSC",))


def test_a_missed_class_beside_one_that_is_found():
    truth, prediction = np.zeros((2, *SHAPE), np.uint8)
    truth[0, 0, 0], truth[1, 1, 1], prediction[1, 1, 1] = 1, 2, 2
    found = score_case(truth, prediction, SPACING_MM, classes={"1": [1], "2": [2]}, metrics=("HD",))
    assert [(record["class"], record["metric"], record["value"]) for record in found] == [
        ("1", "HD", pytest.approx(DIAGONAL_MM)),
        ("1", "status", "prediction_empty"),
        ("2", "HD", 0.0),
    ]


def test_no_found_class_scores_worse_than_a_missed_one():
    truth, prediction = np.zeros((2, *SHAPE), np.uint8)
    truth[0, 0, 0] = prediction[-1, -1, -1] = 1
    assert scores(truth, prediction, "diagonal", ("HD",))["HD"] == pytest.approx(
        diagonal_mm(SHAPE, SPACING_MM)
    )


def test_brats_takes_the_diagonal_of_its_volumes():
    assert pytest.approx(math.hypot(240, 240, 155), abs=1e-5) == BRATS_MM


def test_the_diagonal_of_topomortar():
    assert diagonal_mm((512, 512), (1, 1)) == pytest.approx(722.6631303726516)


def test_paper_a_released_measures_in_voxels_and_replaces_far_distances():
    metrics = ("DSC", "HD", "ASSD")
    for distance, hd, assd in ((20, 20, 20), (21, 21, 10), (50, 50, 10), (51, 20, 10)):
        truth, prediction = np.zeros((2, 60, 9), np.uint8)
        truth[0, 4] = prediction[distance, 4] = 1
        found = scores(truth, prediction, "paper_a_released", metrics, spacing_mm=(7.0, 3.0))
        assert found == {"DSC": 0.0, "HD": hd, "ASSD": assd}


def test_paper_a_released_is_marked():
    records = score_case(
        *masks("prediction_empty"),
        SPACING_MM,
        classes={"c": [1]},
        metrics=("DSC", "HD95"),
        empty="paper_a_released",
    )
    names = [record["metric"] for record in records]
    assert names == ["DSC_paper_a_released", "HD95_paper_a_released", "status"]
