"""The Slurm profile on a real Slurm of one node, and what becomes of runs that a cluster ends."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from seglossbench.experiment import Experiment
from seglossbench.params import merge
from seglossbench.records import read_history
from tests.commands import ENVIRONMENT, copy_project
from tests.conftest import PROJECT
from tests.slurm.cluster import cluster, missing

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing()), reason=f"not installed: {', '.join(missing())}"),
]

IMPATIENT = [sys.executable, str(PROJECT / "tests" / "slurm" / "impatient.py")]
EXPERIMENT = """
plugins: [trouble.py]
grid: {datasets: [brats_phantom], networks: [unet], losses: [over_time, cancelled, over_memory, broken], seeds: [0]}
datasets: {brats_phantom: {phantom: {training: 4, test: 2, shape: [32, 32, 32]}}}
networks: {unet: {channels: [4, 8], strides: [2], num_res_units: 0}}
losses:
  over_time: {stays: {name: over_time}}
  cancelled: {stays: {name: cancelled}}
  over_memory: {hungers: {name: over_memory}}
  broken: {breaks: {name: broken}}
train: {epochs: 4, steps_per_epoch: 2, patch_size: [16, 16, 16]}
evaluate: {metrics: [DSC], predict: {window_size: [32, 32, 32]}}
"""
# How the first job of two runs ends, in their third epoch. A limit is a minute at least, so that this one's is moved.
ENDS = {"over_time": "scontrol update EndTime=now+1 JobId={}", "cancelled": "scancel {}"}
# What a group would fill in for its cluster. This one has no accounting, a toy's GPUs, and little patience.
FILLED_IN = {
    "default-resources": {"mem_mb": "1200 * attempt", "runtime": 5, "slurm_partition": "cpu"},
    "set-resources": {
        "train": {
            "mem_mb": "1500 * attempt",
            "runtime": 10,
            "slurm_partition": "gpu",
            "gpu_model": "toy",
        },
        "evaluate": {"runtime": 0, "slurm_partition": "gpu"},
        "preprocess": {"mem_mb": 1200, "runtime": 10},
        "maps": {"mem_mb": 1200, "runtime": 10},
    },
    "slurm-status-command": "squeue",
    "slurm-init-seconds-before-status-checks": 1,
    "latency-wait": 20,
}


@pytest.fixture(scope="module")
def slurm():
    """The environment of Slurm's commands, while the cluster is up."""
    with cluster() as environment:
        path = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
        yield ENVIRONMENT | environment | {"PATH": path}


@pytest.fixture(scope="module")
def ended(slurm, tmp_path_factory):
    """A project after a call in which the cluster, or its code, ended the first job of each of the four runs.

    With the call's exit status, and what it said.
    """
    folder = copy_project(tmp_path_factory.mktemp("project"))
    (folder / "experiments" / "cluster.yaml").write_text(EXPERIMENT)
    shutil.copy(PROJECT / "tests" / "slurm" / "trouble.py", folder)
    profile = yaml.safe_load((folder / "workflow" / "profiles" / "slurm" / "config.yaml").read_text())
    (folder / "profile").mkdir()
    (folder / "profile" / "config.yaml").write_text(yaml.safe_dump(merge(profile, FILLED_IN)))
    words = [*IMPATIENT, "--workflow-profile", "profile", "--config", "experiment=cluster"]
    with (folder / "said.txt").open("w") as said:
        snakemake = subprocess.Popen(words, cwd=folder, env=slurm, stdout=said, stderr=subprocess.STDOUT)
    try:
        for name, ends in ENDS.items():
            while not (folder / f"{name}.stays").exists() and snakemake.poll() is None:
                time.sleep(0.5)
            if snakemake.poll() is None:
                job = (folder / f"{name}.jobs").read_text().splitlines()[-1]
                subprocess.run(ends.format(job).split(), env=slurm, check=True)
        snakemake.wait()
    finally:
        snakemake.kill()
    return folder, snakemake.returncode, (folder / "said.txt").read_text()


@pytest.fixture
def runs(ended, monkeypatch):
    """The four runs by their losses; the project is the working folder."""
    monkeypatch.chdir(ended[0])
    return {run.loss: run for run in Experiment.load(overrides={"experiment": "cluster"}).runs}


