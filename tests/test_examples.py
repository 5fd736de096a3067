"""The examples: a loss in a file and one in a package, which appear in reports without any change here."""

import os
import subprocess
import sys

import pytest

from tests.commands import ENVIRONMENT
from tests.conftest import PROJECT


def seglossbench(folder, *words, path=()):
    places = os.pathsep.join(map(str, [PROJECT / "src", *path]))
    environment = ENVIRONMENT | {"PYTHONPATH": places}
    command = [sys.executable, "-m", "seglossbench", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder into which the example package is installed."""
    place = tmp_path_factory.mktemp("site")
    source = tmp_path_factory.mktemp("source") / "plugin_loss"
    source.mkdir()
    for file in (PROJECT / "examples" / "plugin_loss").iterdir():
        if file.is_file():
            (source / file.name).write_bytes(file.read_bytes())
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
    ]
    subprocess.run([*pip, "--target", str(place), str(source)], check=True, capture_output=True)
    return place


def test_a_package_is_listed_and_checked_by_its_name(installed, tmp_path):
    listed = seglossbench(tmp_path, "list", "plugins", path=[installed])
    assert listed.stdout.startswith("package plugin_loss 0.1: loss term poly1: Cross-entropy plus epsilon")
    assert "poly1" not in seglossbench(tmp_path, "list", "terms").stdout
    assert (
        "poly1(epsilon=1.0) [package plugin_loss 0.1]"
        in seglossbench(tmp_path, "list", "terms", path=[installed]).stdout
    )
    checked = seglossbench(tmp_path, "check-plugin", "poly1", path=[installed])
    assert checked.returncode == 0, checked.stdout
    assert len(checked.stdout.splitlines()) == 13


def test_a_package_renames_no_run_that_does_not_use_it(installed, project):
    without = seglossbench(project, "--set", "experiment=tiny", "list").stdout
    assert "seed0" in without
    assert seglossbench(project, "--set", "experiment=tiny", "list", path=[installed]).stdout == without


@pytest.mark.slow
def test_both_appear_in_tables_and_figures(installed, project):
    (project / "my_loss.py").write_bytes((PROJECT / "examples" / "my_loss.py").read_bytes())
    losses = "grid.losses=[ce_dice, brier, poly1]"
    options = ["--set", "experiment=tiny", "--set", "plugins=[my_loss.py]", "--set", losses]
    options += ["--set", "grid.datasets=[brats_phantom]", "--set", "track.live=false"]

    def run(*words):
        done = seglossbench(project, *options, *words, path=[installed])
        assert done.returncode == 0, done.stderr
        return done.stdout

    for words in (["download", "brats_phantom"], ["preprocess", "brats_phantom"], ["maps", "brats_phantom"]):
        run(*words)
    ids = run("list").split()
    assert len(ids) == 3
    run("train", *ids)
    for id in ids:
        run("evaluate", id)
    run("report")
    report = project / "reports" / "tiny"
    summary = (report / "tables" / "summary.csv").read_text()
    page = (report / "index.html").read_text()
    for loss in ("brier", "poly1"):
        assert loss in summary
        assert loss in page
        assert loss in (report / "analysis" / "curves.csv").read_text()  # which the figures draw
    again = next(folder for folder in (project / "runs").glob("*/*/brier/seed0-*"))
    run("train", "--from", str(again), "--into", "again")
    first, second = ((folder / "history.csv").read_text() for folder in (again, project / "again"))
    assert [line for line in first.splitlines() if ",cost," not in line] == [
        line for line in second.splitlines() if ",cost," not in line
    ]
