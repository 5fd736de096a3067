"""Ours pass what is asked of everybody's metrics, layouts and splits, and the suite sees what is wrong."""

from zipfile import ZipFile

import pytest

from seglossbench import plugins
from seglossbench.cli import main
from seglossbench.conformance import check_named
from seglossbench.conformance.datasets import LAYOUT_CHECKS, SPLIT_CHECKS, LayoutOn
from seglossbench.conformance.metrics import CHECKS as METRIC_CHECKS
from seglossbench.phantoms.amos import write_amos_phantom
from seglossbench.phantoms.brats import write_brats_phantom
from seglossbench.phantoms.pengwin import write_pengwin_phantom
from seglossbench.registry import METRICS, SPLITS
from seglossbench.vocabulary.metrics import CATALOGUE
from tests.conftest import PROJECT

SHAPE = (32, 28, 36)
PHANTOMS = {
    "amos": lambda file: write_amos_phantom(
        file, training=3, validation=1, mri_fraction=0.34, shape=SHAPE, seed=0
    ),
    "brats": lambda file: write_brats_phantom(file, cases=3, shape=SHAPE, seed=0),
    "pengwin": lambda file: write_pengwin_phantom(file, cases=3, shape=SHAPE, seed=0),
}


@pytest.mark.parametrize("name", [*CATALOGUE, "NSD@1mm", "NSD_voxel@2mm"])
@pytest.mark.parametrize("check", METRIC_CHECKS, ids=lambda check: check.__name__)
def test_every_metric_passes(name, check):
    check(name)


@pytest.mark.parametrize("name", [name for name in SPLITS.own if name != "file"])
@pytest.mark.parametrize("check", SPLIT_CHECKS, ids=lambda check: check.__name__)
def test_every_split_passes(name, check):
    check(name)


def test_a_metric_that_is_wrong_is_seen():
    METRICS.add("wrong", lambda compared: float("nan"), better="higher")
    METRICS.add("first_axis", lambda compared: float(compared.prediction.shape[0]), better="higher")
    METRICS.add("upside_down", lambda compared: compared.counts.TP, better="lower")
    try:
        wrong = {
            name: [outcome.check for outcome in check_named(name) if outcome.wrong]
            for name in ("wrong", "first_axis", "upside_down")
        }
    finally:
        for name in ("wrong", "first_axis", "upside_down"):
            del METRICS.things[name]
    assert "is a number or nothing for empty masks" in wrong["wrong"]
    assert "does not depend on the order or direction of axes" in wrong["first_axis"]
    assert "perfect is not worse than shifted" in wrong["upside_down"]


@pytest.fixture(scope="module", params=PHANTOMS)
def layout(request, tmp_path_factory):
    """A layout on a folder that has it."""
    folder = tmp_path_factory.mktemp(request.param)
    PHANTOMS[request.param](folder / "archive.zip")
    with ZipFile(folder / "archive.zip") as archive:
        archive.extractall(folder / "raw")
    return LayoutOn(request.param, folder / "raw")


@pytest.mark.parametrize("check", LAYOUT_CHECKS, ids=lambda check: check.__name__)
def test_layouts_pass(layout, check):
    check(layout)


def test_a_layout_that_does_not_fit_is_seen(layout, tmp_path):
    (tmp_path / "empty").mkdir()
    outcomes = check_named(layout.name, folder=tmp_path / "empty")
    assert all(outcome.wrong for outcome in outcomes)


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["check-plugin", str(PROJECT / "examples" / "my_loss.py")], 0, "the same twice  "),
        (["check-plugin", "brats"], 2, "layout 'brats' is checked on a dataset that has it"),
        (["check-plugin", "brierr"], 2, "nothing that can be checked is called 'brierr'"),
        (["list", "plugins"], 0, "none: no file in plugins"),
        (["list", "layouts"], 0, "patient_folders"),
        (["list", "splits"], 0, "even_odd()\n    Paper B for ACDC and KiTS."),
        (["list", "losses"], 0, "cwcd()\n    {'cw_ce': 1.0, 'separable_dice': 1.0}"),
        (["list", "metrics"], 0, "HD95 ↓ [mm]\n"),
    ],
)
def test_commands_need_no_params(words, status, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(words)
    printed = capsys.readouterr()
    assert ended.value.code == status
    assert said in printed.out + printed.err
    plugins.forget(plugins.files_in_use())


WRONG = """
from seglossbench.losses import register


@register("summed_up")
def summed_up(prediction, truth):
    '''A sum where a mean is meant.'''
    return -prediction.log_p_truth.sum()
"""


def test_a_wrong_loss_ends_with_its_failures(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_sum.py").write_text(WRONG)
    with pytest.raises(SystemExit) as ended:
        main(["check-plugin", "own_sum.py"])
    assert ended.value.code == 1
    printed = capsys.readouterr()
    assert "own_sum.py: 1 of 13 checks failed, the first: a batch is the mean of its samples" in printed.err
    plugins.forget(plugins.files_in_use())
