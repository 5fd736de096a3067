import json

import numpy as np
import pytest

from seglossbench.checksums import folder_checksums
from seglossbench.data.layouts import index_cases
from seglossbench.errors import InputError
from seglossbench.image_files import SUFFIXES
from seglossbench.params import DatasetParams
from seglossbench.registry import LAYOUTS

VOXELS = np.zeros((2, 2, 2), np.uint8)


def touch(file):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()


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


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_cases_of_every_format_that_can_be_read_are_found(tmp_path, suffix):
    for part in ("images", "labels"):
        touch(tmp_path / f"{part}Tr" / f"a{suffix}")
    (tmp_path / "dataset.json").write_text(
        json.dumps({"labels": {"background": 0, "organ": 1}, "channel_names": {"0": "CT"}})
    )
    (case,) = index_cases(tmp_path).cases
    assert (case.name, case.labels.name) == ("a", f"a{suffix}")


@pytest.mark.parametrize("part", ["imagesTr", "labelsTr"])
def test_a_case_in_two_formats_is_ambiguous(amos, write_nifti, part):
    """Which of the two is right is for its owner to say."""
    write_nifti(amos / "amos22" / part / "amos_0001.nii", VOXELS)
    with pytest.raises(InputError, match=r"amos_0001\.nii(\.gz)?: amos_0001 is there in another format"):
        index_cases(amos)
    index = index_cases(amos, gather_problems=True)
    assert [case.name for case in index.cases] == ["amos_0008", "amos_0507"]


def test_cases_behind_links_are_found(brats, tmp_path):
    (brats("case") / "case").rename(tmp_path / "elsewhere")
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "case").symlink_to(tmp_path / "elsewhere")
    (raw / "itself").symlink_to(raw)
    assert [case.name for case in index_cases(raw).cases] == ["case"]
    assert set(folder_checksums(raw, tmp_path / "known")) == {
        file.relative_to(raw).as_posix() for file in (raw / "case").iterdir()
    }


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
        ("amos_0008", "CT", "test"),
        ("amos_0507", "MRI", "train"),
    ]
    assert list(index.label_values.items()) == [("background", 0), ("spleen", 1), ("liver", 2)]


def test_amos_labels_without_image_are_named(amos):
    (amos / "amos22" / "imagesTr" / "amos_0001.nii.gz").unlink()
    with pytest.raises(InputError, match="imagesTr: case amos_0001 has labels and no file here"):
        index_cases(amos)


def test_a_description_without_labels_is_named(amos):
    (amos / "amos22" / "dataset.json").write_text("{}")
    with pytest.raises(InputError, match=r"dataset\.json: has no labels; add the classes and their values"):
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


def write_nnunet(root, description, files):
    for name in files:
        touch(root / name)
    (root / "dataset.json").write_text(json.dumps(description))
    return root


TWO_CHANNELS = {"channel_names": {"1": "ADC", "0": "T2"}, "labels": {"background": 0, "lesion": 1}}


def test_nnunet_has_a_file_per_channel_and_labelled_test_cases(tmp_path):
    names = [("Tr", "a_0001"), ("Ts", "b_0002")]
    files = [f"images{part}/{name}_{channel}.nrrd" for part, name in names for channel in ("0001", "0000")]
    files += [f"labels{part}/{name}.nrrd" for part, name in names]
    index = index_cases(write_nnunet(tmp_path, TWO_CHANNELS, files))
    assert (index.layout, index.channels) == ("nnunet", ("T2", "ADC"))
    assert [(case.name, case.official, case.modality) for case in index.cases] == [
        ("a_0001", "train", "MRI"),
        ("b_0002", "test", "MRI"),
    ]
    assert [file.name for file in index.cases[0].images] == ["a_0001_0000.nrrd", "a_0001_0001.nrrd"]


def test_photographs_of_nnunet_have_all_colours_in_one_file(tmp_path):
    description = {"channel_names": {"0": "R", "1": "G", "2": "B"}, "labels": {"background": 0, "road": 1}}
    files = [name for n in (1, 2) for name in (f"imagesTr/road_{n}_0000.png", f"labelsTr/road_{n}.png")]
    index = index_cases(write_nnunet(tmp_path, description, files))
    assert [(case.name, case.modality) for case in index.cases] == [("road_1", "RGB"), ("road_2", "RGB")]
    assert [len(case.images) for case in index.cases] == [1, 1]
    touch(tmp_path / "imagesTr/road_2_0001.png")
    assert len(index_cases(tmp_path, gather_problems=True).problems) == 2  # then it is a file per channel


