"""The metrics against those of MedPy, MONAI and google's surface-distance, to 1e-4."""

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from seglossbench.evaluation import score_case
from seglossbench.evaluation.label_files import read_labels

pytestmark = pytest.mark.filterwarnings("ignore")  # the peers' own
TOLERANCES_MM = (1, 2.5)
OURS = (
    *("DSC", "IoU", "sensitivity", "precision", "RVD", "HD"),
    *("HD95_pooled", "HD95_max_directed", "HD95_prediction_to_truth", "HD95_truth_to_prediction"),
    *("ASSD", "MASD", "ASD", "ASD_truth_to_prediction"),
    *(f"{family}@{tolerance}mm" for family in ("NSD", "NSD_voxel") for tolerance in TOLERANCES_MM),
)


def by_medpy(truth, prediction, spacing_mm):
    peer = pytest.importorskip("medpy.metric.binary")
    to_truth, to_prediction = (
        peer.asd(prediction, truth, spacing_mm),
        peer.asd(truth, prediction, spacing_mm),
    )
    return {
        "DSC": peer.dc(prediction, truth),
        "IoU": peer.jc(prediction, truth),
        "sensitivity": peer.sensitivity(prediction, truth),
        "precision": peer.precision(prediction, truth),
        "RVD": peer.ravd(prediction, truth),
        "HD": peer.hd(prediction, truth, spacing_mm),
        "HD95_pooled": peer.hd95(prediction, truth, spacing_mm),
        "ASSD": peer.assd(prediction, truth, spacing_mm),  # pooled since MedPy 0.5
        "MASD": (to_truth + to_prediction) / 2,  # its assd until 0.4
        "ASD": to_truth,
        "ASD_truth_to_prediction": to_prediction,
    }


def by_monai(truth, prediction, spacing_mm):
    torch, peer = pytest.importorskip("torch"), pytest.importorskip("monai.metrics")
    masks = [torch.from_numpy(mask[None, None].astype(np.float32)) for mask in (prediction, truth)]
    options = {"include_background": True, "spacing": spacing_mm}
    values = {
        "HD": peer.compute_hausdorff_distance(*masks, **options),
        "HD95_max_directed": peer.compute_hausdorff_distance(*masks, percentile=95, **options),
        "HD95_prediction_to_truth": peer.compute_hausdorff_distance(
            *masks, percentile=95, directed=True, **options
        ),
        "HD95_truth_to_prediction": peer.compute_hausdorff_distance(
            *masks[::-1], percentile=95, directed=True, **options
        ),
        "ASSD": peer.compute_average_surface_distance(*masks, symmetric=True, **options),
        "ASD": peer.compute_average_surface_distance(*masks, **options),
        "ASD_truth_to_prediction": peer.compute_average_surface_distance(*masks[::-1], **options),
        "DSC": peer.compute_dice(*masks),
        "IoU": peer.compute_iou(*masks),
        **{
            name: peer.compute_confusion_matrix_metric(name, peer.get_confusion_matrix(*masks))
            for name in ("sensitivity", "precision")
        },
    }
    for tolerance in TOLERANCES_MM:
        for name, subvoxels in (("NSD", True), ("NSD_voxel", False)):
            values[f"{name}@{tolerance}mm"] = peer.compute_surface_dice(
                *masks, [tolerance], use_subvoxels=subvoxels, **options
            )
    return {name: value.item() for name, value in values.items()}


def by_surface_distance(truth, prediction, spacing_mm):
    peer = pytest.importorskip("surface_distance")
    distances = peer.compute_surface_distances(truth, prediction, spacing_mm)
    return {f"NSD@{mm}mm": peer.compute_surface_dice_at_tolerance(distances, mm) for mm in TOLERANCES_MM}


PEERS = [by_medpy, by_monai, by_surface_distance]


def differences(peer, truth, prediction, spacing_mm):
    truth, prediction = truth.astype(bool), prediction.astype(bool)
    records = score_case(truth, prediction, spacing_mm, classes={"c": [1]}, metrics=OURS)
    ours = {record["metric"]: record["value"] for record in records}
    assert "status" not in ours
    theirs = peer(truth, prediction, spacing_mm)
    return {name: abs(ours[name] - value) for name, value in theirs.items()}


