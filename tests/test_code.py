from seglossbench import code


def test_code_version_is_blind_to_comments_and_docstrings(tmp_path, monkeypatch):
    monkeypatch.setattr(code, "PACKAGE", tmp_path)
    versions = []
    for source in ('"""Old."""\nx = 1\n', '"""New,\n\nof two lines."""\n# what\n\nx = 1  # why\n', "x = 2\n"):
        (tmp_path / "room.py").write_text(source)
        code.code_version.cache_clear()
        versions.append(code.code_version("room.py"))
    code.code_version.cache_clear()
    assert versions[0] == versions[1] != versions[2]
