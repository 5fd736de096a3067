import io
import stat
import tarfile
import zipfile

import pytest

from seglossbench.acquisition import archives
from seglossbench.acquisition.archives import extract, is_archive, unpack
from seglossbench.acquisition.space import NoSpaceError
from seglossbench.errors import InputError

FILES = {"set/case/image.nii": b"voxels", "set/notes.txt": b"text"}


def write_zip(file, files=FILES, **attributes):
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            for key, value in attributes.items():
                setattr(info, key, value)
            archive.writestr(info, content)
    return file


def write_tar(file, files=FILES, mode="w", **attributes):
    with tarfile.open(file, mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for key, value in attributes.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(content))
    return file


def contents(folder):
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


@pytest.mark.parametrize("ending", ["zip", "tar", "tar.gz", "tgz", "tar.xz", "tar.bz2"])
def test_every_kind_is_unpacked(tmp_path, ending):
    file = tmp_path / f"set.{ending}"
    compression = {"tgz": "gz"}.get(ending, ending.removeprefix("tar").removeprefix("."))
    write_zip(file) if ending == "zip" else write_tar(file, mode=f"w:{compression}")
    assert is_archive(file)
    extract(file, tmp_path / "raw")
    assert contents(tmp_path / "raw") == FILES


def test_a_scan_is_no_archive(tmp_path):
    assert not is_archive(tmp_path / "scan.nii.gz")


def test_leading_folders_are_stripped_and_unwanted_files_left(tmp_path):
    for file in (write_zip(tmp_path / "set.zip"), write_tar(tmp_path / "set.tar")):
        folder = tmp_path / f"out-{file.name}"
        folder.mkdir()
        unpack(file, folder, strip=1, wanted=lambda path: not path.startswith("notes"))
        assert contents(folder) == {"case/image.nii": b"voxels"}


@pytest.mark.parametrize("name", ["../outside", "/absolute", "good/../../outside"])
@pytest.mark.parametrize("write", [write_zip, write_tar])
def test_members_outside_of_the_folder_are_refused(tmp_path, write, name):
    bad = write(tmp_path / "bad.archive", {"good": b"x", name: b"x"})
    with pytest.raises(InputError, match=r"bad\.archive: member .* outside of the target folder"):
        extract(bad, tmp_path / "raw")
    assert not (tmp_path / "raw").exists()
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
def test_links_and_devices_in_a_tar_are_refused(tmp_path, kind):
    bad = write_tar(tmp_path / "bad.tar", {"link": b""}, type=kind, linkname="/etc/passwd")
    with pytest.raises(InputError, match=r"bad\.tar: member 'link' is a link or a device"):
        extract(bad, tmp_path / "raw")


def test_links_in_a_zip_are_refused(tmp_path):
    bad = write_zip(
        tmp_path / "bad.zip", {"link": b"/etc/passwd"}, external_attr=(stat.S_IFLNK | 0o777) << 16
    )
    with pytest.raises(InputError, match="member 'link' is a link or a device"):
        extract(bad, tmp_path / "raw")


def test_bombs_are_refused_before_they_go_off(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "ALWAYS_ALLOWED_BYTES", 1000)
    zeros = {"zeros": bytes(10_000_000)}
    for bad in (
        write_zip(tmp_path / "bad.zip", zeros),
        write_tar(tmp_path / "bad.tar.gz", zeros, mode="w:gz"),
    ):
        with pytest.raises(InputError, match="more than 100 times its size"):
            extract(bad, tmp_path / "raw")
    monkeypatch.setattr(archives, "ALWAYS_ALLOWED_BYTES", 10_000_000)
    extract(bad, tmp_path / "raw")


def test_too_many_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MOST_FILES", 2)
    extract(write_zip(tmp_path / "two.zip"), tmp_path / "raw")
    with pytest.raises(InputError, match="2 files"):
        extract(write_zip(tmp_path / "three.zip", {"a": b"", "b": b"", "c": b""}), tmp_path / "raw")


@pytest.mark.parametrize("ending", ["zip", "tar.gz", "tar.xz", "tar"])
def test_a_truncated_archive_is_named(tmp_path, ending):
    file = tmp_path / f"half.{ending}"
    files = {"a": bytes(range(256)) * 1000, "b": bytes(range(256)) * 1000}
    write_zip(file, files) if ending == "zip" else write_tar(file, files, mode="w:" + ending[4:])
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 2 // 3])
    with pytest.raises(InputError, match=r"half\.\w+.*: damaged archive"):
        extract(file, tmp_path / "raw")
    assert not (tmp_path / "raw").exists()


def test_a_flipped_bit_is_noticed(tmp_path):
    file = write_zip(tmp_path / "set.zip", {"a": bytes(range(256)) * 1000})
    content = bytearray(file.read_bytes())
    content[100] ^= 1
    file.write_bytes(content)
    with pytest.raises(InputError, match="damaged archive"):
        extract(file, tmp_path / "raw")


def test_what_is_no_archive_is_named(tmp_path):
    (tmp_path / "page.zip").write_text("<html>Please log in</html>")
    with pytest.raises(InputError, match=r"page\.zip: damaged archive"):
        extract(tmp_path / "page.zip", tmp_path / "raw")


def test_a_name_that_is_a_file_and_a_folder(tmp_path):
    bad = write_zip(tmp_path / "bad.zip", {"a": b"x", "a/b": b"x"})
    with pytest.raises(InputError, match="a file and a folder of one name"):
        extract(bad, tmp_path / "raw")


def test_a_small_disk_is_noticed(tmp_path, small_disk):
    large = {"large": bytes(3_000_000)}
    with pytest.raises(NoSpaceError, match=r"what is in large\.zip needs 3\.00MB"):
        extract(write_zip(tmp_path / "large.zip", large), small_disk / "raw")
    with pytest.raises(NoSpaceError, match=r"the disk is full.*large\.tar\.gz is kept"):
        extract(write_tar(tmp_path / "large.tar.gz", large, mode="w:gz"), small_disk / "raw")
    assert list(small_disk.iterdir()) == []
