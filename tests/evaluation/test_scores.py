"""Scoring files and folders: formats, pairing, refusals, the table."""

import gzip

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from PIL import Image

from seglossbench.errors import InputError
from seglossbench.evaluation import score_case
from seglossbench.evaluation.label_files import read_labels, stem_of
from seglossbench.evaluation.pairs import Pair, pair_files
from seglossbench.evaluation.scores import count_empty, parse_classes, score_files
from seglossbench.vocabulary.tables import SCORES

AFFINE = np.array([[-1.5, 0, 0, 20], [0, -2, 0, 30], [0, 0, 3, -40], [0, 0, 0, 1.0]])


@pytest.fixture
def labels():
    rng = np.random.default_rng(0)
    truth, prediction = rng.integers(0, 3, (2, 8, 9, 10)).astype(np.uint8)
    return truth, prediction


@pytest.fixture
def folders(tmp_path, labels, write_nifti):
    """Two folders of two cases; nnU-Net's other files lie beside the predictions."""
    truth, prediction = labels
    for case, shift in (("case_1", 0), ("case_2", 2)):
        write_nifti(tmp_path / "labelsTs" / f"{case}.nii.gz", np.roll(truth, shift, 0), AFFINE)
        write_nifti(tmp_path / "predicted" / f"{case}.nii.gz", prediction, AFFINE)
        (tmp_path / "predicted" / f"{case}.npz").write_bytes(b"softmax")
    for name in (
        "dataset.json",
        "plans.json",
        "predict_from_raw_data_args.json",
        "postprocessing.pkl",
        ".x.nii.gz",
    ):
        (tmp_path / "predicted" / name).write_text("{}")
    return tmp_path / "labelsTs", tmp_path / "predicted"


def test_table_of_two_folders(folders, labels):
    table = score_files(
        pair_files(*folders),
        classes={"1": [1], "all": [1, 2], "none": [7]},
        metrics=("DSC", "HD95", "TP"),
        identity={"dataset": "amos", "seed": 3},
        progress=False,
    )
    assert tuple(table.columns) == SCORES
    assert set(map(tuple, table[["dataset", "network", "loss", "seed"]].values)) == {("amos", "-", "-", 3)}
    assert list(table["case"].unique()) == ["case_1", "case_2"]
    expected = score_case(
        *labels, (1.5, 2, 3), classes={"1": [1], "all": [1, 2], "none": [7]}, metrics=("DSC", "HD95", "TP")
    )
    of_first = table[table["case"] == "case_1"]
    assert of_first[["class", "metric", "value"]].to_dict("records") == expected
    assert count_empty(table) == {"both_empty": 2}


def test_undefined_is_an_empty_field_and_its_reason_a_row(folders, tmp_path):
    table = score_files(pair_files(*folders), classes={"none": [7]}, metrics=("DSC",), progress=False)
    table.to_csv(tmp_path / "scores.csv", index=False)
    rows = (tmp_path / "scores.csv").read_text().splitlines()
    assert rows[0] == "dataset,network,loss,seed,case,class,metric,value"
    assert rows[1:3] == ["-,-,-,-,case_1,none,DSC,", "-,-,-,-,case_1,none,status,both_empty"]


def test_without_classes_every_label_is_one(folders):
    table = score_files(pair_files(*folders), metrics=("DSC",), progress=False)
    assert list(table["class"]) == ["1", "2"] * 2


def test_several_processes_give_the_same_table(folders, monkeypatch):
    monkeypatch.setattr("seglossbench.parallel.TRIED", 0)
    options = {"classes": {"1": [1]}, "metrics": ("DSC", "HD"), "progress": False}
    one, two = (score_files(pair_files(*folders), workers=workers, **options) for workers in (1, 2))
    pd.testing.assert_frame_equal(one, two)


def test_an_error_in_another_process_is_still_one_line(folders, monkeypatch):
    monkeypatch.setattr("seglossbench.parallel.TRIED", 0)
    (folders[1] / "case_2.nii.gz").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"case_2\.nii\.gz"):
        score_files(pair_files(*folders), classes={"1": [1]}, workers=2, progress=False)


@pytest.mark.parametrize("suffix", ["nii", "nii.gz", "nrrd", "mha", "mhd"])
def test_every_format_tells_the_same(tmp_path, labels, suffix):
    truth, _ = labels
    file = tmp_path / f"a.b.{suffix}"
    if suffix.startswith("nii"):
        nib.save(nib.Nifti1Image(truth, AFFINE), file)
    else:
        image = sitk.GetImageFromArray(truth.T)
        image.SetSpacing((1.5, 2, 3))
        image.SetOrigin((-20, -30, -40))
        sitk.WriteImage(image, file)
    found = read_labels(file)
    np.testing.assert_array_equal(found.labels, truth)
    np.testing.assert_allclose(found.volume.affine, AFFINE)
    assert found.spacing_mm == pytest.approx((1.5, 2, 3))
    assert stem_of(file) == "a.b"


