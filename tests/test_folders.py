import pytest

from seglossbench.errors import InputError
from seglossbench.folders import walk


def names(folder):
    return [
        (place / file.name).relative_to(folder).as_posix() for place, files in walk(folder) for file in files
    ]


def test_links_to_folders_and_files_are_followed_and_hidden_names_are_not_shown(tmp_path):
    (tmp_path / "disk" / "case2" / "more").mkdir(parents=True)
    (tmp_path / "disk" / "case2" / "more" / "scan").touch()
    (tmp_path / "data" / ".git").mkdir(parents=True)
    (tmp_path / "data" / ".git" / "config").touch()
    (tmp_path / "data" / "__MACOSX").mkdir()
    (tmp_path / "data" / "__MACOSX" / "scan").touch()
    (tmp_path / "data" / "case2").symlink_to("../disk/case2")
    (tmp_path / "data" / "case1").symlink_to(tmp_path / "disk" / "case2" / "more" / "scan")
    assert names(tmp_path / "data") == ["case1", "case2/more/scan"]
    (tmp_path / "link").symlink_to("data")
    assert names(tmp_path / "link") == ["case1", "case2/more/scan"]


def test_a_link_back_to_a_folder_above_is_not_followed(tmp_path):
    for name, other in (("a", "b"), ("b", "a")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "scan").touch()
        (tmp_path / name / "other").symlink_to(f"../{other}")
    (tmp_path / "a" / "all").symlink_to("..")
    assert names(tmp_path) == ["a/scan", "a/other/scan", "b/scan", "b/other/scan"]


def test_a_link_to_nothing_is_named(tmp_path):
    (tmp_path / "case1").symlink_to("gone")
    with pytest.raises(InputError, match="case1: a link to gone, which is not there"):
        names(tmp_path)
