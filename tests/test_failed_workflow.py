"""Workflows that fail, are killed or stopped: what is done stays, what is not is told, and done by the next call."""

import os
import shutil
import signal
import subprocess
import time

import pytest

from seglossbench.experiment import Experiment
from seglossbench.records import State, period_seconds, state, working_folder
from seglossbench.tracking.local import LocalStore
from seglossbench.tracking.marks import RUN_TAG
from tests.commands import ENVIRONMENT, SNAKEMAKE, call, check, copy_project

pytestmark = pytest.mark.slow

SMALL = """
grid: {{datasets: [brats_phantom], networks: [unet], losses: [ce_dice, rrw_ce], seeds: [0]}}
datasets: {{brats_phantom: {{phantom: {{training: 4, test: 2, shape: [32, 32, 32]}}}}}}
networks: {{unet: {{channels: [4, 8], strides: [2], num_res_units: 0}}}}
train: {{epochs: {epochs}, steps_per_epoch: 2, patch_size: [16, 16, 16], runs_per_job: {runs_per_job}}}
evaluate: {{metrics: [DSC], predict: {{window_size: [32, 32, 32]}}}}
track: {{live: false}}
"""


def write_experiment(folder, epochs=2, runs_per_job=1):
    text = SMALL.format(epochs=epochs, runs_per_job=runs_per_job)
    (folder / "experiments" / "small.yaml").write_text(text)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A project whose data are prepared for two small runs."""
    folder = copy_project(tmp_path_factory.mktemp("prepared"))
    params = (folder / "params.yaml").read_text()
    (folder / "params.yaml").write_text(params.replace("experiment: phantoms", "experiment: small"))
    write_experiment(folder)
    check([*SNAKEMAKE, "maps_all"], folder)
    return folder


@pytest.fixture
def small(prepared, tmp_path, monkeypatch):
    """A function that makes such a project the working folder, and gives the experiment."""

    def load(**settings):
        shutil.copytree(prepared, tmp_path, symlinks=True, dirs_exist_ok=True)
        write_experiment(tmp_path, **settings)
        monkeypatch.chdir(tmp_path)
        return Experiment.load()

    return load


def wait_until(is_so, seconds=300):
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_the_next_call_does_what_a_killed_one_left_though_its_runs_ended_by_themselves(small, tmp_path):
    experiment = small(epochs=40)
    snakemake = subprocess.Popen(
        SNAKEMAKE, cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    wait_until(lambda: all(state(run.folder) is State.RUNNING for run in experiment.runs))
    snakemake.send_signal(signal.SIGKILL)
    snakemake.wait()
    wait_until(lambda: all(state(run.folder) is State.DONE for run in experiment.runs))
    wait_until(lambda: all(run.predictions.exists() for run in experiment.runs))
    check([*SNAKEMAKE, "--unlock"], tmp_path)
    said = check(SNAKEMAKE, tmp_path)
    assert "rule train" not in said
    assert all(run.scores.exists() for run in experiment.runs)
    assert "rrw_ce" in experiment.report.read_text()
    assert "Nothing to be done" in check([*SNAKEMAKE, "-n"], tmp_path)


@pytest.mark.parametrize("runs_per_job", [pytest.param(1, marks=pytest.mark.long), 2])
def test_a_failed_run_is_told_and_the_others_are_reported(small, tmp_path, runs_per_job):
    experiment = small(runs_per_job=runs_per_job)
    good, bad = experiment.runs
    working_folder(bad.folder).parent.mkdir(parents=True)
    working_folder(bad.folder).touch()  # a file where the run wants its folder
    answer = call(SNAKEMAKE, tmp_path)
    assert answer.returncode == 1
    block = answer.stderr[answer.stderr.index("experiment small: failed in this call, 1 in all") :]
    named, log, *_ = block.splitlines()[1:]
    assert named.startswith(f"  {bad.id}: ")
    assert "FileExistsError: " in named
    log = tmp_path / log.removeprefix("    log: ")
    assert "FileExistsError" in log.read_text().splitlines()[-1]
    assert f"Logfile {log.relative_to(tmp_path)}" in answer.stderr
    assert good.scores.exists()
    assert good.id in LocalStore(tmp_path / "mlflow.db").runs_of([f"small/{good.dataset.name}"], RUN_TAG)
    page = experiment.report.read_text()
    assert "ce_dice" in page
    assert "Not every run is done" in page
    made = experiment.report.stat().st_mtime_ns

    working_folder(bad.folder).unlink()
    check(SNAKEMAKE, tmp_path)
    assert "Not every run is done" not in experiment.report.read_text()
    assert experiment.report.stat().st_mtime_ns > made
    assert "FileExistsError" in log.with_suffix(".1.log").read_text(), "the log of the former call stays"
    assert "FileExistsError" not in log.read_text()


def test_a_killed_training_is_told_and_who_stops_the_call_gets_no_report(small, tmp_path):
    experiment = small(epochs=5000)
    killed, _ = experiment.runs
    snakemake = subprocess.Popen(
        SNAKEMAKE,
        cwd=tmp_path,
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Tests that a shell runs in the background inherit that Ctrl-C is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    wait_until(lambda: all(state(run.folder) is State.RUNNING for run in experiment.runs))
    words = ["pgrep", "-s", str(snakemake.pid), "-f", killed.id]
    children = subprocess.run(words, capture_output=True, text=True, check=True)
    for child in children.stdout.split():
        os.kill(int(child), signal.SIGKILL)
    wait_until(lambda: state(killed.folder) is State.INTERRUPTED)
    os.killpg(snakemake.pid, signal.SIGINT)
    try:
        _, said = snakemake.communicate(timeout=60)
    except subprocess.TimeoutExpired:  # Python loses an interrupt that comes while it calls a destructor
        os.killpg(snakemake.pid, signal.SIGINT)
        _, said = snakemake.communicate(timeout=60)
    assert f"  {killed.id}: ended without a word" in said
    assert not experiment.report.exists()


def test_no_more_trainings_run_at_once_than_there_are_gpus_and_no_flag_says_so(small, tmp_path):
    experiment = small(epochs=5)
    program = tmp_path / "bin" / "nvidia-smi"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho 'GPU 0: toy (UUID: GPU-toy)'\n")
    program.chmod(0o755)
    path = f"{program.parent}{os.pathsep}{ENVIRONMENT['PATH']}"
    check([*SNAKEMAKE[:3], "--cores", "8", "train_all"], tmp_path, PATH=path, CUDA_VISIBLE_DEVICES="0")
    first, second = sorted(period_seconds(run.folder) for run in experiment.runs)
    assert first[1] <= second[0], "one after the other, on the one GPU"
