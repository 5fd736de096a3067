import gzip
import json
from pathlib import Path
from zipfile import ZipFile

import nibabel as nib
import numpy as np
import numpy.typing as npt
import pytest

from seglossbench.errors import InputError
from seglossbench.phantoms.amos import write_amos_phantom
from seglossbench.phantoms.brats import write_brats_phantom
from seglossbench.phantoms.fields import Grid, smooth_field
from seglossbench.phantoms.pengwin import write_pengwin_phantom
from seglossbench.phantoms.shapes import Ellipsoid, Tube

SHAPE = (32, 28, 36)
BRATS = "MICCAI_BraTS2020_TrainingData"


def brats(archive: Path, *, cases: int = 2, seed: int = 0) -> Path:
    write_brats_phantom(archive, cases=cases, shape=SHAPE, seed=seed)
    return archive


def amos(archive: Path, *, training: int = 3, validation: int = 1, seed: int = 0) -> Path:
    write_amos_phantom(
        archive, training=training, validation=validation, mri_fraction=0.34, shape=SHAPE, seed=seed
    )
    return archive


def pengwin(archive: Path, *, seed: int = 0) -> Path:
    write_pengwin_phantom(archive, cases=2, shape=SHAPE, seed=seed)
    return archive


def contents(archive: Path) -> dict[str, bytes]:
    with ZipFile(archive) as zip_file:
        return {name: zip_file.read(name) for name in zip_file.namelist()}


def image(content: bytes) -> nib.Nifti1Image:
    return nib.Nifti1Image.from_bytes(gzip.decompress(content))


def voxels(content: bytes) -> npt.NDArray[np.int16]:
    """The volume along right, anterior, superior."""
    return np.asarray(nib.as_closest_canonical(image(content)).dataobj)


@pytest.fixture(scope="module")
def brats_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return contents(brats(tmp_path_factory.mktemp("brats") / "brats.zip"))


@pytest.fixture(scope="module")
def amos_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return contents(amos(tmp_path_factory.mktemp("amos") / "amos.zip"))


@pytest.mark.parametrize("write", [brats, amos, pengwin])
def test_same_seed_same_bytes_and_another_seed_other_bytes(write, tmp_path):
    first, second, other = (
        write(tmp_path / name, seed=seed).read_bytes() for name, seed in [("a", 3), ("b", 3), ("c", 4)]
    )
    assert first == second
    assert first != other


def test_a_case_does_not_depend_on_how_many_others_there_are(brats_files, amos_files, tmp_path):
    fewer = contents(brats(tmp_path / "brats.zip", cases=1)) | contents(
        amos(tmp_path / "amos.zip", training=2, validation=0)
    )
    del fewer["amos22/dataset.json"]
    assert len(fewer) == 5 + 2 * 2
    assert fewer.items() <= (brats_files | amos_files).items()


def test_brats_layout(brats_files):
    assert sorted(brats_files) == [
        f"{BRATS}/BraTS20_Training_{case:03d}/BraTS20_Training_{case:03d}_{kind}.nii.gz"
        for case in (1, 2)
        for kind in ("flair", "seg", "t1", "t1ce", "t2")
    ]
    for name, content in brats_files.items():
        file = image(content)
        assert file.shape == SHAPE
        np.testing.assert_allclose(file.header.get_zooms(), np.divide((240, 240, 155), SHAPE), rtol=1e-6)
        assert nib.aff2axcodes(file.affine) == ("L", "P", "S")
        assert file.get_data_dtype() == (np.uint8 if name.endswith("_seg.nii.gz") else np.int16)


def brats_case(files: dict[str, bytes], case: int) -> dict[str, npt.NDArray[np.int16]]:
    stem = f"{BRATS}/BraTS20_Training_{case:03d}/BraTS20_Training_{case:03d}"
    return {kind: voxels(files[f"{stem}_{kind}.nii.gz"]) for kind in ("t1", "t1ce", "t2", "flair", "seg")}


def test_brats_labels_and_the_case_without_enhancing_tumour(brats_files):
    assert np.unique(brats_case(brats_files, 1)["seg"]).tolist() == [0, 1, 2, 4]
    assert np.unique(brats_case(brats_files, 2)["seg"]).tolist() == [0, 1, 2]


def test_necrosis_lies_in_the_rim_and_the_core_in_edema(tmp_path):
    files = contents(brats(tmp_path / "brats.zip", cases=4))
    for case in (1, 3, 4):
        labels = brats_case(files, case)["seg"]
        necrosis, edema, rim = (np.argwhere(labels == label) for label in (1, 2, 4))
        reach = [float(np.ptp(part, axis=0).prod()) for part in (necrosis, rim, edema)]
        assert reach == sorted(reach)
        assert np.linalg.norm(necrosis.mean(axis=0) - rim.mean(axis=0)) < 3


def test_brats_contrasts(brats_files):
    scan = brats_case(brats_files, 1)
    necrosis, edema, rim = (scan["seg"] == label for label in (1, 2, 4))
    healthy = (scan["seg"] == 0) & (scan["t1"] != 0)
    for modality in ("flair", "t2"):
        assert scan[modality][edema].mean() > 1.2 * scan[modality][healthy].mean()
    assert scan["t1ce"][rim].mean() > 1.1 * scan["t1ce"][healthy].mean()
    assert scan["t1ce"][rim].mean() > 1.5 * scan["t1ce"][necrosis].mean()


