"""A prepared case is made once, whole or not at all, and found again by its content."""

import json
import resource
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
import SimpleITK as sitk

from seglossbench.data.cases import Case, CaseIndex
from seglossbench.data.preparation.preprocessing import preprocess_dataset
from seglossbench.data.prepared import PreparedDataset
from seglossbench.errors import InputError, JobError
from seglossbench.experiment import identity
from seglossbench.params import PreprocessParams

VALUES = {"background": 0, "necrosis": 1, "enhancing": 4}


@pytest.fixture
def raw(tmp_path, write_nifti):
    """A folder of three cases of one channel."""
    generator = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        image = generator.uniform(1, 5, (20, 16, 12)).astype(np.float32)
        labels = generator.choice(np.array([0, 1, 4], np.uint8), image.shape)
        write_nifti(tmp_path / "raw" / f"{name}.nii.gz", image)
        write_nifti(tmp_path / "raw" / f"{name}_seg.nii.gz", labels)
    return tmp_path / "raw"


def index_of(raw):
    files = sorted(file for file in raw.glob("*.nii.gz") if "_seg" not in file.name)
    cases = [Case(file.name[0], (file,), raw / f"{file.name[0]}_seg.nii.gz", "MRI") for file in files]
    return CaseIndex("brats", ("t1",), VALUES, tuple(cases))


def prepare(raw, name="first", settings=None, **options):
    folder = raw.parent / "prepared" / name
    preprocess_dataset(
        index_of(raw),
        settings or PreprocessParams(),
        folder,
        "x",
        raw=raw,
        known=raw.parent / "known",
        **options,
    )
    return PreparedDataset(folder)


def times(dataset):
    return {
        name: (case.folder, (case.folder / "image.npy").stat().st_mtime_ns)
        for name, case in dataset.cases.items()
    }


def test_what_is_prepared_reads_as_it_was_written(raw):
    dataset = prepare(raw)
    case = dataset.cases["b"]
    assert case.image.shape == (1, 20, 16, 12)
    assert case.truth.as_posix() == "b_seg.nii.gz"
    assert sum(case.voxels_per_class) == case.labels.size
    # In the order of the class indices, which is not that of the alphabet.
    assert list(dataset.label_values.items()) == list(VALUES.items())
    assert json.loads((dataset.folder / "dataset.json").read_text())["classes"] == list(VALUES)


def test_foreground_voxels_are_drawn_once_of_each_class(raw, write_nifti):
    labels = np.zeros((20, 16, 12), np.uint8)
    labels[:, :, 1:] = 4  # more voxels than are drawn, and no necrosis
    write_nifti(raw / "a_seg.nii.gz", labels)
    labels[0, 0, 0], labels[19, 15, 11] = 1, 0
    write_nifti(raw / "b_seg.nii.gz", labels)
    write_nifti(raw / "c_seg.nii.gz", np.zeros((20, 16, 12), np.uint8))
    cases = prepare(raw).cases
    assert cases["c"].foreground == []
    (enhancing,) = cases["a"].foreground
    assert enhancing.shape == (2000, 3) == np.unique(enhancing, axis=0).shape
    assert set(cases["a"].labels[tuple(enhancing.T)]) == {2}
    assert np.ptp(enhancing, axis=0).tolist() == [19, 15, 10]
    necrosis, enhancing = cases["b"].foreground
    assert necrosis.tolist() == [[0, 0, 0]]
    assert set(cases["b"].labels[tuple(enhancing.T)]) == {2}


def test_a_new_and_a_changed_case_leave_the_others_alone(raw, write_nifti):
    before = times(prepare(raw))
    shutil.copy(raw / "a.nii.gz", raw / "d.nii.gz")
    shutil.copy(raw / "b_seg.nii.gz", raw / "d_seg.nii.gz")
    write_nifti(raw / "c_seg.nii.gz", np.ones((20, 16, 12), np.uint8))
    after = times(prepare(raw, "second"))
    assert after.keys() == {"a", "b", "c", "d"}
    assert {name for name in before if before[name] == after[name]} == {"a", "b"}


def test_a_moved_dataset_is_found_prepared(raw):
    before = times(prepare(raw))
    assert times(prepare(raw.rename(raw.parent / "moved"), "second")) == before


