import os
import shutil
import time

import pytest

from seglossbench import checksums
from seglossbench.checksums import folder_checksums, folder_version
from seglossbench.errors import InputError


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    for name in ("a/image.nii", "a/labels.nii", "b/image.nii"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


@pytest.fixture
def hashed(monkeypatch):
    """The names of the files that are read, in order."""
    names = []
    original = checksums._checksum
    monkeypatch.setattr(checksums, "_checksum", lambda file: names.append(file.name) or original(file))
    return names


def test_a_touched_a_moved_and_a_copied_folder_keep_their_version(data, tmp_path):
    known = tmp_path / "known"
    version = folder_version(data, known)
    os.utime(data / "a" / "image.nii", (0, 0))
    (data / ".DS_Store").write_text("of a file browser")
    assert folder_version(data, known) == version
    moved = data.rename(tmp_path / "elsewhere")
    assert folder_version(moved, known) == version
    assert folder_version(shutil.copytree(moved, tmp_path / "copy"), known) == version


@pytest.mark.parametrize("change", ["content", "name", "more"])
def test_other_content_names_or_files_are_another_version(data, tmp_path, change):
    version = folder_version(data, tmp_path / "known")
    if change == "content":
        (data / "a" / "image.nii").write_text("a/image.NII")  # as long as before
    elif change == "name":
        (data / "b" / "image.nii").rename(data / "b" / "other.nii")
    else:
        (data / "c.nii").write_text("c")
    assert folder_version(data, tmp_path / "known") != version


@pytest.mark.parametrize(
    "name",
    [
        "Thumbs.db",
        "desktop.ini",
        "notes.txt",
        "a/image.nii.md5",
        "a/sidecar.json",
        "@eaDir/image.nii",
        "list.csv",
    ],
)
def test_what_no_layout_reads_does_not_count(data, tmp_path, name):
    version = folder_version(data, tmp_path / "known")
    (data / name).parent.mkdir(exist_ok=True)
    (data / name).write_text("of no case")
    assert folder_version(data, tmp_path / "known") == version


def test_descriptions_count_and_the_voxels_that_a_header_names(data, tmp_path):
    versions = {folder_version(data, tmp_path / "known")}
    for name, content in {
        "dataset.json": "{}",
        "a/image.mhd": "NDims = 3\nElementDataFile = voxels.bin\n",
        "a/voxels.bin": "1",
    }.items():
        (data / name).write_text(content)
        versions.add(folder_version(data, tmp_path / "known"))
    (data / "a/voxels.bin").write_text("2")
    assert len(versions | {folder_version(data, tmp_path / "known")}) == 5


def test_archives_count_where_they_are_asked_for(data, tmp_path):
    version = folder_version(data, tmp_path / "known", also=(".zip",))
    (data / "more.zip").write_text("more")
    assert folder_version(data, tmp_path / "known", also=(".zip",)) != version
    assert folder_version(data, tmp_path / "known") == version


def test_only_what_is_new_or_changed_is_read(data, tmp_path, hashed):
    folder_checksums(data, tmp_path / "known")
    assert len(hashed) == 3
    hashed.clear()
    folder_checksums(data, tmp_path / "known")
    assert hashed == []
    (data / "b" / "image.nii").write_text("changed")
    folder_checksums(data, tmp_path / "known")
    assert hashed == ["image.nii"]


def test_an_interrupted_call_keeps_what_it_read(data, tmp_path, monkeypatch, hashed):
    original = checksums._checksum

    def fail_on_labels(file):
        if file.name == "labels.nii":
            raise KeyboardInterrupt
        return original(file)

    monkeypatch.setattr(checksums, "_checksum", fail_on_labels)
    with pytest.raises(KeyboardInterrupt):
        folder_checksums(data, tmp_path / "known")
    monkeypatch.setattr(checksums, "_checksum", original)
    done = hashed.count("image.nii")
    assert done >= 1
    hashed.clear()
    assert len(folder_checksums(data, tmp_path / "known")) == 3
    assert len(hashed) < 3


def test_damaged_memory_of_checksums_is_made_again(data, tmp_path):
    before = folder_checksums(data, tmp_path / "known")
    for file in (tmp_path / "known").iterdir():
        file.write_text("{")
    assert folder_checksums(data, tmp_path / "known") == before


def test_a_folder_that_is_not_there_or_empty(tmp_path):
    with pytest.raises(InputError, match="no folder"):
        folder_version(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"data_root: no \.nii\.gz.* in the folder .*empty"):
        folder_version(tmp_path / "empty", tmp_path / "known")


def test_a_large_dataset_is_known_within_two_seconds(tmp_path):
    for case in range(1251):
        folder = tmp_path / "data" / f"case{case}"
        folder.mkdir(parents=True)
        for name in ("flair", "t1", "t1ce", "t2", "seg"):
            (folder / f"{name}.nii.gz").write_bytes(b"")
    version = folder_version(tmp_path / "data", tmp_path / "known")
    start = time.perf_counter()
    assert folder_version(tmp_path / "data", tmp_path / "known") == version
    assert time.perf_counter() - start < 2
