import re
import shlex
from urllib.parse import unquote

import pytest

from seglossbench.names import LONGEST_FILE, LONGEST_WORD, file_stem, word
from tests.odd_names import ODD_NAMES


@pytest.mark.parametrize(("name_of", "longest"), [(word, LONGEST_WORD), (file_stem, LONGEST_FILE)])
def test_every_name_has_a_file_of_its_own(name_of, longest, tmp_path):
    names = [*ODD_NAMES, *(name_of(name) for name in ODD_NAMES)]  # encoded ones are names, too
    files = {name: name_of(name) for name in dict.fromkeys(names)}
    assert len(set(files.values())) == len(files)
    for name, file in files.items():
        assert len(file.encode()) <= longest
        assert file[0] not in "-."
        (tmp_path / f".tmp-12345678-{file}.nii.gz").write_text(name)
        assert "~" in file or unquote(file) == name
    assert len(list(tmp_path.iterdir())) == len(files)


def test_plain_names_stay_as_they_are():
    for name in ("ce_dice", "amos22", "BraTS-GLI-00005-001", "UNet++", "Größe", "肝臓"):
        assert word(name) == file_stem(name) == name
    assert file_stem("case.03 b, as [known] (v2)") == "case.03 b, as [known] (v2)"


def test_a_word_needs_no_quotes():
    for name in ODD_NAMES:
        assert shlex.split(word(name)) == [word(name)]
        assert re.fullmatch(r"[\w.+%~-]+", word(name))


def test_a_part_of_a_letter_is_never_cut():
    assert word("é" * 200).startswith("é" * 43 + "~")
    assert re.fullmatch(r"(%3F)+~[0-9a-f]{12}", word("?" * 200))
