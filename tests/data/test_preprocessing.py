from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from seglossbench.data.cases import Case
from seglossbench.data.geometry import labels_in_raw_space
from seglossbench.data.layouts import index_cases
from seglossbench.data.preparation.preprocessing import preprocess_case
from seglossbench.data.preparation.presets import recipe
from seglossbench.errors import InputError
from seglossbench.params import PreprocessParams

MRI = recipe(PreprocessParams(), "brats", "MRI")
VALUES = {"background": 0, "necrosis": 1, "enhancing": 4}
# Axes swapped and two of them flipped, 1 x 2 x 3 mm.
TURNED = np.array([[0, -2.0, 0, 5], [1.0, 0, 0, -7], [0, 0, -3.0, 9], [0, 0, 0, 1]])
MOVED = TURNED + np.array([[0, 0, 0, 10], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])


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
    image, labels, geometry, _ = preprocess_case(case, VALUES, 1, MRI)
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
    respacing = replace(MRI, spacing_mm=(2, 2, 1))
    prepared, small, geometry, _ = preprocess_case(
        Case("one", files[:1], files[1], "MRI"), VALUES, 1, respacing
    )
    assert prepared.shape == (1, 6, 6, 12)
    np.testing.assert_array_equal(small, labels[::2, ::2, :])  # even edges: nearest is exact
    np.testing.assert_array_equal(labels_in_raw_space(small, geometry), labels)


@pytest.mark.parametrize(
    ("shape", "affine", "message"),
    [
        ((6, 8, 8), TURNED, "shape"),
        ((8, 6, 7), np.eye(4), "spacing"),
        ((6, 8, 7), MOVED, "origin"),
    ],
)
def test_image_and_labels_on_other_grids(case, write_nifti, shape, affine, message):
    write_nifti(case.images[0], np.ones(shape, np.float32), affine)
    with pytest.raises(InputError, match=message):
        preprocess_case(case, VALUES, 1, MRI)


def test_a_case_of_more_channels_than_the_dataset_is_refused(case, write_nifti):
    write_nifti(case.images[0], np.ones((6, 8, 7, 2), np.float32), TURNED)
    with pytest.raises(InputError, match=r"l\.nii\.gz: .*\(image\.nii\.gz\) have 2 channels, and .* has 1"):
        preprocess_case(case, VALUES, 1, MRI)


def test_truncated_and_broken_files_are_named(case, write_nifti):
    whole = case.images[0].read_bytes()
    case.images[0].write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"image\.nii\.gz: truncated or damaged"):
        preprocess_case(case, VALUES, 1, MRI)
    case.images[0].write_text("no scan")
    with pytest.raises(InputError, match=r"image\.nii\.gz: not a readable NIfTI"):
        preprocess_case(case, VALUES, 1, MRI)
    write_nifti(case.images[0], np.full((6, 8, 7), np.nan, np.float32), TURNED)
    with pytest.raises(InputError, match=r"image\.nii\.gz: holds NaN"):
        preprocess_case(case, VALUES, 1, MRI)


def test_real_scans_are_prepared_and_their_labels_come_back(realdata):
    for root, count in ((realdata / "brats20", 2), (realdata / "amos22", 2)):
        index = index_cases(root)
        assert len(index.cases) == count
        case = index.cases[0]
        plain = recipe(PreprocessParams(), index.layout, case.modality)
        image, labels, geometry, _ = preprocess_case(case, index.label_values, len(index.channels), plain)
        assert image.shape == (len(index.channels), *labels.shape)
        values = np.array(list(index.label_values.values()))
        raw = np.asarray(nib.load(case.labels).dataobj)
        np.testing.assert_array_equal(values[labels_in_raw_space(labels, geometry)], raw)


def test_an_image_keeps_its_pixels_and_each_colour_is_z_scored(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (6, 8, 3), np.uint8)
    pixels[:2] = 0  # black is a colour like any other
    mask = np.zeros((6, 8), np.uint8)
    mask[1, 5] = 255
    Image.fromarray(pixels).save(tmp_path / "i.png")
    Image.fromarray(mask).save(tmp_path / "m.png")
    case = Case("one", (tmp_path / "i.png",), tmp_path / "m.png", "RGB")
    values = {"background": 0, "mortar": 255}
    plain = recipe(PreprocessParams(), "topomortar", "RGB")
    image, labels, geometry, _ = preprocess_case(case, values, 3, plain)
    colours = np.moveaxis(pixels, 2, 0).astype(float)
    expected = (colours - colours.mean((1, 2), keepdims=True)) / colours.std((1, 2), keepdims=True)
    np.testing.assert_allclose(image, expected, atol=2e-3)
    np.testing.assert_array_equal(labels, mask // 255)
    assert (geometry.raw_shape, geometry.spacing_mm) == ((6, 8), (1, 1))
    np.testing.assert_array_equal(labels_in_raw_space(labels, geometry), labels)
    with pytest.raises(InputError, match=r"preprocess\.spacing_mm: has 3 sizes"):
        preprocess_case(case, values, 3, replace(plain, spacing_mm=(1, 1, 1)))
