import re
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from seglossbench.errors import InputError
from seglossbench.registry import ARCHITECTURES, TERMS, Registry
from seglossbench.signatures import Parameter, signature_at, signature_of, typed
from tests.conftest import PROJECT


@pytest.mark.parametrize(
    ("registry", "name"), [(registry, name) for registry in (TERMS, ARCHITECTURES) for name in registry]
)
def test_what_is_read_is_what_is_there(registry, name):
    """The signature that the source says is that of the function which has the name."""
    read, there = registry.signature(name), signature_of(registry.load(name))
    assert read.parameters.keys() == there.parameters.keys()
    for key, known in read.parameters.items():
        assert repr(known.type) == repr(there.parameters[key].type)
    assert all(known.type is not Any for known in read.parameters.values())
    assert read.summary == there.summary != ""


def test_every_registered_term_is_in_the_table():
    sources = (PROJECT / "src" / "seglossbench" / "losses").glob("*.py")
    registered = {
        name for file in sources for name in re.findall(r'^@register\("(\w+)"', file.read_text(), re.M)
    }
    assert len(registered) > 10
    assert registered <= set(TERMS)


SOURCE = '''
"""A module whose import fails."""
from typing import Literal
from nowhere import Thing

Mode = Literal["a", "b"]


def made(x, *, mode: Mode = "a", sizes: tuple[int, ...] = (1, 2), rate: float, thing: Thing = None, free=3):
    """One line.

    And more.
    """
'''


def test_a_signature_is_read_without_the_import(tmp_path, monkeypatch):
    (tmp_path / "plain_package").mkdir()
    (tmp_path / "plain_package" / "__init__.py").write_text("raise ImportError('imported')")
    (tmp_path / "plain_package" / "module.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    signature = signature_at("plain_package.module:made")
    assert signature.summary == "One line."
    assert signature.parameters == {
        "mode": Parameter(Literal["a", "b"], "'a'"),
        "sizes": Parameter(tuple[int, ...], "(1, 2)"),
        "rate": Parameter(float, ""),
        "thing": Parameter(Any, "None"),
        "free": Parameter(Any, "3"),
    }
    for place in ("plain_package.module:other", "plain_package.gone:made", "gone:made"):
        with pytest.raises(InputError, match=f"{place}: no such function"):
            signature_at(place)


def test_unknown_names_are_told_with_the_nearest():
    registry = Registry("kind of thing", {"Round": "somewhere:round"})
    with pytest.raises(InputError, match=r"here: unknown kind of thing 'round'; did you mean 'Round'"):
        registry.check("round", "here")
    with pytest.raises(InputError, match=r"^unknown kind of thing 'x'; known: Round"):
        registry.load("x")


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("1e-3", float, 0.001),
        (2, float, 2.0),
        ("3", int, 3),
        ("yes", bool, True),
        (["1", 2], tuple[int, ...], (1, 2)),
        ("released", Literal["released"], "released"),
        (None, tuple[float, ...] | None, None),
        ("anything", Any, "anything"),
    ],
)
def test_values_are_typed(value, kind, expected):
    found = typed(value, kind, "key")
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("value", "kind", "message"),
    [
        ("two", float, "key: input should be a valid number.*found 'two'"),
        (True, float, "key: expected a number, found True"),
        (float("nan"), float, "key: input should be a finite number"),
        (1, bool, "key: expected true or false, found 1"),
        (1.5, int, "key: input should be a valid integer"),
        ([1, "x"], tuple[int, ...], r"key\.1: input should be a valid integer"),
        ("print", Literal["released", "printed"], r"key: unknown choice 'print'; did you mean 'printed'"),
        (0, Annotated[float, Field(gt=0)], "key: input should be greater than 0"),
    ],
)
def test_a_value_of_another_type_is_named(value, kind, message):
    with pytest.raises(InputError, match=message):
        typed(value, kind, "key")
