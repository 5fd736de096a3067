"""What files say of space: units, missing sizes, and whether two of them lie on one grid, by every way to ask."""

import gzip

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from seglossbench.data.cases import Case
from seglossbench.data.checking import check_case
from seglossbench.data.grids import TOLERANCE, Grid, difference, fault_of
from seglossbench.data.images import read_unchecked, read_volume
from seglossbench.data.preparation.loading import load_case
from seglossbench.data.preparation.preprocessing import preprocess_case
from seglossbench.data.preparation.presets import Recipe
from seglossbench.errors import InputError
from seglossbench.evaluation.pairs import Pair, read_pair
from seglossbench.evaluation.scores import score_files

SHAPE = (12, 10, 8)
LABELS = np.zeros(SHAPE, np.uint8)
LABELS[2:7, 3:8, 1:5] = 1
VALUES = {"background": 0, "a": 1}
RECIPE = Recipe()
OBLIQUE = nib.eulerangles.euler2mat(0.3, -0.2, 0.5)


def affine_of(spacing, turn=OBLIQUE, origin=(3, -4, 5)):
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag(spacing)
    affine[:3, 3] = np.array(origin) * spacing[0]
    return affine


def turned(affine, degrees):
    turn = np.eye(4)
    turn[:3, :3] = nib.eulerangles.euler2mat(np.deg2rad(degrees))
    return turn @ affine


def moved(affine, voxels):
    return affine @ nib.affines.from_matvec(np.eye(3), [voxels, 0, 0])


def verdicts(tmp_path, write_nifti, image, affine, truth=LABELS, truth_affine=None):
    """Whether each of the three ways to compare takes an image and a label map to lie on one grid."""
    truth_affine = affine if truth_affine is None else truth_affine
    files = [
        write_nifti(tmp_path / "labels.nii", truth, truth_affine),
        write_nifti(tmp_path / "image.nii", image, affine),
    ]
    case = Case("one", (files[1],), files[0], "MRI")
    found = {"check": not check_case(case, 1, VALUES).problems}
    for name, ask in (
        ("prepare", lambda: preprocess_case(case, VALUES, 1, RECIPE)),
        ("score", lambda: read_pair(Pair("one", *files))),
    ):
        try:
            ask()
            found[name] = True
        except InputError:
            found[name] = False
    return found


def agreed(found):
    (verdict,) = set(found.values())
    return verdict


@pytest.mark.parametrize("scale", [1e-6, 0.004, 1.0, 1e5])
@pytest.mark.parametrize(
    ("change", "is_same"),
    [
        (lambda affine: affine, True),
        (lambda affine: moved(affine, 0.8 * TOLERANCE), True),
        (lambda affine: moved(affine, 1.5 * TOLERANCE), False),
        (lambda affine: turned(affine, 0.1), True),
        (lambda affine: turned(affine, 0.5), False),
        (lambda affine: affine @ np.diag([2, 1, 1, 1]), False),
        (lambda affine: affine @ np.diag([1, 1, 1.003, 1]), True),
        (lambda affine: affine @ np.diag([1, 1.01, 1, 1]), False),
    ],
)
def test_every_way_to_compare_says_the_same_at_every_scale(tmp_path, write_nifti, scale, change, is_same):
    """About the corner that lies at the origin, so that turns and sizes move the far one most."""
    affine = affine_of((scale, 1.2 * scale, 3 * scale), origin=(0, 0, 0))
    assert (
        agreed(verdicts(tmp_path, write_nifti, LABELS.astype(np.uint8), change(affine), truth_affine=affine))
        == is_same
    )


@pytest.mark.parametrize("orientation", [[[2, -1], [0, 1], [1, -1]], [[0, -1], [1, 1], [2, 1]]])
def test_the_same_place_in_another_order_of_axes(tmp_path, write_nifti, orientation):
    affine, orientation = affine_of((0.8, 1, 2.5)), np.array(orientation, float)
    other = nib.apply_orientation(LABELS, orientation)
    other_affine = affine @ nib.orientations.inv_ornt_aff(orientation, SHAPE)
    assert agreed(verdicts(tmp_path, write_nifti, other, other_affine, truth_affine=affine))

    truth, prediction = read_pair(Pair("one", tmp_path / "labels.nii", tmp_path / "image.nii"))
    np.testing.assert_array_equal(prediction.labels, truth.labels)
    case = Case("one", (tmp_path / "image.nii",), tmp_path / "labels.nii", "MRI")
    loaded = load_case(case, VALUES, 1, RECIPE)
    np.testing.assert_array_equal(loaded.channels[0], loaded.labels)
    flipped_in_place = affine @ np.diag([-1, 1, 1, 1])
    assert not agreed(verdicts(tmp_path, write_nifti, LABELS, flipped_in_place, truth_affine=affine))