def test_brats_is_skull_stripped(brats_files):
    scan = brats_case(brats_files, 1)
    outside = scan["t1"] == 0
    assert 0.6 < outside.mean() < 0.9
    assert not scan["seg"][outside].any()
    assert all(
        (scan[modality] != 0).mean() == pytest.approx((~outside).mean(), abs=0.01)
        for modality in scan
        if modality != "seg"
    )


def test_amos_layout(amos_files):
    description = json.loads(amos_files["amos22/dataset.json"])
    assert [entry["image"] for entry in description["training"]] == [
        "./imagesTr/amos_0001.nii.gz",
        "./imagesTr/amos_0002.nii.gz",
        "./imagesTr/amos_0501.nii.gz",
    ]
    assert description["validation"] == [
        {"image": "./imagesVa/amos_0301.nii.gz", "label": "./labelsVa/amos_0301.nii.gz"}
    ]
    assert (description["numTraining"], description["numValidation"]) == (3, 1)
    listed = {
        path.replace("./", "amos22/")
        for entry in description["training"] + description["validation"]
        for path in entry.values()
    }
    assert listed | {"amos22/dataset.json"} == set(amos_files)
    for path in listed:
        other = path.replace("images", "labels") if "images" in path else path.replace("labels", "images")
        np.testing.assert_array_equal(image(amos_files[path]).affine, image(amos_files[other]).affine)


def test_amos_names_its_labels_as_the_real_set(amos_files):
    names = json.loads(amos_files["amos22/dataset.json"])["labels"]
    assert list(names) == [str(label) for label in range(16)]
    assert (names["6"], names["9"], names["15"]) == ("liver", "postcava", "prostate/uterus")


def test_ct_has_all_organs_and_mri_lacks_those_of_the_pelvis(amos_files):
    ct, mri = (voxels(amos_files[f"amos22/labelsTr/amos_{number}.nii.gz"]) for number in ("0001", "0501"))
    assert np.unique(ct).tolist() == list(range(16))
    assert np.unique(mri).tolist() == list(range(14))
    assert mri.shape == (*SHAPE[:2], 22)


def test_organs_lie_where_they_should(amos_files):
    """In patient coordinates, so the two orientations of the files are put to the test as well."""
    for number in ("0001", "0501"):
        labels = image(amos_files[f"amos22/labelsTr/amos_{number}.nii.gz"])
        volume = np.asarray(labels.dataobj)
        centre = {
            label: nib.affines.apply_affine(labels.affine, np.argwhere(volume == label).mean(axis=0))
            for label in range(1, 14)
        }
        spleen, right_kidney, left_kidney, liver, aorta, postcava = (centre[i] for i in (1, 2, 3, 6, 8, 9))
        assert liver[0] > postcava[0] > aorta[0] > spleen[0]
        assert right_kidney[0] > 0 > left_kidney[0]
        assert liver[1] > right_kidney[1]
        assert centre[5][2] > centre[13][2]  # the oesophagus above the duodenum


def test_organ_volumes_are_ordered_as_in_amos(tmp_path):
    files = contents(amos(tmp_path / "amos.zip", training=6, validation=0))
    labels = [voxels(content) for name, content in files.items() if "labels" in name]
    mean = np.mean([np.bincount(volume.ravel(), minlength=16) for volume in labels], axis=0)
    liver, stomach, spleen, kidney, adrenal = mean[6], mean[7], mean[1], mean[2:4].mean(), mean[11:13].mean()
    assert liver > 3 * stomach > 3 * spleen
    assert spleen > kidney > 10 * adrenal
    assert adrenal > 0


def test_ct_is_in_hounsfield_units(amos_files):
    ct = voxels(amos_files["amos22/imagesTr/amos_0001.nii.gz"])
    labels = voxels(amos_files["amos22/labelsTr/amos_0001.nii.gz"])
    assert ct[0, 0].mean() == pytest.approx(-1000, abs=20)  # a corner: air
    assert 80 < ct[labels == 6].mean() < 150


def test_too_many_amos_cases_are_an_error(tmp_path):
    with pytest.raises(InputError, match="at most 200"):
        write_amos_phantom(
            tmp_path / "amos.zip", training=400, validation=1, mri_fraction=0, shape=SHAPE, seed=0
        )
    assert not list(tmp_path.iterdir())


def test_depth_of_a_ball_and_of_a_straight_tube():
    grid = Grid((41, 41, 41), (41.0, 41.0, 41.0))
    x, y, z = grid.position_mm
    radius = np.sqrt(x**2 + y**2 + z**2)
    np.testing.assert_allclose(
        Ellipsoid((0, 0, 0), (10, 10, 10)).depth_mm(grid.position_mm), 10 - radius, atol=0.01
    )
    tube = Tube(((0, 0, -50, 6), (0, 0, 50, 6))).depth_mm(grid.position_mm)
    np.testing.assert_allclose(tube, 6 - np.sqrt(x**2 + y**2), atol=1e-4)


def test_a_smooth_field_does_not_depend_on_the_voxel_size():
    coarse, fine = (
        smooth_field(Grid((n, n, n), (90.0, 90.0, 90.0)), 20.0, np.random.default_rng(0)) for n in (9, 27)
    )
    # Every third centre is the same point.
    np.testing.assert_allclose(coarse, fine[1::3, 1::3, 1::3], atol=1e-5)
