"""A run has another name exactly when its digits would be others: edits of the code, and how many runs they rename."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from unittest.mock import MagicMock

import pytest
import torch

from seglossbench import code, stages
from seglossbench.experiment import Experiment, identity, plans
from seglossbench.experiment.identity import CACHING, case_roots, prediction_roots
from seglossbench.registry import ARCHITECTURES, LAYOUTS, MAPS, PHANTOMS, SPLITS, STORED_MAPS, TERMS
from tests.training.tiny import run

EXPERIMENTS = ("phantoms", "contour_weighted", "region_wise")
SHARE_RESIDUAL_BLOCKS = {"u_net_a", "pdanet", "pdanet_released"}
READ_CONTOURS = {"cwcd", "cwcd_printed", "cw_ce", "separable_dice"}


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A copy of the package's code, which is read in place of the package; nothing of it is imported."""
    shutil.copytree(Path(code.__file__).parent, tmp_path / "copy" / code.PACKAGE)
    monkeypatch.setattr(code, "_home", lambda top: tmp_path / "copy")
    monkeypatch.setattr(identity, "_closure", identity._closure.__wrapped__)
    return tmp_path / "copy" / code.PACKAGE


@pytest.fixture(scope="module")
def unedited():
    """By experiment, the runs of the code as it is, for whoever needs them after the first."""
    return {}


@pytest.fixture
def renamed(source, project, unedited):
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
        if not unedited:
            unedited.update(ids())
        edit(source)
        after = ids()
        return {
            name: (
                [run for key, run in runs.items() if run.id != unedited[name][key].id],
                list(runs.values()),
            )
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
        # what is written down of a new network, beside its own module
        (edit("vocabulary/architectures.py", "vocabulary/network_costs.py", "params/networks.py"), never),
        (edit("data/layouts/topomortar.py", "losses/distance.py"), lambda run: run.loss == "distmap_dice"),
        (reformat, never),
        (edit("losses/contour.py"), lambda run: run.loss in READ_CONTOURS),
        (edit("maps/contour.py"), lambda run: run.loss in READ_CONTOURS),
        (edit("networks/dynunet.py"), lambda run: run.settings.architecture == "DynUNet"),
        (edit("networks/residual.py"), lambda run: run.settings.architecture in SHARE_RESIDUAL_BLOCKS),
        (edit("phantoms/organs.py"), lambda run: run.dataset.name == "amos_phantom"),
        (edit("data/layouts/kits.py"), lambda run: run.dataset.name == "kits19"),
        (edit("evaluation/surface.py", "evaluation/surfels.py"), never),
        (edit("evaluation/overlap.py"), lambda run: run.settings.is_decided_by_scores),
        (edit("statistics/means.py"), lambda run: run.settings.is_decided_by_scores),
        (edit("training/batches.py"), always),
        (edit("training/loop.py"), always),
        (edit("prediction.py"), always),
    ],
)
def test_an_edit_renames_just_the_runs_that_execute_it(renamed, change, is_renamed):
    for name, (changed, runs) in renamed(change).items():
        assert {run.id for run in changed} == {run.id for run in runs if is_renamed(run)}, name


def test_an_edit_of_what_scores_names_new_scores_and_no_run(source, project):
    def first():
        run = Experiment.load(overrides={"experiment": "phantoms"}).runs[0]
        return run.id, run.scores

    (before, before_scores) = first()
    edit("evaluation/surface.py")(source)
    (after, after_scores) = first()
    assert before == after
    assert before_scores != after_scores


HASHED_ROOMS = ("data", "losses", "maps", "networks", "phantoms", "training")


def everything_hashed() -> set[str]:
    """The modules of all that the registries know, from raw data to the weights."""
    roots = [CACHING, *prediction_roots(), *case_roots(), "seglossbench.training.run"]
    for registry in (ARCHITECTURES, LAYOUTS, MAPS, PHANTOMS, SPLITS, STORED_MAPS, TERMS):
        roots += [registry.module(name) for name in registry]
    return set(identity.code_of(roots))


def is_watcher(name: str) -> bool:
    return any(name == watcher or name.startswith(f"{watcher}.") for watcher in identity.WATCHERS)


def test_every_module_of_a_hashed_room_is_executed_by_runs_or_declared_to_carry_no_digits():
    package = Path(code.__file__).parent
    hashed = everything_hashed()
    forgotten = []
    for room in HASHED_ROOMS:
        for file in (package / room).rglob("*.py"):
            parts = file.relative_to(package.parent).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            if name not in hashed and not is_watcher(name):
                forgotten.append(name)
    assert forgotten == [], (
        "import it from what a run executes, name it in a registry, or declare it in WATCHERS"
    )


def test_no_watcher_is_gone():
    package = Path(code.__file__).parent
    for watcher in identity.WATCHERS:
        place = package.joinpath(*watcher.split(".")[1:])
        assert place.is_dir() or place.with_suffix(".py").is_file(), watcher


TRAIN = """
import json, sys
from pathlib import Path
from seglossbench import stages
from seglossbench.experiment import plans
run = plans.read(Path(sys.argv[1]))
stages.train(run)
print(json.dumps([list(run.settings.code), [name for name in sys.modules if name.startswith("seglossbench")]]))
"""


def test_what_a_training_loads_is_in_its_name_or_declared_to_carry_no_digits(project):
    experiment = Experiment.load(overrides={"experiment": "tiny", "track": {"live": False}})
    (dataset, *_), planned = experiment.datasets, next(run for run in experiment.runs if run.loss == "rrw_ce")
    stages.download(dataset)
    stages.preprocess(experiment, dataset)
    stages.cache_maps(experiment, dataset)
    command = [sys.executable, "-c", TRAIN, str(plans.write(planned))]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    named, loaded = json.loads(answer.stdout.splitlines()[-1])
    outside = {name for name in loaded if name not in named and name != "seglossbench"}
    assert {name for name in outside if not is_watcher(name)} == set()
    assert not {name for name in named if is_watcher(name)}


class NoClock:
    elapsed_seconds = 1.0

    def __init__(self, device):
        pass

    def end(self, part):
        pass

    def seconds(self):
        return {}


def one_by_one(make, places, workers, *, pin_memory):
    yield from (make(*place) for place in places)


def no_scores(*_, **__):
    return [{"class": name, "metric": "DSC", "value": 0.5} for name in ("organ", "core")]


@pytest.mark.parametrize(
    ("place", "stub"),
    [
        ("training.loop.Clock", NoClock),
        ("training.loop.Progress", MagicMock()),
        ("training.loop.peak_memory_mb", lambda device: 0.0),
        ("training.loop.prefetched", one_by_one),
        ("training.kept.write_history", lambda *_: None),
        ("training.checkpoints.Series.save", lambda *_: None),
        ("training.validation.score_case", no_scores),
    ],
)
def test_without_a_watcher_the_weights_are_the_same(tmp_path, monkeypatch, place, stub):
    whole = run(tmp_path / "whole").network.state_dict()
    monkeypatch.setattr(f"seglossbench.{place}", stub)
    alone = run(tmp_path / "alone").network.state_dict()
    assert all(torch.equal(value, alone[name]) for name, value in whole.items())
