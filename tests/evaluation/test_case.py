"""``score_case`` on masks whose scores can be worked out by hand, and the laws that all metrics obey."""

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from seglossbench.errors import InputError
from seglossbench.evaluation import score_case

OVERLAPS = ("DSC", "IoU", "sensitivity", "precision")
DISTANCES = ("HD", "HD95_pooled", "HD95_max_directed", "ASSD", "MASD")
COUNTS = ("TP", "FP", "FN", "truth_surface_voxels", "prediction_surface_voxels")


def scores(truth, prediction, spacing_mm, metrics, values=(1,), **options):
    records = score_case(
        np.asarray(truth),
        np.asarray(prediction),
        spacing_mm,
        classes={"c": values},
        metrics=metrics,
        **options,
    )
    return {record["metric"]: record["value"] for record in records}


def voxels(shape, *places):
    mask = np.zeros(shape, np.uint8)
    for place in places:
        mask[place] = 1
    return mask


def cube(corner, size, shape=(20, 20, 20)):
    mask = np.zeros(shape, np.uint8)
    mask[tuple(slice(start, start + size) for start in corner)] = 1
    return mask


def sphere(radius_mm, spacing_mm, shape):
    centre = (np.array(shape) - 1) / 2
    offsets = np.moveaxis(np.indices(shape), 0, -1) - centre
    return (np.linalg.norm(offsets * spacing_mm, axis=-1) <= radius_mm).astype(np.uint8)


def test_two_voxels_three_millimetres_apart():
    truth, prediction = voxels((4, 5, 6), (1, 1, 1)), voxels((4, 5, 6), (1, 1, 3))
    found = scores(truth, prediction, (9.0, 7.0, 1.5), (*OVERLAPS, *DISTANCES, "NSD@1mm", "NSD@3mm", *COUNTS))
    assert {found[name] for name in OVERLAPS} == {0.0}
    assert {found[name] for name in DISTANCES} == {3.0}
    assert (found["NSD@1mm"], found["NSD@3mm"]) == (pytest.approx(0.0), 1.0)
    assert [found[name] for name in COUNTS] == [0, 1, 1, 1, 1]


def test_far_voxel_is_measured_along_the_diagonal():
    truth, prediction = voxels((40, 50), (0, 0)), voxels((40, 50), (30, 40))
    assert scores(truth, prediction, (1.0, 1.0), ("HD",))["HD"] == pytest.approx(50.0)
    assert scores(truth, prediction, (2.0, 0.5), ("HD",))["HD"] == pytest.approx(math.hypot(60, 20))


def test_one_outlier_separates_the_distances():
    """A line of 19 voxels, of which the prediction has all and one more, 10 mm off: each statistic by hand."""
    truth = voxels((30, 30), *((0, column) for column in range(19)))
    prediction = truth.copy()
    prediction[10, 0] = 1
    found = scores(truth, prediction, (1.0, 1.0), DISTANCES)
    assert found["HD"] == 10.0
    # 39 distances, 38 of them 0: the 95th percentile is at position 36.1 of 0 ... 38.
    assert found["HD95_pooled"] == 0.0
    # The 20 distances of the prediction: position 18.05, so 0.05 of the way from 0 to 10.
    assert found["HD95_max_directed"] == pytest.approx(0.5)
    assert found["MASD"] == pytest.approx((0 + 10 / 20) / 2)
    assert found["ASSD"] == pytest.approx(10 / 39)


def test_shifted_cubes():
    truth, prediction = cube((5, 5, 5), 8), cube((7, 5, 5), 8)
    found = scores(truth, prediction, (3.0, 1.0, 1.0), (*OVERLAPS, "HD", "RVD", *COUNTS))
    assert found["DSC"] == pytest.approx(2 * 6 * 64 / (2 * 512))
    assert found["IoU"] == pytest.approx(6 * 64 / (10 * 64))
    assert found["sensitivity"] == found["precision"] == 6 / 8
    assert found["HD"] == pytest.approx(6.0)  # two voxels of 3 mm along the shift
    assert found["RVD"] == 0.0
    assert [found[name] for name in COUNTS] == [6 * 64, 128, 128, 8**3 - 6**3, 8**3 - 6**3]


def test_cubes_side_by_side_and_one_inside_another():
    truth, prediction = cube((2, 2, 2), 9), cube((5, 5, 5), 3)
    found = scores(truth, prediction, (1.0, 1.0, 1.0), ("HD", "sensitivity", "precision", "RVD"))
    assert found["HD"] == pytest.approx(math.sqrt(27))  # from corner to corner
    assert found["sensitivity"] == pytest.approx(27 / 729)
    assert found["precision"] == 1.0
    assert found["RVD"] == pytest.approx(27 / 729 - 1)


def test_spheres_of_two_radii_lie_their_difference_apart():
    spacing_mm = (1.0, 0.5, 0.5)
    shape = (41, 81, 81)
    found = scores(
        sphere(16, spacing_mm, shape), sphere(12, spacing_mm, shape), spacing_mm, ("DSC", "ASSD", "HD")
    )
    assert found["DSC"] == pytest.approx(2 * 12**3 / (12**3 + 16**3), abs=0.01)
    assert found["ASSD"] == pytest.approx(4.0, abs=0.2)
    assert found["HD"] == pytest.approx(4.0, abs=1.0)


