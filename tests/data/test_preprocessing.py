import json

import nibabel as nib
import numpy as np
import pytest

from seglossbench.data import index_cases
from seglossbench.data.cases import Case, CaseIndex
from seglossbench.data.geometry import labels_in_raw_space
from seglossbench.data.prepared import PreparedDataset
from seglossbench.data.preprocessing import class_indices, normalise, preprocess_case, preprocess_dataset
from seglossbench.errors import InputError
from seglossbench.params import PreprocessParams

VALUES = {"background": 0, "necrosis": 1, "enhancing": 4}
# Axes swapped and two of them flipped, 1 x 2 x 3 mm.
TURNED = np.array([[0, -2.0, 0, 5], [1.0, 0, 0, -7], [0, 0, -3.0, 9], [0, 0, 0, 1]])


@pytest.fixture
def case(tmp_path, write_nifti):
    """An MRI case whose two voxels of label lie in a nonzero box away from the border."""
    image, labels = np.zeros((6, 8, 7), np.float32), np.zeros((6, 8, 7), np.uint8)
    image[1:5, 2:7, 3:6] = np.random.default_rng(0).uniform(1, 5, (4, 5, 3))
    labels[1, 2, 3], labels[4, 6, 5] = 1, 4
    files = (
        write_nifti(tmp_path / "image.nii.gz", image, TURNED),
        write_nifti(tmp_path / "l.nii.gz", labels, TURNED),
    )
    return Case("one", files[:1], files[1], "MRI")


def test_a_case_goes_to_ras_and_its_labels_come_back(case):
    image, labels, geometry = preprocess_case(case, VALUES, PreprocessParams())
    assert image.shape == (1, 5, 4, 3)  # cropped, and the axes in RAS order
    assert geometry.spacing_mm == pytest.approx((2, 1, 3))
    assert labels[4, 0, 2] == 1  # flipped along the first and last axis
    raw = np.asarray(nib.load(case.labels).dataobj)
    np.testing.assert_array_equal(np.array([0, 1, 4])[labels_in_raw_space(labels, geometry)], raw)


def test_labels_come_back_from_another_spacing(tmp_path, write_nifti):
    labels = np.zeros((12, 12, 12), np.uint8)
    labels[2:8, 4:10, 2:6] = 1
    image = np.ones_like(labels, dtype=np.float32) + np.arange(12)
    files = write_nifti(tmp_path / "image.nii", image), write_nifti(tmp_path / "labels.nii", labels)
    settings = PreprocessParams(spacing_mm=(2, 2, 1))
    prepared, small, geometry = preprocess_case(Case("one", files[:1], files[1], "MRI"), VALUES, settings)
    assert prepared.shape == (1, 6, 6, 12)
    np.testing.assert_array_equal(small, labels[::2, ::2, :])  # even edges: nearest is exact
    np.testing.assert_array_equal(labels_in_raw_space(small, geometry), labels)


def test_ct_window_maps_to_minus_one_and_one():
    hu = np.array([[[-1000.0, -125.0, 75.0, 275.0, 3000.0]]], np.float32)
    np.testing.assert_allclose(normalise(hu, "CT", PreprocessParams()), [[[-1, -1, 0, 1, 1]]])


def test_mri_is_z_scored_inside_its_mask():
    image = np.array([[[0.0, 2.0, 4.0, 0.0]], [[0.0, 0.0, 0.0, 0.0]]], np.float32)
    np.testing.assert_allclose(normalise(image, "MRI", PreprocessParams()), [[[0, -1, 1, 0]], [[0, 0, 0, 0]]])


def test_unknown_label_is_named(tmp_path):
    with pytest.raises(InputError, match=r"l\.nii: unknown label values \[3\.0\]; known: 0, 1, 4"):
        class_indices(np.array([0.0, 3.0, 4.0]), VALUES, tmp_path / "l.nii")


@pytest.mark.parametrize(
    ("shape", "affine", "message"),
    [((6, 8, 8), TURNED, "shape"), ((6, 8, 7), np.eye(4), "affine differs")],
)
def test_image_and_labels_on_other_grids(case, write_nifti, shape, affine, message):
    write_nifti(case.images[0], np.ones(shape, np.float32), affine)
    with pytest.raises(InputError, match=message):
        preprocess_case(case, VALUES, PreprocessParams())


def test_truncated_and_broken_files_are_named(case, write_nifti):
    whole = case.images[0].read_bytes()
    case.images[0].write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"image\.nii\.gz: truncated or damaged"):
        preprocess_case(case, VALUES, PreprocessParams())
    case.images[0].write_text("no scan")
    with pytest.raises(InputError, match=r"image\.nii\.gz: not a readable NIfTI"):
        preprocess_case(case, VALUES, PreprocessParams())
    write_nifti(case.images[0], np.full((6, 8, 7), np.nan, np.float32), TURNED)
    with pytest.raises(InputError, match=r"image\.nii\.gz: holds NaN"):
        preprocess_case(case, VALUES, PreprocessParams())


def test_a_dataset_is_prepared_whole_or_not_at_all(case, tmp_path, write_nifti):
    bad = Case(
        "two", (write_nifti(tmp_path / "bad.nii", np.ones((2, 2, 2), np.float32)),), case.labels, "MRI"
    )
    folder = tmp_path / "prepared"
    with pytest.raises(InputError, match=r"bad\.nii"):
        preprocess_dataset(CaseIndex("brats", ("t1",), VALUES, (case, bad)), PreprocessParams(), folder, "x")
    assert not folder.exists()
    # The case that was finished waits for the next call.
    preprocess_dataset(CaseIndex("brats", ("t1",), VALUES, (case,)), PreprocessParams(), folder, "x")
    prepared = PreparedDataset(folder).cases["one"]
    assert prepared.voxels_per_class == (58, 1, 1)
    assert prepared.image.shape == (1, *prepared.labels.shape)
    assert json.loads((folder / "dataset.json").read_text())["classes"] == list(VALUES)
    # In the order of the class indices, which is not that of the alphabet.
    assert list(PreparedDataset(folder).label_values.items()) == list(VALUES.items())


def test_real_scans_are_prepared_and_their_labels_come_back(realdata):
    for root, count in ((realdata / "brats20", 2), (realdata / "amos22", 2)):
        index = index_cases(root)
        assert len(index.cases) == count
        case = index.cases[0]
        image, labels, geometry = preprocess_case(case, index.label_values, PreprocessParams())
        assert image.shape == (len(index.channels), *labels.shape)
        values = np.array(list(index.label_values.values()))
        raw = np.asarray(nib.load(case.labels).dataobj)
        np.testing.assert_array_equal(values[labels_in_raw_space(labels, geometry)], raw)