@pytest.fixture(scope="module")
def jobs(slurm, ended):
    """What Slurm knows of the jobs that trained each run, in the order in which they were sent, and of all others."""
    fields = ["JobID", "State", "Partition", "MinMemory", "tres-per-job", "NumCPUs", "Comment"]
    words = ["squeue", "--states=all", "--noheader", "--sort=i"]
    words.append(f"--Format={','.join(f'{field}:|' for field in fields)}")
    answer = subprocess.run(words, env=slurm, capture_output=True, text=True, check=True)
    known = [dict(zip(fields, line.split("|"), strict=False)) for line in answer.stdout.splitlines()]
    found = {"others": [job for job in known if "train" not in job["Comment"]]}
    for file in ended[0].glob("*.jobs"):
        mine = file.read_text().split()
        found[file.stem] = [job for job in known if job["JobID"] in mine and job not in found["others"]]
    return found


def column(jobs, name):
    return [job[name] for job in jobs]


def epochs_by_call(run):
    """Which epochs each job of a run's training made, by their logs."""
    logs = sorted(Path("logs/train", run.id).parent.glob(f"{Path(run.id).name}.*.log"))
    return [re.findall(r"epoch (\d) of 4", log.read_text()) for log in logs]


def test_a_run_that_fails_by_itself_is_told_with_its_reason_and_the_others_are_reported(ended, runs, jobs):
    folder, status, said = ended
    assert status == 1
    block = said[said.index("experiment cluster: failed in this call, 1 in all") :]
    assert f"  {runs['broken'].id}: ArithmeticError: broken on purpose" in block
    assert column(jobs["broken"], "State") == ["FAILED"], "its retries are no trainings"
    assert epochs_by_call(runs["broken"]) == [["1", "2"], [], []]
    others = [run for name, run in runs.items() if name != "broken"]
    assert all(run.scores.exists() for run in others)
    page = (folder / "reports" / "cluster" / "index.html").read_text()
    assert "Not every run is done" in page
    assert "over_memory" in page


def test_a_job_over_its_time_is_sent_again_and_goes_on_from_its_checkpoint(runs, jobs):
    states = column(jobs["over_time"], "State")
    assert (states[0], states[-1]) == ("TIMEOUT", "COMPLETED")
    trained = [epoch for call in epochs_by_call(runs["over_time"]) for epoch in call]
    assert trained == ["1", "2", "3", "4"], "each once, over all its jobs"
    rows = read_history(runs["over_time"].folder / "history.csv")
    assert [row.epoch for row in rows if row.name == "loss"] == [0, 1, 2, 3]


def test_a_job_over_its_memory_is_sent_again_with_more(runs, jobs):
    assert column(jobs["over_memory"], "MinMemory") == ["1500M", "3000M"]
    assert column(jobs["over_memory"], "State")[0] in ("FAILED", "OUT_OF_MEMORY")
    assert column(jobs["over_memory"], "State")[1] == "COMPLETED"
    first, again = epochs_by_call(runs["over_memory"])
    assert first == ["1", "2"]
    assert again in (["2", "3", "4"], ["3", "4"]), "by its last checkpoint, which it may have been killed in"


def test_a_cancelled_job_is_sent_again_and_goes_on(runs, jobs):
    assert column(jobs["cancelled"], "State") == ["CANCELLED", "COMPLETED"]
    assert epochs_by_call(runs["cancelled"]) == [["1", "2"], ["3", "4"]]


def test_jobs_ask_for_what_the_profile_says_and_short_ones_go_with_others(jobs):
    for name in ("over_time", "over_memory", "cancelled", "broken"):
        for job in jobs[name]:
            assert (job["Partition"], job["tres-per-job"], job["NumCPUs"]) == ("gpu", "gres:gpu:toy:1", "9")
    assert column(jobs["others"], "Comment") == ["rule_data_maps_preprocess"], (
        "in one job; the scores in the runs'"
    )
    (data,) = jobs["others"]
    assert (data["Partition"], data["MinMemory"], data["NumCPUs"]) == ("cpu", "1200M", "8")


def test_scores_that_must_be_predicted_anew_ask_for_a_gpu(ended, slurm, runs):
    run = runs["cancelled"]
    run.scores.unlink()
    shutil.rmtree(run.predictions)
    words = [
        *IMPATIENT,
        "--workflow-profile",
        "profile",
        "--config",
        "experiment=cluster",
        "--",
        run.scores,
    ]
    subprocess.run(words, cwd=ended[0], env=slurm, check=True, capture_output=True)
    newest = ["squeue", "--states=all", "--noheader", "--sort=-i", "--Format=tres-per-job"]
    answer = subprocess.run(newest, env=slurm, capture_output=True, text=True, check=True)
    assert answer.stdout.split()[0] == "gres:gpu:1"
    assert run.scores.exists()
