from pathlib import Path

import numpy as np
import pytest

from seglossbench.files import atomic_file, atomic_folder, digest, open_array, write_json


class Interrupted(Exception):
    pass


def test_a_failing_write_keeps_the_former_file(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text("old")

    def fail():
        with atomic_file(path) as temporary:
            temporary.write_text("half")
            raise Interrupted

    with pytest.raises(Interrupted):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failing_folder_keeps_the_former_one(tmp_path):
    path = tmp_path / "prepared"
    path.mkdir()
    (path / "case").write_text("old")

    def fail():
        with atomic_folder(path) as temporary:
            (temporary / "case").write_text("half")
            raise Interrupted

    with pytest.raises(Interrupted):
        fail()
    assert (path / "case").read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_takes_the_former_ones_place_whole(tmp_path):
    path = tmp_path / "prepared"
    for name in ("a", "b"):
        with atomic_folder(path) as temporary:
            (temporary / name).write_text(name)
    assert [file.name for file in path.iterdir()] == ["b"]
    assert list(tmp_path.iterdir()) == [path]


def test_digest_ignores_the_order_of_keys_and_not_the_values():
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": [1, 2], "a": 1})
    assert digest({"a": 1}) != digest({"a": 1.5})
    assert digest([1, 2]) != digest([2, 1])


def test_json_is_readable_by_others(tmp_path):
    write_json(tmp_path / "x.json", {"a": 1})
    assert (tmp_path / "x.json").stat().st_mode & 0o444 == 0o444


def test_more_arrays_may_be_open_than_a_process_may_have_files(tmp_path):
    arrays = []
    for number in range(400):
        np.save(tmp_path / f"{number}.npy", np.full(3, number))
        arrays.append(open_array(tmp_path / f"{number}.npy")[1])
    assert arrays == list(range(400))
    files = [file.resolve() for file in Path("/proc/self/fd").iterdir()]
    assert sum(file.parent == tmp_path for file in files) <= 128
