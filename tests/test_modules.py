"""Code is imported by its name, and what is imported is kept out of the search for garbage."""

import gc

import pytest

from seglossbench.modules import imported


@pytest.mark.parametrize("is_enabled", [True, False])
def test_imports_search_for_no_garbage_and_leave_the_search_as_it_was(tmp_path, monkeypatch, is_enabled):
    name = f"looks_{is_enabled}".lower()
    (tmp_path / f"{name}.py").write_text("import gc\nseen = gc.isenabled()\nown = [[]]\n")
    monkeypatch.syspath_prepend(tmp_path)
    was_enabled = gc.isenabled()
    try:
        (gc.enable if is_enabled else gc.disable)()
        module = imported(name)
        assert not module.seen
        assert gc.isenabled() == is_enabled
        assert not any(each is module.own for each in gc.get_objects())
    finally:
        (gc.enable if was_enabled else gc.disable)()
        gc.unfreeze()


def test_an_import_that_fails_leaves_the_search_on():
    with pytest.raises(ModuleNotFoundError):
        imported("seglossbench.no_such_module")
    assert gc.isenabled()