def test_a_description_with_a_byte_order_mark_is_read(tmp_path):
    root = write_nnunet(tmp_path, {}, ["imagesTr/a_0000.nii", "imagesTr/a_0001.nii", "labelsTr/a.nii"])
    (root / "dataset.json").write_text(json.dumps(TWO_CHANNELS), encoding="utf-8-sig")
    assert index_cases(root).channels == ("T2", "ADC")


def test_nnunet_cases_without_a_partner_are_gathered(tmp_path):
    whole = ["imagesTr/whole_0000.nii.gz", "imagesTr/whole_0001.nii.gz", "labelsTr/whole.nii.gz"]
    bad = [
        "imagesTr/half_0001.nii.gz",
        "labelsTr/half.nii.gz",
        "labelsTr/no_image.nii.gz",
        "imagesTr/no_labels_0000.nii.gz",
        "imagesTr/no_labels_0001.nii.gz",
        "imagesTr/whole_0002.nii.gz",
    ]
    index = index_cases(write_nnunet(tmp_path, TWO_CHANNELS, whole + bad), gather_problems=True)
    assert [case.name for case in index.cases] == ["whole"]
    assert {(problem.case, problem.kind) for problem in index.problems} == {
        ("half", "missing modality"),
        ("no_image", "missing image"),
        ("no_labels", "missing labels"),
        ("whole", "ambiguous files"),
    }
    with pytest.raises(InputError, match=r"half_0000.*\(3 more problems: seglossbench check-data\)"):
        index_cases(tmp_path)


def test_an_unlabelled_case_of_amos_is_no_channel_of_another(amos, write_nifti):
    write_nifti(amos / "amos22/imagesTr/amos_0009.nii.gz", VOXELS)
    assert [(problem.case, problem.kind) for problem in index_cases(amos, gather_problems=True).problems] == [
        ("amos_0009", "missing labels")
    ]


def test_regions_of_nnunet_become_regions_of_single_labels(tmp_path):
    labels = {"background": 0, "whole tumour": [1, 2, 3], "core": [2, 3], "enhancing": [3]}
    files = ["imagesTr/x_0000.nii.gz", "labelsTr/x.nii.gz"]
    index = index_cases(write_nnunet(tmp_path, {"channel_names": {"0": "CT"}, "labels": labels}, files))
    assert dict(index.label_values) == {"background": 0, "label 1": 1, "label 2": 2, "enhancing": 3}
    assert index.regions == {
        "whole tumour": ("label 1", "label 2", "enhancing"),
        "core": ("label 2", "enhancing"),
        "enhancing": ("enhancing",),
    }
    assert index.cases[0].modality == "CT"


def test_params_override_what_the_description_says(tmp_path):
    files = ["imagesTr/x.nii.gz", "labelsTr/x.nii.gz"]
    write_nnunet(tmp_path, {"labels": {"background": 0, "a": 1, "b": 2}}, files)
    with pytest.raises(InputError, match=r"dataset\.json: no channel_names.*modality: CT or MRI"):
        index_cases(tmp_path)
    settings = DatasetParams(modality="CT", classes={"edge": 2, "core": 1}, regions={"all": (1, "edge")})
    index = index_cases(tmp_path, settings)
    assert list(index.label_values.items()) == [("background", 0), ("edge", 2), ("core", 1)]
    assert index.regions == {"all": ("core", "edge")}
    assert index.cases[0].modality == "CT"
    with pytest.raises(InputError, match=r"regions\.all: no class 'egde'; did you mean 'edge \(2\)'"):
        index_cases(tmp_path, settings.model_copy(update={"regions": {"all": ("egde",)}}))


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ({"labels": {"background": 0, "ignore": 3}}, "to be ignored are not supported"),
        ({"labels": {"one": 1}}, "no name for 0"),
        ({"labels": {"background": "none"}}, "expected whole numbers"),
        ({"labels": {"background": 0}, "channel_names": ["T1"]}, "channel_names: expected numbers"),
    ],
)
def test_a_description_that_makes_no_sense_is_named(tmp_path, description, message):
    write_nnunet(tmp_path, description, ["imagesTr/x.nii.gz", "labelsTr/x.nii.gz"])
    with pytest.raises(InputError, match=rf"dataset\.json: .*{message}"):
        index_cases(tmp_path)