def test_truth_and_prediction_of_different_formats(tmp_path, labels):
    nib.save(nib.Nifti1Image(labels[0], AFFINE), tmp_path / "t.nii.gz")
    image = sitk.GetImageFromArray(labels[1].T)
    image.SetSpacing((1.5, 2, 3))
    image.SetOrigin((-20, -30, -40))
    sitk.WriteImage(image, tmp_path / "p.mha")
    table = score_files(
        pair_files(tmp_path / "t.nii.gz", tmp_path / "p.mha"), classes={"1": [1]}, progress=False
    )
    expected = score_case(*labels, (1.5, 2, 3), classes={"1": [1]})
    assert list(table["value"]) == [record["value"] for record in expected]
    assert set(table["case"]) == {"t"}


@pytest.mark.parametrize("mode", ["L", "RGB", "P", "1"])
def test_png(tmp_path, mode):
    mask = np.zeros((12, 15), np.uint8)
    mask[2:5, 3:9] = 255
    image = Image.fromarray(mask)
    if mode == "P":
        image = Image.fromarray(mask // 255, "L")
        image.putpalette([0, 0, 0, 200, 30, 30])
    Image.Image.save(image.convert(mode) if mode not in "LP" else image, tmp_path / "mask.png")
    found = read_labels(tmp_path / "mask.png")
    np.testing.assert_array_equal(found.labels != 0, mask != 0)
    assert found.spacing_mm == (1.0, 1.0)


def test_a_single_slice_is_a_2d_map(tmp_path, labels):
    nib.save(nib.Nifti1Image(labels[0][:, :1], AFFINE), tmp_path / "slice.nii")
    found = read_labels(tmp_path / "slice.nii")
    assert found.labels.shape == (8, 10)
    assert found.spacing_mm == pytest.approx((1.5, 3))


def test_whole_numbers_stored_as_fractions_are_labels(tmp_path, labels):
    nib.save(nib.Nifti1Image(labels[0].astype(np.float32), AFFINE), tmp_path / "float.nii")
    assert read_labels(tmp_path / "float.nii").labels.dtype.kind in "iu"


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        (np.float64, (3e9, 6e9)),
        (np.float32, (3e9, 6e9)),
        (np.float64, (2**53 - 1, 2**53 - 2)),
        (np.int64, (2**60, 2**60 + 1)),
        (np.uint64, (2**63 + 1, 2**63 + 3)),
        (np.int16, (-1, -2)),
    ],
)
def test_large_labels_stay_apart(tmp_path, dtype, values):
    truth = np.zeros((6, 5, 4), dtype)
    truth[0], truth[1:3], truth[4] = 5, *values
    prediction = truth.copy()
    prediction[1] = 0
    for name, array in (("t.nii", truth), ("p.nii", prediction)):
        nib.save(nib.Nifti1Image(array, AFFINE, dtype=dtype), tmp_path / name)
    table = score_files(pair_files(tmp_path / "t.nii", tmp_path / "p.nii"), metrics=["DSC"], progress=False)
    found = dict(zip(table["class"], table["value"], strict=True))
    assert found == {"5": 1.0, str(int(values[0])): pytest.approx(2 / 3), str(int(values[1])): 1.0}


def turned(affine, degrees):
    angle = np.deg2rad(degrees)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return turn @ affine


def shifted(affine, millimetres):
    return affine + np.array([[0, 0, 0, millimetres], [0] * 4, [0] * 4, [0] * 4])


@pytest.mark.parametrize(
    ("shape", "affine", "difference"),
    [
        ((8, 9, 11), AFFINE, r"shape \(8, 9, 11\) differs from \(8, 9, 10\) of the truth"),
        (
            (8, 9, 10),
            AFFINE @ np.diag([1, 1, 2, 1]),
            r"spacing \(1.5, 2, 6\) mm differs from \(1.5, 2, 3\) mm",
        ),
        ((8, 9, 10), shifted(AFFINE, 1), r"origin \(21, 30, -40\) mm differs from \(20, 30, -40\) mm"),
        ((8, 9, 10), AFFINE @ np.diag([-1, 1, 1, 1]), r"origin .*: 7 voxels off"),
        ((8, 9, 10), turned(AFFINE, 3), "axes point elsewhere"),
    ],
)
def test_another_grid_is_refused_with_both_files_and_the_difference(tmp_path, shape, affine, difference):
    files = tmp_path / "truth.nii", tmp_path / "prediction.nii"
    nib.save(nib.Nifti1Image(np.zeros((8, 9, 10), np.uint8), AFFINE), files[0])
    nib.save(nib.Nifti1Image(np.zeros(shape, np.uint8), affine), files[1])
    with pytest.raises(
        InputError, match=f"truth.nii and .*prediction.nii are not on the same grid: .*{difference}"
    ):
        score_files(pair_files(*files), classes={"1": [1]}, progress=False)