def blobs(rng, shape, threshold=0.0):
    """Two smooth random masks that resemble each other, one of them with a few false voxels."""
    common, one, other = (ndimage.gaussian_filter(rng.standard_normal(shape), 2) for _ in range(3))
    prediction = (common + 0.5 * other > threshold) ^ (rng.random(shape) < 0.002)
    return common + 0.5 * one > threshold, prediction


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize(
    ("shape", "spacing_mm"),
    [
        ((24, 25, 26), (1.0, 1.0, 1.0)),
        ((12, 30, 31), (5.0, 2.0, 2.0)),
        ((30, 14, 20), (0.7, 2.5, 0.9)),
        ((60, 61), (1.0, 1.0)),
        ((40, 70), (0.6, 1.7)),
    ],
)
@pytest.mark.parametrize("threshold", [0.0, 0.1])
def test_random_blobs(peer, shape, spacing_mm, threshold):
    rng = np.random.default_rng(len(shape) + int(10 * threshold))
    for name, difference in differences(peer, *blobs(rng, shape, threshold), spacing_mm).items():
        assert difference < 1e-4, name


@pytest.mark.parametrize("peer", PEERS)
def test_masks_that_touch_the_border_and_single_voxels(peer):
    truth, prediction = np.zeros((2, 9, 10, 11), bool)
    truth[:5], prediction[:, :4] = True, True
    prediction[8, 9, 10] = True
    single = np.zeros_like(truth)
    single[3, 3, 3] = True
    for masks in ((truth, prediction), (single, truth), (~single, ~truth), (truth | True, single)):
        for name, difference in differences(peer, *masks, (3.0, 1.0, 1.5)).items():
            assert difference < 1e-4, name