@pytest.mark.parametrize("change", ["settings", "values", "code"])
def test_another_recipe_code_or_order_of_classes_is_another_case(raw, monkeypatch, change):
    before = times(prepare(raw))
    settings = PreprocessParams(crop_to_nonzero=False) if change == "settings" else None
    if change == "code":
        monkeypatch.setattr(identity, "code_of", lambda roots: "other")
    if change == "values":
        monkeypatch.setitem(globals(), "VALUES", {"background": 0, "enhancing": 4, "necrosis": 1})
    after = times(prepare(raw, "second", settings))
    assert all(before[name] != after[name] for name in before)


def test_two_processes_prepare_the_same_as_one(raw, monkeypatch):
    monkeypatch.setattr("seglossbench.parallel.TRIED", 0)
    one = prepare(raw)
    images = {name: np.array(case.image) for name, case in one.cases.items()}
    shutil.rmtree(one.folder.parent)
    two = prepare(raw, processes=2)
    for name, case in two.cases.items():
        np.testing.assert_array_equal(case.image, images[name])


def test_a_bad_case_leaves_no_dataset_but_the_finished_cases(raw):
    (raw / "c.nii.gz").write_bytes(b"no scan")
    with pytest.raises(InputError, match=r"c\.nii\.gz"):
        prepare(raw)
    assert not (raw.parent / "prepared" / "first").exists()
    assert [place.name[0] for place in sorted((raw.parent / "prepared" / "cases").iterdir())] == ["a", "b"]


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.data.test_case_store import prepare

from seglossbench.data.preparation import case_store
save, count = case_store.save_array, 0
def save_or_die(file, array):
    global count
    count += 1
    if count == 4:  # the second case's labels: its image is written
        os.kill(os.getpid(), signal.SIGKILL)
    save(file, array)
case_store.save_array = save_or_die
prepare(Path(sys.argv[1]))
"""


def test_a_killed_call_goes_on_where_it_was(raw, request):
    project = str(request.config.rootpath)
    died = subprocess.run([sys.executable, "-c", KILLED, str(raw), project], capture_output=True, text=True)
    assert died.returncode == -signal.SIGKILL, died.stderr
    cases = raw.parent / "prepared" / "cases"
    first = next(cases.glob("a-*"))
    time = (first / "image.npy").stat().st_mtime_ns
    assert list(cases.glob(".tmp-*-b-*")), "the second case was not begun"
    assert not list(cases.glob("b-*"))
    resumed = prepare(raw)
    assert (first / "image.npy").stat().st_mtime_ns == time
    # nothing half-written is left
    assert sorted(place.name[0] for place in cases.iterdir()) == [
        "a",
        "b",
        "c",
    ]
    whole = prepare(raw, settings=PreprocessParams(crop_to_nonzero=True))  # the same arrays, made in one go
    for name, case in resumed.cases.items():
        np.testing.assert_array_equal(case.image, whole.cases[name].image)


def test_a_disk_that_takes_no_more_is_said(raw):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Less by a few bytes than an image takes: np.save would not notice.
    resource.setrlimit(resource.RLIMIT_FSIZE, (20 * 16 * 12 * 2, hard))
    try:
        with pytest.raises(JobError, match=r"a-.*cannot be written.*MB are free.*run the same command again"):
            prepare(raw)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list((raw.parent / "prepared" / "cases").iterdir())
    assert len(prepare(raw).cases) == 3


def test_the_shape_of_a_case_is_known_without_its_arrays(raw):
    dataset = prepare(raw, settings=PreprocessParams(spacing_mm=(2, 1, 1), crop_to_nonzero=False))
    assert {case.labels.shape for case in dataset.cases.values()} == {(10, 16, 12)}
    for case in dataset.cases.values():
        (case.folder / "labels.npy").unlink()
    assert {case.shape for case in PreparedDataset(dataset.folder).cases.values()} == {(10, 16, 12)}


def test_the_voxels_beside_a_header_decide_the_content(tmp_path):
    def write(brightness):
        labels = np.ones((4, 5, 6), np.uint8)
        for name, array in (("a", labels * brightness), ("a_seg", labels)):
            sitk.WriteImage(sitk.GetImageFromArray(array), tmp_path / "raw" / f"{name}.mhd")
        files = (tmp_path / "raw" / "a.mhd",), tmp_path / "raw" / "a_seg.mhd"
        folder = tmp_path / "prepared" / str(brightness)
        index = CaseIndex("brats", ("t1",), VALUES, (Case("a", *files, "MRI"),))
        preprocess_dataset(
            index, PreprocessParams(), folder, "x", raw=tmp_path / "raw", known=tmp_path / "known"
        )
        return PreparedDataset(folder).cases["a"].folder.name

    (tmp_path / "raw").mkdir()
    assert write(1) != write(2)