def test_rounding_of_a_header_is_no_other_grid(tmp_path, labels, write_nifti):
    files = [
        write_nifti(tmp_path / "t.nii", labels[0], AFFINE),
        write_nifti(tmp_path / "p.nii", labels[1], shifted(AFFINE * (1 + 1e-5), 1e-3)),
    ]
    assert len(score_files(pair_files(*files), classes={"1": [1]}, progress=False)) == 4


def test_unpaired_files_are_named(folders):
    truth, prediction = folders
    (prediction / "case_2.nii.gz").rename(prediction / "case_3.nii.gz")
    with pytest.raises(InputError, match=r"predicted: no prediction for .*labelsTs/case_2\.nii\.gz"):
        pair_files(truth, prediction)
    (truth / "case_2.nii.gz").unlink()
    with pytest.raises(InputError, match=r"labelsTs: no truth for .*predicted/case_3\.nii\.gz"):
        pair_files(truth, prediction)


def test_other_ways_to_name_the_wrong_files(folders, tmp_path):
    truth, prediction = folders
    file = truth / "case_1.nii.gz"
    (tmp_path / "nothing").mkdir()
    (truth / "case_1.nii").write_bytes(gzip.decompress(file.read_bytes()))
    for pair, message in (
        ((truth, tmp_path / "absent"), "absent: no such file or folder"),
        ((prediction, file), "is a folder and .* a file"),
        ((prediction, tmp_path / "nothing"), r"nothing: holds no label map; looked for \.nii\.gz"),
        ((truth, prediction), r"case_1\.nii and case_1\.nii\.gz are of the same case"),
    ):
        with pytest.raises(InputError, match=message):
            pair_files(*pair)


def test_pairs_are_sorted_by_case(folders):
    pairs = pair_files(*folders)
    assert pairs[1] == Pair("case_2", folders[0] / "case_2.nii.gz", folders[1] / "case_2.nii.gz")


@pytest.mark.parametrize(
    ("name", "write", "message"),
    [
        ("a.nii", lambda file: file.write_bytes(b"1"), "not a readable NIfTI"),
        ("a.nii.gz", lambda file: file.write_bytes(gzip.compress(b"1" * 400)), r"a\.nii\.gz"),
        ("a.mha", lambda file: file.write_bytes(b"1"), "not a readable image"),
        ("a.png", lambda file: file.write_bytes(b"1"), "not a readable PNG"),
        ("a.jpg", lambda file: file.write_bytes(b"1"), r"unknown ending; expected \.nii\.gz"),
        ("a.nii", lambda file: None, "no such file"),
        (
            "a.nii",
            lambda file: nib.save(nib.Nifti1Image(np.full((3, 3, 3), 0.37, "f4"), AFFINE), file),
            "found 0.37",
        ),
        (
            "a.nii",
            lambda file: nib.save(nib.Nifti1Image(np.ones((3, 3, 3, 2), "u1"), AFFINE), file),
            "2 values per voxel",
        ),
        (
            "a.nii",
            lambda file: nib.save(nib.Nifti1Image(np.ones((3, 3, 1, 2), "u1"), AFFINE), file),
            "2 values per voxel",
        ),
        ("a.png", lambda file: Image.new("RGB", (4, 4), (1, 2, 3)).save(file), "3 values per voxel"),
    ],
)
def test_files_that_hold_no_label_map(tmp_path, name, write, message):
    write(tmp_path / name)
    with pytest.raises(InputError, match=message):
        read_labels(tmp_path / name)


def test_arguments_are_checked_before_any_file_is_read(tmp_path):
    absent = [("a", tmp_path / "a.nii", tmp_path / "b.nii")]
    for options, message in (
        ({"metrics": ["Dice"]}, "unknown metric"),
        ({"empty": "none"}, "no policy"),
        ({"hd95": "x"}, "unknown convention"),
        ({"classes": {"a": []}}, "no label values"),
    ):
        with pytest.raises(InputError, match=message):
            score_files(absent, **({"classes": {"a": [1]}} | options))
    with pytest.raises(InputError, match="no case"):
        score_files([])


def test_files_without_labels_need_classes(tmp_path, write_nifti):
    file = write_nifti(tmp_path / "empty.nii", np.zeros((4, 4, 4), np.uint8))
    with pytest.raises(InputError, match="no label but 0"):
        score_files(pair_files(file, file), progress=False)


def test_regions_in_words():
    assert parse_classes(["WT=1,2,4", "ET=4"]) == {"WT": (1, 2, 4), "ET": (4,)}
    for word in ("WT", "WT=", "WT=a", "WT=1,,2", "=1"):
        with pytest.raises(InputError, match="WT=1,2,4"):
            parse_classes([word])
    with pytest.raises(InputError, match="named twice"):
        parse_classes(["WT=1", "WT=2"])