def real_cases(realdata):
    """Real label maps with predictions made of them: shifted, with a slice of it lost, and another class put in."""
    brats = realdata / "brats20" / "MICCAI_BraTS2020_TrainingData"
    files = [brats / f"BraTS20_Training_00{i}" / f"BraTS20_Training_00{i}_seg.nii.gz" for i in (1, 2)]
    files += [
        realdata / "amos22" / "labelsTr" / "amos_0001.nii.gz",
        realdata / "amos22" / "labelsVa" / "amos_0507.nii.gz",
    ]
    for file in files:
        truth = read_labels(file)
        prediction = np.roll(truth.labels, (1, 2, 0), (0, 1, 2))
        prediction[..., prediction.shape[2] // 2] = 0
        yield file.name, truth.labels, prediction, truth.spacing_mm


@pytest.mark.parametrize("peer", PEERS)
def test_real_cases(peer, realdata):
    compared = 0
    for name, truth, prediction, spacing_mm in real_cases(realdata):
        regions = [[1], [1, 4], [1, 2, 4]] if name.startswith("BraTS") else [[2], [4], [6], [8]]
        for values in regions:
            masks = np.isin(truth, values), np.isin(prediction, values)
            if not all(mask.any() for mask in masks):
                continue
            # the peers are slow on whole volumes
            box = ndimage.find_objects((masks[0] | masks[1]).astype(int))[0]
            for metric, difference in differences(peer, *(mask[box] for mask in masks), spacing_mm).items():
                assert difference < 1e-4, (name, values, metric)
            compared += 1
    assert compared > 8


def test_a_crop_changes_nothing_on_a_real_case(realdata):
    file = realdata / "amos22" / "labelsTr" / "amos_0001.nii.gz"
    truth = np.asanyarray(nib.load(file).dataobj)
    prediction = np.roll(truth, 1, axis=0)
    classes = {str(value): [value] for value in range(1, 16)}
    whole = score_case(truth, prediction, (3, 3, 3), classes=classes, metrics=OURS)
    padded = [np.pad(labels, 20) for labels in (truth, prediction)]
    found = score_case(*padded, (3, 3, 3), classes=classes, metrics=OURS, empty="inf")
    kept = {(r["class"], r["metric"]): r["value"] for r in found}
    statuses = {record["class"] for record in whole if record["metric"] == "status"}
    for record in whole:
        if record["class"] not in statuses:
            assert kept[record["class"], record["metric"]] == pytest.approx(record["value"])


def test_topomortar_masks(realdata):
    files = sorted((realdata / "topomortar").rglob("*.png"))
    masks = [file for file in files if "accurate" in str(file)][:2]
    if len(masks) < 2:
        pytest.skip("no TopoMortar masks")
    truth, prediction = (read_labels(file).labels[:200, :200] > 0 for file in masks)
    for peer in PEERS:
        for name, difference in differences(peer, truth, prediction, [1.0, 1.0]).items():
            assert difference < 1e-4, name


def test_the_two_conventions_of_hd95_on_the_same_masks():
    """A line of 100 pixels, found, with 8 false ones 19 mm off: 4 % of all distances, 7 % of the prediction's."""
    truth = np.zeros((30, 110), bool)
    truth[5, 5:105] = True
    prediction = truth.copy()
    prediction[24, 5:13] = True
    records = score_case(truth, prediction, (1, 1), classes={"c": [1]}, metrics=OURS)
    ours = {record["metric"]: record["value"] for record in records}
    assert ours["HD95_pooled"] == by_medpy(truth, prediction, (1, 1))["HD95_pooled"] == 0.0
    assert ours["HD95_max_directed"] == by_monai(truth, prediction, [1, 1])["HD95_max_directed"] == 19.0


NAN, INF = np.nan, np.inf
MONAI_AND_DROP = {
    # per metric: MONAI's value and ours under the policy drop, of a missed class, a false alarm, and two empty masks
    **dict.fromkeys(("DSC", "IoU"), ((0, NAN, NAN), (0, None, None))),
    "sensitivity": ((0, NAN, NAN), (0, None, None)),
    "precision": ((NAN, 0, NAN), (0, None, None)),
    **dict.fromkeys(("NSD@1mm", "NSD_voxel@1mm"), ((0, 0, NAN), (0, None, None))),
    **dict.fromkeys(
        ("HD95_max_directed", "HD95_prediction_to_truth", "HD95_truth_to_prediction"),
        ((NAN, NAN, NAN), (None, None, None)),
    ),
    **dict.fromkeys(("HD", "ASSD", "ASD", "ASD_truth_to_prediction"), ((INF, INF, NAN), (None, None, None))),
}


@pytest.mark.parametrize("emptiness", ["prediction_empty", "truth_empty", "both_empty"])
def test_what_monai_gives_for_empty_masks_and_what_drop_gives(emptiness):
    full, empty = np.zeros((2, 6, 6, 6), bool)
    full[2:4, 2:4, 2:4] = True
    truth = full if emptiness == "prediction_empty" else empty
    prediction = full if emptiness == "truth_empty" else empty
    at = ("prediction_empty", "truth_empty", "both_empty").index(emptiness)
    theirs = {
        name: value for name, value in by_monai(truth, prediction, (1, 1, 1)).items() if "@2.5" not in name
    }
    np.testing.assert_equal(theirs, {name: MONAI_AND_DROP[name][0][at] for name in theirs})
    assert theirs.keys() == MONAI_AND_DROP.keys()
    records = score_case(
        truth, prediction, (1, 1, 1), classes={"c": [1]}, metrics=list(MONAI_AND_DROP), empty="drop"
    )
    ours = {record["metric"]: record["value"] for record in records if record["metric"] != "status"}
    assert ours == {name: values[1][at] for name, values in MONAI_AND_DROP.items()}


def test_what_monai_averages_over_cases():
    """NaN drops out of its means and infinity does not: the comment on the policy ``drop`` says so."""
    torch, peer = pytest.importorskip("torch"), pytest.importorskip("monai.metrics")
    empty, full = torch.zeros(1, 1, 4, 4, 4), torch.ones(1, 1, 4, 4, 4)
    for metric, mean in (
        (peer.HausdorffDistanceMetric(include_background=True), INF),
        (peer.SurfaceDistanceMetric(include_background=True), INF),
        (peer.HausdorffDistanceMetric(include_background=True, percentile=95), 0.0),
    ):
        metric(full, full)
        metric(empty, full)
        assert metric.aggregate().item() == mean


def test_three_average_surface_distances_of_a_case_by_hand():
    """A truth of one pixel, and a prediction of it and of two more, 3 and 6 mm off."""
    truth = np.zeros((3, 9), bool)
    prediction = truth.copy()
    truth[1, 1] = prediction[1, 1] = prediction[1, 4] = prediction[1, 7] = True
    names = ("ASD", "ASD_truth_to_prediction", "ASSD", "MASD")
    records = score_case(truth, prediction, (1, 1), classes={"c": [1]}, metrics=names)
    assert [record["value"] for record in records] == [3.0, 0.0, 9 / 4, 1.5]
    released = score_case(
        truth, prediction, (7, 5), classes={"c": [1]}, metrics=("ASD",), empty="paper_a_released"
    )
    assert released[0]["metric"] == "ASD_paper_a_released"
    assert released[0]["value"] == pytest.importorskip("medpy.metric.binary").asd(prediction, truth) == 3.0
