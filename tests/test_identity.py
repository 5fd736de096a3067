"""A run has another name exactly when its digits would be others: edits of the code, and how many runs they rename."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from seglossbench import code
from seglossbench.experiment import Experiment, identity

EXPERIMENTS = ("phantoms", "contour_weighted", "region_wise")
READ_CONTOURS = {"cwcd", "cwcd_printed", "cw_ce", "separable_dice"}


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A copy of the package's code, which is read in place of the package; nothing of it is imported."""
    shutil.copytree(Path(code.__file__).parent, tmp_path / "copy" / code.PACKAGE)
    monkeypatch.setattr(code, "_home", lambda top: tmp_path / "copy")
    monkeypatch.setattr(identity, "_closure", identity._closure.__wrapped__)
    return tmp_path / "copy" / code.PACKAGE


@pytest.fixture
def renamed(source, project):
    """A function that makes an edit and returns, by experiment, the runs that it renamed and all runs."""

    def ids():
        return {
            name: {
                tuple(run.identity.values()): run
                for run in Experiment.load(overrides={"experiment": name}).runs
            }
            for name in EXPERIMENTS
        }

    def renamed(edit):
        before = ids()
        edit(source)
        after = ids()
        return {
            name: ([run for key, run in runs.items() if run.id != before[name][key].id], list(runs.values()))
            for name, runs in after.items()
        }

    return renamed


def edit(*files: str) -> Callable[[Path], None]:
    """An edit that changes what modules compute, as far as anybody can tell."""

    def edit(source: Path) -> None:
        for file in files:
            with (source / file).open("a", encoding="utf-8") as module:
                module.write("\nEDITED = 1\n")

    return edit


def add(*files: str) -> Callable[[Path], None]:
    def add(source: Path) -> None:
        for file in files:
            (source / file).write_text("EDITED = 1\n", encoding="utf-8")

    return add


def reformat(source: Path) -> None:
    for file in source.rglob("*.py"):
        text = file.read_text(encoding="utf-8").replace("(\n", "(  # so\n\n")
        file.write_text(f"# Why.\n\n{text}\n# The end.\n", encoding="utf-8")


def never(run):
    return False


def always(run):
    return True


@pytest.mark.parametrize(
    ("change", "is_renamed"),
    [
        (add("losses/mine.py", "networks/mine.py", "data/layouts/mine.py", "evaluation/mine.py"), never),
        (edit("registry.py"), never),  # a line in a table of names
        (edit("training/progress.py", "training/clock.py", "records.py", "losses/parity.py"), never),
        (edit("losses/diagnosis.py", "data/facts.py", "data/checking.py", "tracking/store.py"), never),
        (edit("params/training.py", "vocabulary/metrics.py", "stages/training.py", "files.py"), never),
        (edit("data/layouts/topomortar.py", "losses/distance.py"), lambda run: run.loss == "distmap_dice"),
        (reformat, never),
        (edit("losses/contour.py"), lambda run: run.loss in READ_CONTOURS),
        (edit("maps/contour.py"), lambda run: run.loss in READ_CONTOURS),
        (edit("networks/dynunet.py"), lambda run: run.settings.architecture == "DynUNet"),
        (edit("phantoms/organs.py"), lambda run: run.dataset.name == "amos_phantom"),
        (edit("data/layouts/kits.py"), lambda run: run.dataset.name == "kits19"),
        (edit("evaluation/surface.py", "evaluation/surfels.py"), never),
        (edit("evaluation/overlap.py"), lambda run: run.settings.is_decided_by_scores),
        (edit("training/batches.py"), always),
        (edit("training/loop.py"), always),
        (edit("prediction.py"), always),
    ],
)
def test_an_edit_renames_just_the_runs_that_execute_it(renamed, change, is_renamed):
    for name, (changed, runs) in renamed(change).items():
        assert {run.id for run in changed} == {run.id for run in runs if is_renamed(run)}, name
