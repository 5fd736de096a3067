import gzip
import shutil
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from seglossbench.data.cases import Problem
from seglossbench.data.checking import check_dataset, format_problems, usable_cases
from seglossbench.data.facts import facts_of_prepared
from seglossbench.data.layouts import index_cases
from seglossbench.data.preparation.preprocessing import preprocess_dataset
from seglossbench.data.prepared import PreparedDataset
from seglossbench.errors import InputError
from seglossbench.params import DatasetParams, PreprocessParams

SHAPE = (6, 8, 7)
# Axes swapped and two of them flipped: 2 mm along x, 1 mm along y, 3 mm along z.
TURNED = np.array([[0, -2.0, 0, 5], [1.0, 0, 0, -7], [0, 0, -3.0, 9], [0, 0, 0, 1]])


@pytest.fixture
def folder(tmp_path, write_nifti):
    """Three BraTS cases without fault; the class ED has 2 voxels in each, NCR/NET 1 in the first."""
    random = np.random.default_rng(0)
    for number in (1, 2, 3):
        name = f"BraTS20_Training_00{number}"
        for channel in ("flair", "t1", "t1ce", "t2"):
            image = random.uniform(1, 5, SHAPE).astype(np.float32)
            write_nifti(tmp_path / name / f"{name}_{channel}.nii.gz", image, TURNED)
        labels = np.zeros(SHAPE, np.uint8)
        labels[number, 1:3, 1] = 2
        labels[0, 0, 0] = number == 1
        write_nifti(tmp_path / name / f"{name}_seg.nii.gz", labels, TURNED)
    return tmp_path


def file_of(folder, part, number=2):
    return next(folder.glob(f"*_00{number}/*_{part}.nii.gz"))


def check(folder):
    return check_dataset(index_cases(folder, gather_problems=True), 1, "check")


def test_nothing_is_wrong_and_the_facts_are_right(folder):
    problems, facts = check(folder)
    assert problems == []
    assert facts[0].shape == (8, 6, 7)  # in RAS order
    assert facts[0].spacing_mm == pytest.approx((2, 1, 3))
    # A voxel has 6 mm3.
    assert facts[0].class_sizes_mm == pytest.approx({"NCR/NET": 6, "ED": 12, "ET": 0})
    assert facts[1].class_sizes_mm["NCR/NET"] == 0
    assert facts[0].size_mm == pytest.approx(6 * 8 * 7 * 6)


def truncate(folder):
    file = file_of(folder, "t1")
    file.write_bytes(file.read_bytes()[:-40])


def truncate_within(folder):
    """The gzip stream is whole, and the array in it is cut off."""
    file = file_of(folder, "t1")
    file.write_bytes(gzip.compress(gzip.decompress(file.read_bytes())[:-40]))


def no_image(folder):
    file_of(folder, "seg").write_text("not a scan")


def rewrite(part, array=None, affine=None):
    def damage(folder):
        file = file_of(folder, part)
        image = nib.load(file)
        data = np.asarray(image.dataobj).copy()
        data = data if array is None else array(data)
        nib.save(nib.Nifti1Image(data, image.affine if affine is None else affine), file)

    return damage


def with_value(value, where=(0, 0, 0)):
    def change(data):
        data[where] = value
        return data

    return change


def singular(folder):
    file = file_of(folder, "t2")
    image = nib.load(file)
    image.header.set_sform(np.diag([1.0, 1.0, 0.0, 1.0]), code=1)
    image.header.set_qform(None, code=0)
    data = np.asarray(image.dataobj)
    nib.save(nib.Nifti1Image(data, None, image.header), file)


SHIFTED = TURNED + np.array([[0, 0, 0, 1.0]] * 3 + [[0] * 4])
STRETCHED = TURNED @ np.diag([1.5, 1, 1, 1])


@pytest.mark.parametrize(
    ("damage", "kind", "part"),
    [
        (truncate, "unreadable", "t1"),
        (truncate_within, "unreadable", "t1"),
        (no_image, "unreadable", "seg"),
        (rewrite("t1ce", with_value(np.nan)), "not finite", "t1ce"),
        (rewrite("t1ce", with_value(np.inf)), "not finite", "t1ce"),
        (rewrite("flair", lambda data: data[:-1]), "other shape", "flair"),
        (rewrite("flair", affine=SHIFTED), "other affine", "flair"),
        (rewrite("flair", affine=STRETCHED), "other spacing", "flair"),
        (rewrite("seg", with_value(9)), "unknown label", "seg"),
        (rewrite("seg", lambda data: data * 0), "empty label", "seg"),
        (rewrite("t2", lambda data: data * 0 + 3), "empty image", "t2"),
        (singular, "singular affine", "t2"),
    ],
)
def test_each_fault_is_found_where_it_is(folder, damage, kind, part):
    damage(folder)
    problems, _ = check(folder)
    assert [(problem.kind, problem.file) for problem in problems] == [(kind, file_of(folder, part))]
    assert problems[0].case == "BraTS20_Training_002"
    assert "\n" not in problems[0].detail


def test_modalities_are_compared_among_themselves_where_labels_cannot_be_read(folder):
    no_image(folder)
    rewrite("t1", affine=SHIFTED)(folder)
    assert [problem.kind for problem in check(folder)[0]] == ["unreadable", "other affine"]


