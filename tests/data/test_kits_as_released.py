import nibabel as nib
import numpy as np
import pytest

from seglossbench.data.cases import Case, CaseIndex
from seglossbench.data.images import read_volume
from seglossbench.data.preparation.preprocessing import preprocess_dataset
from seglossbench.data.prepared import PreparedDataset
from seglossbench.errors import InputError
from seglossbench.evaluation.scores import score_files
from seglossbench.params import PreprocessParams
from seglossbench.prediction import write_prediction

# KiTS19's axes: slice, height, width; the slices go up in space, 3 mm thick, of voxels of 0.8 mm.
AFFINE = np.array([[0, 0, -0.8, 0], [0, -0.8, 0, 0], [-3, 0, 0, 0], [0, 0, 0, 1.0]])
VALUES = {"background": 0, "kidney": 1, "tumour": 2}


@pytest.fixture
def prepare(tmp_path, write_nifti):
    image = np.random.default_rng(0).integers(-100, 200, (6, 64, 64)).astype(np.int16)
    labels = np.zeros((6, 64, 64), np.uint8)
    labels[2:5, 20:40, 20:40] = 1
    labels[3:5, 26:34, 26:34] = 2
    files = (
        write_nifti(tmp_path / "i.nii.gz", image, AFFINE),
        write_nifti(tmp_path / "l.nii.gz", labels, AFFINE),
    )
    index = CaseIndex("kits", ("CT",), VALUES, (Case("case_00000", files[:1], files[1], "CT"),))

    def prepare(release):
        settings = PreprocessParams(preset="paper_b", kits_release=release)
        preprocess_dataset(
            index,
            settings,
            tmp_path / "prepared" / release,
            "kits",
            raw=tmp_path,
            learn_from=("case_00000",),
            known=tmp_path / "known",
        )
        return PreparedDataset(tmp_path / "prepared" / release).cases["case_00000"]

    return prepare


def test_exact_keeps_labelled_slices_and_the_stale_affine(prepare):
    case = prepare("exact")
    assert case.labels.shape == (256, 256, 3)  # of 6 slices
    assert case.geometry.spacing_mm == pytest.approx((0.8, 0.8, 3))  # though a pixel is now 0.2 mm
    # Bicubic interpolation between background and tumour would give a rim of kidney; around it there is kidney here.
    assert set(np.unique(case.labels)) == {0, 1, 2}
    truth = read_volume(case.truth)
    np.testing.assert_array_equal(truth.array[0], case.labels)


def test_exact_is_respaced_in_plane_to_the_median_of_the_stale_spacings(tmp_path, write_nifti):
    """nnU-Net believes the affine of the full-size scan, and so makes slices of 256 x 256 small and large again."""
    cases = []
    for name, pixel_mm in (("a", 0.8), ("b", 0.8), ("c", 0.4)):
        affine = AFFINE * [[1, pixel_mm / 0.8, pixel_mm / 0.8, 1]]
        labels = np.zeros((4, 64, 64), np.uint8)
        labels[1:3, 20:40, 20:40] = 1
        files = (
            write_nifti(tmp_path / f"{name}.nii.gz", labels.astype(np.int16), affine),
            write_nifti(tmp_path / f"{name}_l.nii.gz", labels, affine),
        )
        cases.append(Case(name, files[:1], files[1], "CT"))
    index = CaseIndex("kits", ("CT",), VALUES, tuple(cases))
    settings = PreprocessParams(preset="paper_b", kits_release="exact", crop_to_nonzero=False)
    folder, known = tmp_path / "prepared" / "x", tmp_path / "known"
    preprocess_dataset(index, settings, folder, "x", raw=tmp_path, learn_from=("a", "b", "c"), known=known)
    shapes = {name: case.shape for name, case in PreparedDataset(folder).cases.items()}
    assert shapes == {"a": (256, 256, 2), "b": (256, 256, 2), "c": (128, 128, 2)}


def test_corrected_keeps_every_slice_and_true_distances(prepare):
    case = prepare("corrected")
    assert case.labels.shape == (256, 256, 6)
    assert case.geometry.spacing_mm == pytest.approx((0.2, 0.2, 3))
    assert set(np.unique(case.labels)) == {0, 1, 2}
    assert case.truth.as_posix() == "l.nii.gz"


@pytest.mark.parametrize(("release", "at_least"), [("exact", 1.0), ("corrected", 0.98)])
def test_the_truth_as_prediction_scores_one(prepare, tmp_path, release, at_least):
    case = prepare(release)
    file = tmp_path / "prediction.nii.gz"
    write_prediction(file, case.labels, (0, 1, 2), case.geometry)
    scores = score_files([("case", tmp_path / case.truth, file)], classes={"kidney": (1,), "tumour": (2,)})
    assert scores.loc[scores["metric"] == "DSC", "value"].min() >= at_least
    assert nib.load(file).shape == ((256, 256, 3) if release == "exact" else (6, 64, 64))


def test_a_case_without_labels_is_named(prepare, tmp_path, write_nifti):
    write_nifti(tmp_path / "l.nii.gz", np.zeros((6, 64, 64), np.uint8), AFFINE)
    with pytest.raises(InputError, match=r"l\.nii\.gz: has no labelled slice"):
        prepare("exact")
