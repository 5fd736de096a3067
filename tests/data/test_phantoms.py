import gzip
import json
import zipfile

import nibabel as nib
import numpy as np
import pytest

from seglossbench.data import index_cases
from seglossbench.data.download import extract
from seglossbench.data.phantoms import write_amos_phantom, write_brats_phantom

SHAPE = (32, 32, 32)


@pytest.fixture(scope="module")
def brats(tmp_path_factory):
    folder = tmp_path_factory.mktemp("brats")
    write_brats_phantom(folder / "set.zip", cases=4, shape=SHAPE, seed=0)
    extract(folder / "set.zip", folder / "raw")
    return folder


@pytest.fixture(scope="module")
def amos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("amos")
    write_amos_phantom(folder / "set.zip", training=3, validation=2, mri_fraction=0.4, shape=SHAPE, seed=0)
    extract(folder / "set.zip", folder / "raw")
    return folder


def labels_of(index):
    return {case.name: np.asarray(nib.load(case.labels).dataobj) for case in index.cases}


def test_the_same_seed_draws_the_same_bytes_and_another_does_not(brats, tmp_path):
    for name, seed in (("again.zip", 0), ("other.zip", 1)):
        write_brats_phantom(tmp_path / name, cases=4, shape=SHAPE, seed=seed)
    assert (tmp_path / "again.zip").read_bytes() == (brats / "set.zip").read_bytes()
    assert (tmp_path / "other.zip").read_bytes() != (brats / "set.zip").read_bytes()


def test_a_case_does_not_depend_on_how_many_there_are(brats, tmp_path):
    write_brats_phantom(tmp_path / "few.zip", cases=2, shape=SHAPE, seed=0)
    with zipfile.ZipFile(tmp_path / "few.zip") as few, zipfile.ZipFile(brats / "set.zip") as many:
        for name in few.namelist():
            assert few.read(name) == many.read(name)


def test_brats_cases_have_nested_labels_and_some_lack_the_enhancing_tumour(brats):
    index = index_cases(brats / "raw")
    labels = labels_of(index)
    assert [case.name for case in index.cases] == [f"BraTS20_Training_{number:03}" for number in (1, 2, 3, 4)]
    found = [set(np.unique(volume).tolist()) for volume in labels.values()]
    assert {0, 1, 2, 4} in found
    assert {0, 1, 2} in found
    for case in index.cases:
        brain = np.stack([np.asarray(nib.load(file).dataobj) for file in case.images])
        assert (brain[:, labels[case.name] > 0] > 0).all(), "the tumour lies inside the brain"
        assert (brain == 0).all(axis=0).mean() > 0.2, "the skull is stripped"


def test_amos_cases_have_the_organs_of_their_modality(amos):
    index = index_cases(amos / "raw")
    assert {case.modality for case in index.cases} == {"CT", "MRI"}
    for case in index.cases:
        found = set(np.unique(np.asarray(nib.load(case.labels).dataobj)).tolist())
        assert found == set(range(14 if case.modality == "MRI" else 16))
    assert [case.official for case in index.cases].count("test") == 2


def test_organs_are_as_unequal_as_in_amos(amos):
    index = index_cases(amos / "raw")
    voxels = sum(
        np.bincount(labels_of(index)[case.name].ravel(), minlength=16)
        for case in index.cases
        if case.modality == "CT"
    )
    sizes = dict(zip(index.label_values, voxels, strict=True))
    assert sizes["liver"] > sizes["stomach"] > sizes["right kidney"] > sizes["gall bladder"]
    assert sizes["gall bladder"] > sizes["right adrenal gland"]
    assert 100 < sizes["liver"] / sizes["left adrenal gland"] < 2000


def test_files_name_no_time_and_no_program(amos):
    description = json.loads((amos / "raw" / "amos22" / "dataset.json").read_text())
    assert len(description["training"]) == 3
    file = next((amos / "raw").rglob("*.nii.gz"))
    assert file.read_bytes()[4:8] == b"\0\0\0\0", "the gzip header holds no time"
    assert len(gzip.decompress(file.read_bytes())) > 352