def test_axes_of_length_one_at_the_end_are_no_axes(tmp_path, write_nifti):
    slice_ = LABELS[:, :, 2]
    assert agreed(verdicts(tmp_path, write_nifti, slice_[..., None], np.eye(4), truth=slice_))
    assert agreed(verdicts(tmp_path, write_nifti, slice_, np.eye(4), truth=slice_[..., None]))
    for channels in (1, 2):
        voxels = np.stack([LABELS] * channels, -1)
        for shape in ((*SHAPE, channels, 1), (*SHAPE, 1, channels), (*SHAPE, 1, channels, 1, 1)):
            file = write_nifti(tmp_path / "a.nii", voxels.reshape(shape))
            np.testing.assert_array_equal(read_volume(file).array, np.moveaxis(voxels, -1, 0))
    with pytest.raises(InputError, match=r"one of channels, found shape \(12, 10, 8, 2, 3\)"):
        read_volume(write_nifti(tmp_path / "a.nii", np.zeros((*SHAPE, 2, 3), np.uint8)))


def test_axes_of_length_one_by_simpleitk(tmp_path):
    one = sitk.GetImageFromArray(LABELS.T)
    sitk.WriteImage(sitk.JoinSeries([one]), tmp_path / "a.nrrd")
    np.testing.assert_array_equal(read_volume(tmp_path / "a.nrrd").array, LABELS[None])
    two = sitk.GetImageFromArray(np.stack([LABELS.T, LABELS.T + 1], -1), isVector=True)
    sitk.WriteImage(sitk.JoinSeries([two]), tmp_path / "b.nrrd")
    np.testing.assert_array_equal(read_volume(tmp_path / "b.nrrd").array, [LABELS, LABELS + 1])
    sitk.WriteImage(sitk.JoinSeries([two, two, two]), tmp_path / "c.nrrd")
    with pytest.raises(InputError, match=r"c\.nrrd: several values per voxel and an axis"):
        read_volume(tmp_path / "c.nrrd")


@pytest.mark.parametrize(
    ("unit", "size"), [("mm", 0.4), ("micron", 400.0), ("meter", 0.0004), ("unknown", 0.4)]
)
def test_units_of_nifti(tmp_path, unit, size):
    image = nib.Nifti1Image(LABELS, affine_of((size, size, 2 * size)))
    image.header.set_xyzt_units(unit)
    nib.save(image, tmp_path / "a.nii")
    volume = read_volume(tmp_path / "a.nii")
    np.testing.assert_allclose(volume.spacing_mm, (0.4, 0.4, 0.8), rtol=1e-6)
    np.testing.assert_allclose(volume.affine, affine_of((0.4, 0.4, 0.8)), rtol=1e-5)


@pytest.mark.parametrize(
    ("suffix", "line"),
    [
        ("nrrd", b'space units: "um" "um" "um"'),
        ("nhdr", b'space units: "microns" "microns" "microns"'),
        ("mha", b"DistanceUnits = um"),
    ],
)
def test_units_of_nrrd_and_metaimage(tmp_path, suffix, line):
    file = tmp_path / f"a.{suffix}"
    image = sitk.GetImageFromArray(LABELS.T)
    image.SetSpacing((400, 400, 800))
    sitk.WriteImage(image, file)
    for unit, size in ((line, 0.4), (line.replace(b"um", b"mm").replace(b"microns", b"mm"), 400)):
        data = file.read_bytes()
        start = data.index(b"kinds" if suffix != "mha" else b"ElementSpacing")
        (tmp_path / f"b.{suffix}").write_bytes(data[:start] + unit + b"\n" + data[start:])
        spacing_mm = read_volume(tmp_path / f"b.{suffix}").spacing_mm
        assert spacing_mm == pytest.approx((size, size, 2 * size))
    unknown = line.replace(b"um", b"feet").replace(b"microns", b"feet")
    (tmp_path / f"b.{suffix}").write_bytes(data[:start] + unknown + b"\n" + data[start:])
    with pytest.raises(InputError, match=rf"b\.{suffix}: unknown unit of length .*feet.*; known: mm, um"):
        read_volume(tmp_path / f"b.{suffix}")


