"""PENGWIN: its layout, and its preparation as paper A's code makes it."""

import zipfile

import numpy as np
import pytest

from seglossbench.data.cases import Case
from seglossbench.data.checking import check_dataset
from seglossbench.data.geometry import centre_box, labels_in_raw_space
from seglossbench.data.images import read_label_map
from seglossbench.data.layouts import index_cases
from seglossbench.data.preparation.preprocessing import preprocess_case
from seglossbench.data.preparation.presets import recipe
from seglossbench.errors import InputError
from seglossbench.params import PreprocessParams
from seglossbench.phantoms.pengwin import write_pengwin_phantom

SHAPE = (60, 50, 40)
PAPER_A = recipe(PreprocessParams(preset="paper_a"), "pengwin", "CT")


@pytest.fixture(scope="module")
def phantom(tmp_path_factory):
    """Five phantoms, unpacked; the last one has a fifth fragment of the left hipbone."""
    folder = tmp_path_factory.mktemp("pengwin")
    write_pengwin_phantom(folder / "pengwin.zip", cases=5, shape=SHAPE, seed=0)
    with zipfile.ZipFile(folder / "pengwin.zip") as archive:
        archive.extractall(folder / "raw")
    return folder / "raw"


def test_images_of_both_parts_meet_their_labels(phantom):
    index = index_cases(phantom)
    assert (index.layout, index.channels) == ("pengwin", ("CT",))
    assert [case.name for case in index.cases] == ["001", "002", "003", "004", "005"]
    assert [case.images[0].parent.name[-5:] for case in index.cases] == ["part1"] * 3 + ["part2"] * 2
    assert list(index.label_values.values()) == [0, 1, 2, 3, 4, 11, 12, 13, 14, 21, 22, 23, 24]
    assert index.regions["left hipbone"] == tuple(f"left hipbone {number}" for number in (1, 2, 3, 4))
    assert check_dataset(index, 1, "check")[0] == []


def test_what_has_no_partner_or_two_is_told(tmp_path):
    names = ("images/001", "images/002", "images/003", "labels/001", "labels/004", "more/labels/001")
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"{name}.mha").touch()
    index = index_cases(tmp_path, gather_problems=True)
    assert index.cases == ()
    assert {(problem.case, problem.kind) for problem in index.problems} == {
        ("001", "ambiguous files"),
        ("002", "missing labels"),
        ("003", "missing labels"),
        ("004", "missing image"),
    }


def test_fragments_beyond_the_fourth_are_background(phantom):
    case = index_cases(phantom).cases[4]
    raw = read_label_map(case.labels).array[0]
    assert 15 in raw
    _, labels, geometry, _ = preprocess_case(case, index_cases(phantom).label_values, 1, PAPER_A)
    assert set(np.unique(labels)) <= set(range(13))
    back = labels_in_raw_space(labels, geometry)
    assert (back[raw == 15] == 0).mean() > 0.5  # but for the rim, which respacing may give to a neighbour
    with pytest.raises(InputError, match=r"005\.mha: unknown label values \[15\]"):
        preprocess_case(
            Case(case.name, case.images, case.labels, "CT"), index_cases(phantom).label_values, 1, PAPER_A
        )


def test_left_is_left_in_both_orders_of_axes(phantom):
    index = index_cases(phantom)
    for case in index.cases[:2]:
        # the first is stored to the left and back, the second to the right and front
        _, labels, _, _ = preprocess_case(case, index.label_values, 1, PAPER_A)
        x_of = {side: np.mean(np.nonzero(np.isin(labels, side))[0]) for side in (range(5, 9), range(9, 13))}
        assert x_of[range(5, 9)] < x_of[range(9, 13)]


def test_two_millimetres_central_box_and_z_score_of_the_clipped_box(phantom):
    index = index_cases(phantom)
    image, labels, geometry, _ = preprocess_case(index.cases[0], index.label_values, 1, PAPER_A)
    assert labels.shape == (192, 144, 130)  # 384 x 288 x 260 mm
    assert geometry.spacing_mm == pytest.approx((2, 2, 2))
    values = image.astype(np.float64)
    assert (values.mean(), values.std()) == pytest.approx((0, 1), abs=1e-3)
    # The air of -1000 HU is clipped to -500 like all that is darker.
    assert (values == values.min()).mean() > 0.2


def test_a_central_box_is_cut_in_raw_voxels(tmp_path, write_nifti):
    image = np.arange(20 * 9 * 4, dtype=np.float32).reshape(20, 9, 4)
    labels = np.zeros((20, 9, 4), np.uint8)
    labels[8:12, 4] = 1
    affine = np.diag([0.5, 1, 1, 1])
    files = write_nifti(tmp_path / "i.nii", image, affine), write_nifti(tmp_path / "l.nii", labels, affine)
    case = Case("a", files[:1], files[1], "CT")
    settings = PreprocessParams(spacing_mm=(1, 1, 1), centre_crop=(6, 5, None), label_interpolation="nearest")
    chosen = recipe(settings, "nnunet", "CT")
    _, prepared, geometry, _ = preprocess_case(case, {"background": 0, "a": 1}, 1, chosen)
    assert geometry.box == ((4, 16), (2, 7), (0, 4))
    assert prepared.shape == (6, 5, 4)
    np.testing.assert_array_equal(
        labels_in_raw_space(prepared, geometry)[:, 4].any(-1), (labels[:, 4] > 0).any(-1)
    )
    with pytest.raises(InputError, match=r"preprocess\.centre_crop: has 2 sizes, but the cases have 3 axes"):
        preprocess_case(
            case, {"background": 0, "a": 1}, 1, recipe(PreprocessParams(centre_crop=(6, 5)), "nnunet", "CT")
        )


def test_a_box_that_is_smaller_stays():
    assert centre_box(((2, 8), (0, 9)), (1.0, 2.0), (10.0, 6.0)) == ((2, 8), (3, 6))
    assert centre_box(((2, 8),), (1.0,), (None,)) == ((2, 8),)
