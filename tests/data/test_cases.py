import json

import numpy as np
import pytest

from seglossbench.data import index_cases
from seglossbench.errors import InputError

VOXELS = np.zeros((2, 2, 2), np.uint8)


@pytest.fixture
def brats(tmp_path, write_nifti):
    def write(name, endings=("_flair", "_t1", "_t1ce", "_t2", "_seg"), suffix=".nii.gz"):
        for ending in endings:
            write_nifti(tmp_path / name / f"{name}{ending}{suffix}", VOXELS)
        return tmp_path

    return write


@pytest.fixture
def amos(tmp_path, write_nifti):
    root = tmp_path / "amos22"
    for part, name in (("Tr", "amos_0001"), ("Tr", "amos_0507"), ("Va", "amos_0008")):
        write_nifti(root / f"images{part}" / f"{name}.nii.gz", VOXELS)
        write_nifti(root / f"labels{part}" / f"{name}.nii.gz", VOXELS)
    write_nifti(root / "imagesTs" / "amos_0002.nii.gz", VOXELS)
    (root / "dataset.json").write_text(
        json.dumps({"labels": {"0": "background", "2": "liver", "1": "spleen"}})
    )
    return tmp_path


def test_brats_channels_are_in_one_order(brats):
    brats("BraTS20_Training_002")
    index = index_cases(brats("BraTS20_Training_001"))
    assert [case.name for case in index.cases] == ["BraTS20_Training_001", "BraTS20_Training_002"]
    assert [file.name.split("_")[-1] for file in index.cases[0].images] == [
        f"{channel}.nii.gz" for channel in index.channels
    ]
    assert dict(index.label_values) == {"background": 0, "NCR/NET": 1, "ED": 2, "ET": 4}


def test_case_355_and_unzipped_files_are_found(brats, tmp_path, write_nifti):
    brats("BraTS20_Training_355", endings=("_flair", "_t1", "_t1ce", "_t2"), suffix=".nii")
    write_nifti(tmp_path / "BraTS20_Training_355" / "W39_1998.09.19_Segm.nii", VOXELS)
    assert index_cases(tmp_path).cases[0].labels.name == "W39_1998.09.19_Segm.nii"


def test_brats_2023_has_other_endings_and_calls_et_3(brats):
    index = index_cases(brats("BraTS-GLI-00000-000", endings=("-t2f", "-t1n", "-t1c", "-t2w", "-seg")))
    assert index.label_values["ET"] == 3
    assert index.cases[0].images[0].name.endswith("-t2f.nii.gz")


def test_a_missing_modality_is_named(brats):
    with pytest.raises(InputError, match=r"BraTS20_Training_001: expected one file for t1ce .*found 0"):
        index_cases(brats("BraTS20_Training_001", endings=("_flair", "_t1", "_t2", "_seg")))


def test_amos_parts_modalities_and_labels(amos):
    index = index_cases(amos)
    facts = [(case.name, case.modality, case.official) for case in index.cases]
    assert facts == [
        ("amos_0001", "CT", "train"),
        ("amos_0507", "MRI", "train"),
        ("amos_0008", "CT", "test"),
    ]
    assert list(index.label_values.items()) == [("background", 0), ("spleen", 1), ("liver", 2)]


def test_amos_labels_without_image_are_named(amos):
    (amos / "amos22" / "imagesTr" / "amos_0001.nii.gz").unlink()
    with pytest.raises(InputError, match="case amos_0001 has no file in imagesTr"):
        index_cases(amos)


def test_damaged_description_is_named(amos):
    (amos / "amos22" / "dataset.json").write_text("{")
    with pytest.raises(InputError, match=r"dataset\.json: not a dataset description"):
        index_cases(amos)


def test_a_folder_with_nothing_to_read(tmp_path):
    with pytest.raises(
        InputError, match=r"holds no cases that can be read; expected dataset\.json.*or a folder"
    ):
        index_cases(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        index_cases(tmp_path / "nowhere")


def test_unknown_layout(tmp_path):
    with pytest.raises(InputError, match="unknown layout 'brat'; did you mean 'brats'"):
        index_cases(tmp_path, "brat")
