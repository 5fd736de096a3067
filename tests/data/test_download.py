import io
import tarfile
import zipfile

import pytest

from seglossbench.data.download import download, extract
from seglossbench.errors import InputError, JobError


def test_a_file_address_is_fetched_and_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "origin.zip", "w") as archive:
        archive.writestr("set/case/image.nii", "voxels")
    download((tmp_path / "origin.zip").as_uri(), tmp_path / "archives" / "set.zip")
    extract(tmp_path / "archives" / "set.zip", tmp_path / "raw")
    assert (tmp_path / "raw/set/case/image.nii").read_text() == "voxels"


def test_an_address_that_is_not_there(tmp_path):
    with pytest.raises(JobError, match=r"nothing\.zip: cannot be downloaded"):
        download((tmp_path / "nothing.zip").as_uri(), tmp_path / "set.zip")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../outside", "/absolute"])
def test_members_outside_of_the_folder_are_refused(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("good", "x")
        archive.writestr(name, "x")
    with tarfile.open(tmp_path / "bad.tar", "w") as archive:
        info = tarfile.TarInfo("../outside")
        info.size = 1
        archive.addfile(info, io.BytesIO(b"x"))
    for bad in ("bad.zip", "bad.tar"):
        with pytest.raises(InputError, match=bad):
            extract(tmp_path / bad, tmp_path / "raw")
    assert not (tmp_path / "raw").exists()
    assert not (tmp_path / "outside").exists()


def test_a_damaged_archive_is_named(tmp_path):
    (tmp_path / "half.zip").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(InputError, match=r"half\.zip: damaged archive"):
        extract(tmp_path / "half.zip", tmp_path / "raw")
