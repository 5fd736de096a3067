"""A module's fingerprint is of what it computes; a closure is what is executed."""

import sys

import pytest

from seglossbench import code
from seglossbench.code import closure, read

CODE = '''"""Old."""
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["double"]


def double(x: float) -> float:
    """Twice."""
    return 2 * x  # because
'''


@pytest.fixture
def fingerprint(tmp_path):
    def of(source):
        file = tmp_path / "module.py"
        file.write_text(source, encoding="utf-8")
        return read(file, "module").fingerprint

    return of


def test_what_a_file_says_is_kept_beside_its_bytecode_while_it_says_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    file = tmp_path / "module.py"
    file.write_text(CODE)
    first = read(file, "module")
    (kept,) = (tmp_path / "__pycache__").iterdir()
    code._read.cache_clear()
    with monkeypatch.context() as patched:
        patched.setattr(code, "_parsed", None)
        assert read(file, "module") == first, "without parsing it"
    for damage in ("", "{}", "[1]", kept.read_text().replace('"of"', '"for"')):
        kept.write_text(damage)
        code._read.cache_clear()
        assert read(file, "module") == first
    file.write_text(CODE.replace("2 * x", "3 * x"))
    assert read(file, "module").fingerprint != first.fingerprint


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""Old."""', '"""New, and\n\nlonger."""\n# a comment'),
        ('    """Twice."""\n', ""),
        ("2 * x  # because", "(\n        2 * x\n    )"),
        ('__all__ = ["double"]', '__all__ = ["double", "more"]'),
        ("    from collections.abc import Sequence", "    from collections.abc import Iterable, Sequence"),
        ("return 2", "return  2"),
    ],
)
def test_what_computes_nothing_does_not_count(fingerprint, old, new):
    assert old in CODE
    assert fingerprint(CODE.replace(old, new)) == fingerprint(CODE)


@pytest.mark.parametrize(
    ("old", "new"),
    [("2 * x", "3 * x"), ("2 * x", "x * 2"), ("2 * x", "2.0 * x"), ("2 * x", "'2 * x'"), ("numpy", "torch")],
)
def test_what_computes_does(fingerprint, old, new):
    assert fingerprint(CODE.replace(old, new)) != fingerprint(CODE)


def test_every_version_of_python_reads_the_same(fingerprint):
    """Written down, so that it fails in a Python that reads otherwise; 3.11, 3.12 and 3.13 were tried."""
    source = "def f(x, *, y=1):\n    return f\"{x!r:>{y}} {'a' if x else ''}\" 'b' + g(x)[1:] @ -y\n"
    assert fingerprint(source) == "a465d0014dd5"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package with modules that import each other in every way."""
    root = tmp_path / "thing"
    (root / "inner").mkdir(parents=True)
    for name, source in {
        "__init__": "",
        "one": "from thing.inner import two\nimport json\n",
        "three": "def f():\n    from thing import watcher\n",
        "watcher": "import thing.unseen\n",
        "unseen": "",
        "typed": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import thing.one\n",
        "inner/__init__": "",
        "inner/two": "from ..three import f\n",
    }.items():
        (root / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    return root


def test_a_closure_is_all_that_is_imported_also_on_the_way_and_within_functions(package):
    everything = ["thing", "thing.inner", "thing.inner.two", "thing.one", "thing.three"]
    assert list(closure(["thing.one"])) == [*everything, "thing.unseen", "thing.watcher"]
    assert list(closure(["thing.one"], without={"thing.watcher"})) == everything
    assert list(closure(["thing.inner.two"], without={"thing.three"})) == [
        "thing",
        "thing.inner",
        "thing.inner.two",
    ]
    assert list(closure(["thing.typed"])) == ["thing", "thing.typed"]
    assert "thing.one" not in sys.modules
    with pytest.raises(ModuleNotFoundError, match=r"thing\.gone"):
        closure(["thing.gone"])


def test_a_change_changes_its_own_fingerprint_alone(package):
    before = closure(["thing.one"])
    (package / "three.py").write_text("def f():\n    from thing import watcher\n    return 1\n")
    after = closure(["thing.one"])
    assert {name for name in before if before[name] != after[name]} == {"thing.three"}


def test_a_file_of_ones_own_brings_what_lies_beside_it_and_this_package(tmp_path):
    (tmp_path / "my_losses.py").write_text("import beside\nfrom seglossbench.randomness import stream\n")
    (tmp_path / "beside.py").write_text("import numpy\n")
    found = closure([str(tmp_path / "my_losses.py")])
    assert list(found) == ["beside", "my_losses", "seglossbench", "seglossbench.randomness"]