def test_decathlon_brain_tumours_are_called_as_in_brats(tmp_path):
    description = {
        "modality": {"0": "FLAIR", "1": "T1w", "2": "t1gd", "3": "T2w"},
        "labels": {"0": "background", "1": "edema", "2": "non-enhancing tumor", "3": "enhancing tumour"},
    }
    files = ["imagesTr/BRATS_001.nii.gz", "labelsTr/BRATS_001.nii.gz", "imagesTr/._BRATS_001.nii.gz"]
    write_nnunet(tmp_path / "Task01_BrainTumour", description, [*files, "imagesTs/BRATS_485.nii.gz"])
    index = index_cases(tmp_path)
    assert index.layout == "msd_brain_tumour"
    assert index.channels == ("flair", "t1", "t1ce", "t2")
    # The order of BraTS's class indices, by the Decathlon's values.
    assert list(index.label_values.items()) == [("background", 0), ("NCR/NET", 2), ("ED", 1), ("ET", 3)]
    assert index.regions["TC"] == ("NCR/NET", "ET")
    assert [case.images for case in index.cases] == [
        (tmp_path / "Task01_BrainTumour/imagesTr/BRATS_001.nii.gz",)
    ]


def test_brats_grades_are_selected_by_folder(tmp_path):
    for patient in ("HGG/Brats18_2013_1_1", "HGG/Brats18_2013_10_1", "LGG/Brats18_2013_0_1"):
        for ending in ("_flair", "_t1", "_t1ce", "_t2", "_seg"):
            touch(tmp_path / "training" / patient / f"{patient[4:]}{ending}.nii.gz")
    assert len(index_cases(tmp_path).cases) == 3
    index = index_cases(tmp_path, DatasetParams(select="HGG/*"))
    assert [case.patient for case in index.cases] == ["Brats18_2013_10", "Brats18_2013_1"]
    assert len(index_cases(tmp_path, DatasetParams(select="*_0_1")).cases) == 1
    with pytest.raises(InputError, match=r"none of its 3 cases fits select: hgg/\*"):
        index_cases(tmp_path, DatasetParams(select="hgg/*"))


def test_scans_of_one_brats_2023_patient_belong_together(brats):
    endings = ("-t2f", "-t1n", "-t1c", "-t2w", "-seg")
    brats("BraTS-GLI-00005-000", endings=endings)
    index = index_cases(brats("BraTS-GLI-00005-001", endings=endings))
    assert [case.patient for case in index.cases] == ["BraTS-GLI-00005"] * 2


def test_a_brats_part_without_any_labels_is_no_problem(tmp_path):
    for part, endings in (
        ("Training", ("_flair", "_t1", "_t1ce", "_t2", "_seg")),
        ("Validation", ("_flair",)),
    ):
        for ending in endings:
            touch(tmp_path / f"{part}Data" / f"{part}_001" / f"x{ending}.nii")
    assert [case.name for case in index_cases(tmp_path).cases] == ["Training_001"]


def test_a_name_that_comes_twice_is_a_problem(tmp_path):
    description = {"labels": {"background": 0, "organ": 1}, "channel_names": {"0": "CT"}}
    files = [f"{kind}{part}/a.nii" for part in ("Tr", "Ts") for kind in ("images", "labels")]
    write_nnunet(tmp_path, description, files)
    with pytest.raises(InputError, match=r"labelsTs/a\.nii: the case of .*labelsTr/a\.nii is called so too"):
        index_cases(tmp_path)


def test_a_kidney_that_lies_in_two_folders_is_ambiguous(tmp_path):
    for folder in ("case_00000", "case_00001", "old/case_00001"):
        for name in ("imaging", "segmentation"):
            touch(tmp_path / folder / f"{name}.nii.gz")
    index = index_cases(tmp_path, gather_problems=True)
    assert [case.name for case in index.cases] == ["case_00000"]
    assert {(problem.case, problem.kind) for problem in index.problems} == {("case_00001", "ambiguous files")}


@pytest.mark.parametrize(
    ("folders", "names", "patients"),
    [
        (("siteA/001", "siteB/001", "siteB/2"), ["siteA_001", "siteB_001", "siteB_2"], 3),
        (
            ("sub-01/ses-1", "sub-01/ses-2", "sub-02/ses-1"),
            ["sub-01_ses-1", "sub-01_ses-2", "sub-02_ses-1"],
            2,
        ),
        (("sub-01/ses-1", "sub-02/ses-2"), ["sub-01_ses-1", "sub-02_ses-2"], 2),
        (("P7/2019-03-01", "P7/2020-01-31"), ["P7_2019-03-01", "P7_2020-01-31"], 1),
        (("a/x/1", "a/y/1", "b/x/1"), ["a_x_1", "a_y_1", "b_x_1"], 3),
        (("2024/007", "2024/7"), ["007", "7"], 2),
        (("007", "2024"), ["007", "2024"], 2),
    ],
)
def test_folders_of_one_name_are_told_apart_by_those_above(tmp_path, folders, names, patients):
    for folder in folders:
        for ending in ("_t1", "_mask"):
            touch(tmp_path / folder / f"x{ending}.nii")
    settings = DatasetParams(channels={"t1": "_t1"}, labels_suffix="_mask", classes={"organ": 1})
    index = index_cases(tmp_path, settings)
    assert [case.name for case in index.cases] == names
    assert len({case.patient for case in index.cases}) == patients