@pytest.mark.parametrize("codes", [(0, 0), (1, 0), (1, 1)])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_a_voxel_size_of_zero_is_a_fault_and_no_size_of_one(tmp_path, codes, suffix):
    image = nib.Nifti1Image(LABELS, np.diag([2.0, 2, 2, 1]))
    image.set_qform(np.diag([2.0, 2, 2, 1]), codes[0])
    image.set_sform(np.diag([2.0, 2, 2, 1]), codes[1])
    data = bytearray(image.to_bytes())
    data[76 + 4 * 2 : 76 + 4 * 3] = b"\0\0\0\0"  # pixdim of y
    file = tmp_path / f"a{suffix}"
    file.write_bytes(gzip.compress(data) if suffix == ".nii.gz" else data)
    problems = check_case(Case("one", (file,), file, "MRI"), 1, VALUES).problems
    assert {problem.kind for problem in problems} == {"singular affine"}
    with pytest.raises(InputError, match=r"a\.nii.*: its voxel size is 0 along y; repair its header"):
        read_volume(file)
    with pytest.raises(InputError, match="size is 0 along y"):
        score_files([("a", file, file)], classes={"a": [1]}, progress=False)


def test_an_axis_of_one_slice_needs_no_size(tmp_path):
    image = nib.Nifti1Image(LABELS[:, :, :1], np.eye(4))
    data = bytearray(image.to_bytes())
    data[76 + 4 * 3 : 76 + 4 * 4] = b"\0\0\0\0"
    (tmp_path / "a.nii").write_bytes(data)
    assert read_volume(tmp_path / "a.nii").shape == (12, 10, 1)


@pytest.mark.parametrize("scale", [1e-7, 1.0, 1e4])
def test_grids_without_a_place_at_every_scale(scale):
    affine = affine_of((scale, scale, 5 * scale))
    assert fault_of(Grid(SHAPE, affine)) is None
    sheared = affine @ nib.affines.from_matvec([[1, 0.3, 0], [0, 1, 0], [0, 0, 1]])
    assert fault_of(Grid(SHAPE, sheared)) is None
    flat = affine.copy()
    flat[:, 2] = flat[:, 0] + flat[:, 1]
    assert "lie in one plane" in str(fault_of(Grid(SHAPE, flat)))
    assert "NaN" in str(fault_of(Grid(SHAPE, affine * np.nan)))
    assert "0 along x, z" in str(fault_of(Grid(SHAPE, affine * [0, 1, 0, 1])))


def test_differences_in_words():
    affine = np.diag([1.5, 2, 3, 1])
    grid = Grid(SHAPE, affine)
    for other, kind, words in (
        (Grid((12, 10, 9), affine), "other shape", "shape (12, 10, 8) differs from (12, 10, 9) of x"),
        (
            Grid(SHAPE, affine @ np.diag([1, 1, 2, 1])),
            "other spacing",
            "spacing (1.5, 2, 3) mm differs from",
        ),
        (
            Grid(SHAPE, moved(affine, 2)),
            "other affine",
            "origin (0, 0, 0) mm differs from (3, 0, 0) mm of x: 2 voxels",
        ),
        (Grid(SHAPE, turned(affine, 3)), "other affine", "its axes point elsewhere than those of x: "),
        (Grid(SHAPE, affine[:, [1, 0, 2, 3]]), "other affine", "its axes point elsewhere than those of x"),
    ):
        found = difference(grid, other, "x")
        assert found is not None
        assert found[0] == kind
        assert words in found[1]


def test_a_file_can_be_read_whatever_it_says_of_space(tmp_path, write_nifti):
    file = write_nifti(tmp_path / "a.nii", LABELS, affine_of((1e-5, 1e-5, 1e-5)))
    assert read_unchecked(file).shape == SHAPE
    assert read_volume(file).spacing_mm == pytest.approx((1e-5,) * 3)