def test_the_volume_border_is_surface():
    full = np.ones((6, 6, 6), np.uint8)
    found = scores(full, full, (1, 1, 1), ("truth_surface_voxels", "HD", "NSD@0mm"))
    assert found == {"truth_surface_voxels": 6**3 - 4**3, "HD": 0.0, "NSD@0mm": 1.0}


def test_region_has_no_surface_between_its_labels():
    labels = np.zeros((9, 9), np.uint8)
    labels[2:7, 2:5], labels[2:7, 5:7] = 1, 2
    found = score_case(
        labels, labels, (1, 1), classes={"1": [1], "all": [1, 2]}, metrics=("truth_surface_voxels", "TP")
    )
    assert [record["value"] for record in found] == [12, 15, 16, 25]


def test_region_ignores_confusion_inside_it():
    truth, prediction = np.zeros((2, 8, 8, 8), np.uint8)
    truth[2:5, 2:5, 2:5] = 1
    prediction[2:5, 2:5, 2:5] = 4
    found = score_case(truth, prediction, (1, 1, 1), classes={"1": [1], "TC": [1, 4]}, metrics=("DSC", "HD"))
    values = {(record["class"], record["metric"]): record["value"] for record in found}
    assert values["1", "status"] == "prediction_empty"
    assert values["TC", "DSC"] == 1.0
    assert values["TC", "HD"] == 0.0


def test_surfaces_of_classes_do_not_mix():
    truth, prediction = np.zeros((2, 30, 30), np.uint8)
    truth[2, 2], truth[20, 20] = 1, 2
    prediction[20, 20], prediction[2, 2] = 1, 2
    found = score_case(truth, prediction, (1, 1), classes={"1": [1], "2": [2]}, metrics=("HD",))
    assert [record["value"] for record in found] == pytest.approx([18 * math.sqrt(2)] * 2)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int16, np.int64])
@pytest.mark.parametrize("order", ["C", "F"])
def test_type_and_memory_order_change_nothing(dtype, order):
    rng = np.random.default_rng(1)
    truth, prediction = rng.random((2, 7, 9, 11)) < 0.3
    expected = scores(truth, prediction, (3, 2, 1), (*OVERLAPS, *DISTANCES, "NSD@2mm"))
    found = scores(
        np.array(truth, dtype, order=order),
        np.array(prediction, dtype),
        (3, 2, 1),
        (*OVERLAPS, *DISTANCES, "NSD@2mm"),
    )
    assert found == pytest.approx(expected)


def test_labels_beyond_a_byte_and_below_zero_and_background():
    rng = np.random.default_rng(2)
    small = rng.integers(0, 4, (2, 9, 9, 9))
    big = np.array([0, -7, 300, 70000])[small]
    metrics = ("DSC", "HD", "ASSD", "NSD@1mm", "TP", "FP")
    for label, value in ((1, -7), (2, 300), (3, 70000)):
        assert scores(*big, (1, 1, 1), metrics, values=[value]) == scores(
            *small, (1, 1, 1), metrics, values=[label]
        )
    background = scores(*small, (1, 1, 1), metrics, values=[0])
    assert background == scores(*(small == 0), (1, 1, 1), metrics)


def test_hd95_follows_the_convention_asked_for():
    rng = np.random.default_rng(3)
    masks = rng.random((2, 12, 12, 12)) < 0.05
    names = ("HD95", "HD95_pooled", "HD95_max_directed")
    for convention in ("pooled", "max_directed"):
        found = scores(*masks, (1, 1, 1), names, hd95=convention)
        assert found["HD95"] == found[f"HD95_{convention}"]
    assert found["HD95_pooled"] != found["HD95_max_directed"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metrics": ("Dice",)}, "metrics: unknown metric 'Dice'"),
        ({"metrics": "DSC"}, "metrics: expected a list"),
        ({"metrics": ("NSD@1",)}, "NSD@1mm"),
        ({"empty": "diag"}, "did you mean 'diagonal'"),
        ({"hd95": "both"}, "hd95: unknown convention 'both'"),
        ({"classes": {}}, "classes: none given"),
        ({"classes": {"a": []}}, "classes: a: no label values"),
        ({"classes": {"a": "12"}}, "classes: a: expected a list of label values, such as .*, found '12'"),
        ({"classes": {"a": 12}}, "classes: a: expected a list of label values"),
        ({"classes": {"a": [1.5]}}, "classes: a: a label value is a whole number, found 1.5"),
        ({"classes": {"a": ["1"]}}, "classes: a: a label value is a whole number, found '1'"),
        ({"classes": [1, 2]}, "classes: expected names and their label values"),
        ({"ignore": "1"}, "ignore: a label value is a whole number, found '1'"),
        ({"ignore": 1}, "classes: a: label 1 is ignored"),
        ({"metrics": (1,)}, "metrics: expected a list of names"),
        ({"empty": None}, "empty: None is no policy"),
        ({"spacing_mm": None}, "spacing_mm: expected the voxel size in mm along each axis"),
        ({"spacing_mm": "111"}, "spacing_mm: expected the voxel size"),
        ({"spacing_mm": (1, "a", 1)}, "spacing_mm: expected the voxel size"),
        ({"truth": [[1, 2], [3]]}, "truth: no array"),
        ({"classes": {"a": range(300)}, "metrics": ("DSC",)}, "at most 255"),
        ({"spacing_mm": (1, 1)}, "truth has 3 axes and spacing_mm 2 values"),
        ({"spacing_mm": (1, 1, 0)}, "spacing_mm: voxel sizes are positive"),
        ({"prediction": np.zeros((4, 4, 5), int)}, r"shape \(4, 4, 4\), prediction \(4, 4, 5\)"),
        ({"truth": np.zeros((4, 4, 4))}, "truth: label maps hold integers, found float64"),
        ({"empty": "paper_a_released", "metrics": ("NSD@1mm",)}, "no NSD@1mm; it has DSC"),
    ],
)
def test_bad_arguments_are_named(changes, message):
    masks = np.zeros((4, 4, 4), int)
    good = {"truth": masks, "prediction": masks, "spacing_mm": (1, 1, 1), "classes": {"a": [1]}}
    with pytest.raises(InputError, match=message):
        score_case(**(good | changes))