def test_a_patient_without_labels_of_any_visit_is_missed(tmp_path):
    for folder in ("sub-01/ses-1", "sub-02/ses-1"):
        touch(tmp_path / folder / "x_t1.nii")
    touch(tmp_path / "sub-01/ses-1/x_seg.nii")
    settings = DatasetParams(channels={"t1": "_t1"}, classes={"organ": 1})
    (problem,) = index_cases(tmp_path, settings, gather_problems=True).problems
    assert (problem.case, problem.kind) == ("sub-02_ses-1", "missing labels")


def test_patient_folders_by_params(tmp_path):
    for ending in ("-pre", "-post", "-mask"):
        touch(tmp_path / "patient1" / f"scan{ending}.nrrd")
    settings = DatasetParams(
        channels={"post": "-post", "pre": "-pre"}, labels_suffix="-mask", classes={"bleed": 7}
    )
    index = index_cases(tmp_path, settings)
    assert [file.name for file in index.cases[0].images] == ["scan-post.nrrd", "scan-pre.nrrd"]
    assert dict(index.label_values) == {"background": 0, "bleed": 7}
    with pytest.raises(InputError, match="say channels and classes"):
        index_cases(tmp_path, DatasetParams(layout="patient_folders"))


def test_acdc_frames_share_their_patient_and_the_film_is_skipped(tmp_path):
    for part, patient in (("training", "patient001"), ("testing", "patient101")):
        for name in ("frame01", "frame01_gt", "frame12", "frame12_gt", "4d"):
            touch(tmp_path / "database" / part / patient / f"{patient}_{name}.nii.gz")
    index = index_cases(tmp_path)
    assert [(case.name, case.patient, case.official) for case in index.cases] == [
        ("patient001_frame01", "patient001", "train"),
        ("patient001_frame12", "patient001", "train"),
        ("patient101_frame01", "patient101", "test"),
        ("patient101_frame12", "patient101", "test"),
    ]
    assert list(index.label_values) == ["background", "RV", "MYO", "LV"]
    training = index_cases(tmp_path, DatasetParams(select="training/*"))
    assert {case.patient for case in training.cases} == {"patient001"}
    (tmp_path / "database/training/patient001/patient001_frame12_gt.nii.gz").unlink()
    with pytest.raises(InputError, match="no patient001_frame12_gt beside patient001_frame12"):
        index_cases(tmp_path)


def test_kits_images_lie_beside_their_labels_or_elsewhere(tmp_path):
    touch(tmp_path / "kits19/data/case_00000/segmentation.nii.gz")
    touch(tmp_path / "kits19/data/case_00000/imaging.nii.gz")
    touch(tmp_path / "kits19/data/case_00001/segmentation.nii.gz")
    touch(tmp_path / "images/case_00001.nii.gz")
    touch(tmp_path / "images/case_00210.nii.gz")  # published without labels
    index = index_cases(tmp_path)
    assert [case.images[0].name for case in index.cases] == ["imaging.nii.gz", "case_00001.nii.gz"]
    assert {case.modality for case in index.cases} == {"CT"}
    touch(tmp_path / "images/case_00009.nii.gz")
    touch(tmp_path / "kits19/data/case_00003/segmentation.nii.gz")
    problems = index_cases(tmp_path, gather_problems=True).problems
    assert {(problem.case, problem.kind) for problem in problems} == {
        ("case_00009", "missing labels"),
        ("case_00003", "missing image"),
    }


def test_every_layout_may_be_named_in_params():
    assert {DatasetParams(layout=name).layout for name in ("auto", *LAYOUTS)} == {"auto", *LAYOUTS}
    with pytest.raises(ValueError, match="unknown layout 'nnUnet'; did you mean 'nnunet'"):
        DatasetParams(layout="nnUnet")


def test_real_scans_are_recognised(realdata):
    assert index_cases(realdata / "brats20").layout == "brats"
    assert index_cases(realdata / "amos22").layout == "amos"
