import codecs
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from seglossbench import files
from seglossbench.errors import InputError
from seglossbench.files import atomic_file, atomic_folder, digest, open_array, write_json


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_text_is_read_with_and_without_a_byte_order_mark(tmp_path, encoding):
    mark = codecs.BOM_UTF16_LE if encoding == "utf-16-le" else b""
    (tmp_path / "split.yaml").write_bytes(mark + "größe: 1\n".encode(encoding))
    assert files.read_text(tmp_path / "split.yaml") == "größe: 1\n"


def test_text_in_another_encoding_is_named(tmp_path):
    (tmp_path / "split.yaml").write_bytes("größe: 1\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"split\.yaml: is no text in UTF-8; save it so"):
        files.read_text(tmp_path / "split.yaml")


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


def test_left_overs_of_killed_processes_are_removed_and_those_of_living_ones_kept(tmp_path):
    target = tmp_path / "case [1]-1f"
    program = (
        "import os, signal, sys; from pathlib import Path; from seglossbench.files import atomic_folder\n"
        "with atomic_folder(Path(sys.argv[1])) as folder:\n"
        "    (folder / 'half').touch(); print(folder, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(target)], capture_output=True, text=True)
    dead = Path(killed.stdout.strip())
    assert (dead / "half").exists()
    with atomic_folder(target) as living:
        assert not dead.exists()
        with atomic_folder(target) as other:
            (other / "new").touch()
        assert living.exists()
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_whose_name_tells_its_content_is_not_made_twice(tmp_path):
    target = tmp_path / "case-1f"
    with atomic_folder(target, keep_existing=True) as slow:
        (slow / "slow").touch()
        with atomic_folder(target, keep_existing=True) as fast:
            (fast / "fast").touch()
    assert [file.name for file in target.iterdir()] == ["fast"]
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_that_comes_while_another_is_renamed_is_replaced_too(tmp_path, monkeypatch):
    target, source = tmp_path / "run", tmp_path / "run.running"
    source.mkdir()
    (source / "mine").touch()
    rename, came = files._rename, []

    def rename_after_another(*names):
        if not came:
            came.append(target.mkdir())
            (target / "anothers").touch()
        rename(*names)

    monkeypatch.setattr(files, "_rename", rename_after_another)
    (tmp_path / ".old-12345678-run").mkdir()  # of a call that was killed
    files.replace_folder(source, target)
    assert [file.name for file in target.iterdir()] == ["mine"]
    assert list(tmp_path.iterdir()) == [target]


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