def test_importing_does_not_need_torch():
    code = "import sys; from seglossbench.evaluation import score_case; print({'torch', 'pandas'} & set(sys.modules))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed == "set()\n"


MASKS = st.tuples(st.integers(2, 9), st.integers(2, 9), st.integers(2, 9)).flatmap(
    lambda shape: st.tuples(*[hnp.arrays(np.bool_, shape)] * 2).filter(
        lambda pair: pair[0].any() and pair[1].any()
    )
)
SPACINGS = st.tuples(*[st.sampled_from([0.5, 0.7, 1.0, 2.5, 6.0])] * 3)
SYMMETRIC = ("DSC", "IoU", *DISTANCES, "NSD@1.6mm", "NSD_voxel@1.6mm")


@settings(max_examples=60, deadline=None)
@given(masks=MASKS, spacing_mm=SPACINGS)
def test_scores_are_symmetric(masks, spacing_mm):
    there = scores(*masks, spacing_mm, (*SYMMETRIC, "sensitivity", "precision"))
    back = scores(*masks[::-1], spacing_mm, (*SYMMETRIC, "sensitivity", "precision"))
    assert [there[name] for name in SYMMETRIC] == pytest.approx([back[name] for name in SYMMETRIC])
    assert there["sensitivity"] == back["precision"]


@settings(max_examples=60, deadline=None)
@given(masks=MASKS, spacing_mm=SPACINGS, factor=st.sampled_from([0.25, 3.0]))
def test_distances_scale_with_the_spacing_and_overlaps_do_not(masks, spacing_mm, factor):
    once = scores(*masks, spacing_mm, (*DISTANCES, *OVERLAPS, "NSD@2mm"))
    tolerance = f"NSD@{2 * factor:g}mm"
    scaled = scores(*masks, [factor * size for size in spacing_mm], (*DISTANCES, *OVERLAPS, tolerance))
    assert [scaled[name] for name in DISTANCES] == pytest.approx([factor * once[name] for name in DISTANCES])
    assert [scaled[name] for name in OVERLAPS] == [once[name] for name in OVERLAPS]
    assert scaled[tolerance] == pytest.approx(once["NSD@2mm"])


@settings(max_examples=60, deadline=None)
@given(masks=MASKS, spacing_mm=SPACINGS, axes=st.permutations(range(3)), flip=st.integers(0, 2))
def test_turning_padding_and_flipping_the_volume_change_nothing(masks, spacing_mm, axes, flip):
    metrics = (*SYMMETRIC, *COUNTS)
    turned = [np.pad(np.flip(mask.transpose(axes), flip), ((0, 3), (2, 0), (1, 1))) for mask in masks]
    expected = scores(*masks, spacing_mm, metrics)
    assert scores(*turned, [spacing_mm[axis] for axis in axes], metrics) == pytest.approx(expected)


@settings(max_examples=60, deadline=None)
@given(masks=MASKS, spacing_mm=SPACINGS)
def test_order_of_the_distances(masks, spacing_mm):
    found = scores(*masks, spacing_mm, (*DISTANCES, *OVERLAPS))
    diagonal = np.linalg.norm((np.array(masks[0].shape) - 1) * spacing_mm)
    near = 1e-4  # distances come in single precision
    assert found["ASSD"] <= found["HD"] + near
    assert found["HD95_pooled"] <= found["HD"] + near
    assert found["HD95_max_directed"] <= found["HD"] + near
    assert found["HD"] <= diagonal + near
    assert found["IoU"] <= found["DSC"]
    assert scores(masks[0], masks[0], spacing_mm, ("HD", "DSC", "NSD@0mm")) == {
        "HD": 0,
        "DSC": 1,
        "NSD@0mm": 1,
    }
