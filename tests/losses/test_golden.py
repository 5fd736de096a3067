from pathlib import Path

import numpy as np
import pytest

from seglossbench.errors import InputError
from seglossbench.losses import parity
from seglossbench.registry import TERMS

GOLDEN = Path(__file__).parents[1] / "golden"
ROWS = parity.verify(GOLDEN)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.file}-{row.value}")
def test_agrees_with_the_released_code(row):
    assert row.relative_error < 1e-5
    assert row.gradient_error is None or row.gradient_error < 1e-4
    assert row.passed


def test_every_golden_value_is_looked_at():
    values = {(path.name, key) for path in GOLDEN.glob("*.npz") for key in np.load(path).files}
    seen = {(row.file, row.value) for row in ROWS}
    assert seen == {
        (file, key.removesuffix(".loss")) for file, key in values if key.endswith(".loss") or "contour" in key
    }
    assert len(seen) == 71
    assert sum(row.gradient_error is not None for row in ROWS) == 67


def test_the_table_shows_values_and_errors():
    table = parity.format_table(ROWS).splitlines()
    assert table[0].split() == ["file", "value", "expected", "ours", "relative", "error", "gradient", "error"]
    assert len(table) == 73
    assert table[-1] == "71 of 71 values agree"
    row = next(line for line in table if "cwcd" in line).split()
    assert row[:3] == ["volume_4class.npz", "cwcd", "8.6139507"]
    assert row[-1] == "ok"


@pytest.fixture
def folder(tmp_path):
    """A golden file of our own making, with a value that is wrong by twice the tolerance."""
    with np.load(GOLDEN / "volume_absent_class.npz") as archive:
        golden = dict(archive)

    def write(**changes):
        np.savez(tmp_path / "some.npz", **{k: v for k, v in (golden | changes).items() if v is not None})
        return tmp_path

    return write, golden


@pytest.mark.parametrize("value", ["rrw", "rrw_ce_gradual@epoch37", "gdl"])
def test_a_wrong_loss_or_gradient_is_a_miss(folder, value):
    write, golden = folder
    loss, gradient = golden[f"{value}.loss"], golden[f"{value}.grad"].copy()
    rows = parity.verify(write(**{f"{value}.loss": loss * (1 + 2e-5)}))
    assert [row.value for row in rows if not row.passed] == [value]
    gradient.flat[7] += 2e-4 * np.abs(gradient).max()
    rows = parity.verify(write(**{f"{value}.grad": gradient}))
    assert [row.value for row in rows if not row.passed] == [value]
    assert parity.format_table(rows).count("MISS") == 1


def test_a_wrong_contour_voxel_is_a_miss(folder):
    write, golden = folder
    contour = golden["contour_k2"].copy()
    contour[0, 0, 0, 0, 0] ^= 1
    rows = parity.verify(write(contour_k2=contour))
    assert [row.value for row in rows if not row.passed] == ["contour_k2"]


def test_a_broken_loss_is_a_miss(monkeypatch):
    monkeypatch.setitem(TERMS.things, "rrw", lambda prediction, truth: prediction.p_truth.mean())
    missed = {row.value.partition("@")[0] for row in parity.verify(GOLDEN) if not row.passed}
    assert missed == {"rrw", "rrw_ce_equal", "rrw_dice_equal", "rrw_ce_gradual", "rrw_dice_gradual"}


def test_a_loss_without_gradient_is_compared_by_its_value(folder):
    write, _ = folder
    rows = {row.value: row for row in parity.verify(write(**{"rrw.grad": None}))}
    assert rows["rrw"].gradient_error is None
    assert rows["rrw"].passed


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"truth": None}, "some.npz: no array 'truth'"),
        ({"rw.loss": np.float64(1)}, r"some.npz: unknown loss 'rw'; did you mean 'rrw'\?"),
        ({"rrw@epochs.loss": np.float64(1)}, "unknown loss 'rrw@epochs'"),
        ({"weights": np.ones(3)}, "some.npz: unknown value 'weights'"),
    ],
)
def test_a_file_of_another_format_is_an_error(folder, changes, message):
    write, _ = folder
    with pytest.raises(InputError, match=message):
        parity.verify(write(**changes))


def test_no_files_and_no_archives_are_errors(tmp_path):
    with pytest.raises(InputError, match=r"no \.npz file"):
        parity.verify(tmp_path)
    (tmp_path / "a.npz").write_bytes(b"no archive")
    with pytest.raises(InputError, match=r"a\.npz: not a golden file"):
        parity.verify(tmp_path)


def test_the_document_shows_every_value():
    document = (GOLDEN.parents[1] / "docs" / "parity.md").read_text().splitlines()
    shown = {tuple(line.split()[:2]) for line in document if line.endswith("ok")}
    assert shown == {(row.file, row.value) for row in ROWS}
