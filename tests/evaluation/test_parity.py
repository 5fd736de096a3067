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
    *(
        "DSC",
        "IoU",
        "sensitivity",
        "precision",
        "RVD",
        "HD",
        "HD95_pooled",
        "HD95_max_directed",
        "ASSD",
        "ASD_pooled",
    ),
    *(f"{family}@{tolerance}mm" for family in ("NSD", "NSD_voxel") for tolerance in TOLERANCES_MM),
)


def by_medpy(truth, prediction, spacing_mm):
    peer = pytest.importorskip("medpy.metric.binary")
    directed = peer.asd(prediction, truth, spacing_mm), peer.asd(truth, prediction, spacing_mm)
    pooled = np.concatenate(
        [
            peer.__surface_distances(prediction, truth, spacing_mm),
            peer.__surface_distances(truth, prediction, spacing_mm),
        ]
    )
    return {
        "DSC": peer.dc(prediction, truth),
        "IoU": peer.jc(prediction, truth),
        "sensitivity": peer.sensitivity(prediction, truth),
        "precision": peer.precision(prediction, truth),
        "RVD": peer.ravd(prediction, truth),
        "HD": peer.hd(prediction, truth, spacing_mm),
        "HD95_pooled": peer.hd95(prediction, truth, spacing_mm),
        "ASSD": np.mean(directed),  # assd itself until MedPy 0.5, which took to pooling
        "ASD_pooled": pooled.mean(),
    }


def by_monai(truth, prediction, spacing_mm):
    torch, peer = pytest.importorskip("torch"), pytest.importorskip("monai.metrics")
    masks = [torch.from_numpy(mask[None, None].astype(np.float32)) for mask in (prediction, truth)]
    options = {"include_background": True, "spacing": spacing_mm}
    values = {
        "HD": peer.compute_hausdorff_distance(*masks, **options),
        "HD95_max_directed": peer.compute_hausdorff_distance(*masks, percentile=95, **options),
        "ASD_pooled": peer.compute_average_surface_distance(*masks, symmetric=True, **options),
        "DSC": peer.compute_dice(*masks),
        "IoU": peer.compute_iou(*masks),
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
            box = ndimage.find_objects((masks[0] | masks[1]).astype(int))[
                0
            ]  # the peers are slow on whole volumes
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


def test_what_monai_drops_we_leave_undefined():
    torch, peer = pytest.importorskip("torch"), pytest.importorskip("monai.metrics")
    empty, full = torch.zeros(1, 1, 4, 4, 4), torch.ones(1, 1, 4, 4, 4)
    for truth, prediction in ((full, empty), (empty, full), (empty, empty)):
        hausdorff = peer.compute_hausdorff_distance(prediction, truth, include_background=True)
        dice = peer.compute_dice(prediction, truth).item()
        arrays = (mask[0, 0].numpy().astype(int) for mask in (truth, prediction))
        found = score_case(*arrays, (1, 1, 1), classes={"c": [1]}, metrics=("DSC", "HD"), empty="drop")
        assert not torch.isfinite(hausdorff)
        assert found[1]["value"] is None
        assert found[0]["value"] == (None if np.isnan(dice) else dice)