def test_missing_files_and_bad_files_are_told_together(folder):
    file_of(folder, "t1", 3).unlink()
    truncate(folder)
    problems, facts = check(folder)
    assert [(problem.case[-1], problem.kind) for problem in problems] == [
        ("2", "unreadable"),
        ("3", "missing modality"),
    ]
    assert len(facts) == 2


def test_a_case_that_comes_twice_is_found_by_its_voxels(folder):
    for part in ("flair", "seg"):
        shutil.copy(file_of(folder, part, 1), file_of(folder, part, 3))
    assert [(problem.kind, problem.file, problem.detail) for problem in check(folder)[0]] == [
        (
            "duplicate",
            file_of(folder, part, 3),
            f"the same voxels as BraTS20_Training_001_{part}.nii.gz of case BraTS20_Training_001",
        )
        for part in ("seg", "flair")
    ]


def test_one_modality_copied_over_another_is_found(folder):
    file = file_of(folder, "t1")
    file_of(folder, "t2").write_bytes(gzip.compress(gzip.decompress(file.read_bytes()), 1))
    assert [str(problem.kind) for problem in check(folder)[0]] == ["duplicate"]


def test_a_4d_file_with_too_few_channels(folder, write_nifti):
    index = index_cases(folder)
    film = write_nifti(folder / "film.nii.gz", np.random.default_rng(1).uniform(1, 2, (*SHAPE, 3)), TURNED)
    cases = (replace(index.cases[0], images=(film,)),)
    problems, _ = check_dataset(replace(index, cases=cases), 1, "check")
    assert [(problem.kind, problem.detail) for problem in problems] == [
        ("missing modality", "3 channels, and the dataset has 4")
    ]


def test_cases_that_cannot_be_prepared_are_left_out_and_named(folder):
    truncate(folder)
    file_of(folder, "t1", 3).unlink()
    rewrite("seg", lambda data: data * 0)(folder)  # of case 2, which is bad already
    usable = usable_cases(index_cases(folder, gather_problems=True), 1, "check")
    assert [case.name for case in usable.cases] == ["BraTS20_Training_001"]
    assert [(problem.case[-1], problem.kind) for problem in usable.problems] == [
        ("2", "unreadable"),
        ("3", "missing modality"),
    ]
    file_of(folder, "seg", 1).write_text("")
    with pytest.raises(InputError, match="none of the 3 cases can be used, such as"):
        usable_cases(index_cases(folder, gather_problems=True), 1, "check")


def test_an_empty_label_map_is_told_and_prepared_all_the_same(folder):
    rewrite("seg", lambda data: data * 0)(folder)
    index = index_cases(folder)
    assert [problem.kind for problem in check(folder)[0]] == ["empty label"]
    assert usable_cases(index, 1, "check") == index


def test_two_processes_find_the_same(folder, monkeypatch):
    monkeypatch.setattr("seglossbench.parallel.TRIED", 0)
    truncate(folder)
    index = index_cases(folder)
    assert check_dataset(index, 2, "check") == check_dataset(index, 1, "check")


def test_prepared_cases_have_the_facts_of_the_raw_ones(folder):
    index = index_cases(folder)
    respaced = PreprocessParams(spacing_mm=(1, 1, 1))
    preprocess_dataset(index, respaced, folder / "prepared", "brats", raw=folder, known=folder / "known")
    prepared = facts_of_prepared(PreparedDataset(folder / "prepared"))
    for raw, ours in zip(check(folder)[1], prepared, strict=True):
        assert (ours.shape, ours.spacing_mm) == (raw.shape, pytest.approx(raw.spacing_mm))
        assert ours.class_sizes_mm == pytest.approx(raw.class_sizes_mm)  # whole factors: nearest is exact


def test_the_table_of_problems_is_short_and_tells_places_within_the_folder(tmp_path):
    problems = [Problem("a", "unreadable", tmp_path / "x" / "a.nii", "cut off")] * 3
    assert format_problems(problems, tmp_path, most=2).splitlines() == [
        "case  problem     file and what is wrong with it",
        "a     unreadable  x/a.nii: cut off",
        "a     unreadable  x/a.nii: cut off",
        "and 1 more",
    ]


def test_a_label_that_another_year_of_brats_has_is_told_until_the_params_name_it(tmp_path, write_nifti):
    """2024 calls the cavity 4, which means the enhancing tumour until 2021."""
    name = "BraTS-GLI-00001-100"
    random = np.random.default_rng(0)
    for ending in ("t2f", "t1n", "t1c", "t2w"):
        write_nifti(
            tmp_path / name / f"{name}-{ending}.nii.gz", random.uniform(1, 5, SHAPE).astype(np.float32)
        )
    labels = np.arange(np.prod(SHAPE)).reshape(SHAPE).astype(np.uint8) % 5
    write_nifti(tmp_path / name / f"{name}-seg.nii.gz", labels)
    (problem,) = check(tmp_path)[0]
    assert (problem.kind, problem.detail) == ("unknown label", "unknown label values [4]; known: 0, 1, 2, 3")
    settings = DatasetParams(
        classes={"NETC": 1, "SNFH": 2, "ET": 3, "RC": 4}, regions={"TC": (1, 3), "RC": ("RC",)}
    )
    index = index_cases(tmp_path, settings)
    assert index.regions == {"TC": ("NETC", "ET"), "RC": ("RC",)}
    assert check_dataset(index, 1, "check")[0] == []
