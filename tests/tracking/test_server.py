"""A server of MLflow's with PostgreSQL, as a group has it, and several writers at once."""

import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
import requests
from mlflow import MlflowClient

from seglossbench import stages
from seglossbench.experiment import Experiment
from tests.commands import ENVIRONMENT
from tests.conftest import PROJECT, finish

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not any(Path("/usr/lib/postgresql").glob("*/bin/initdb")),
        reason="Debian's package postgresql is not installed",
    ),
]
SCORES = "dataset,network,loss,seed,case,class,metric,value\nd,n,l,0,a,WT,DSC,0.5\n"
CHANGES = {"experiment": "tiny", "grid": {"seeds": [0, 1]}}


@pytest.fixture
def server():
    """The address of a server that the script starts, and stops at the end with all that it started."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # pytest's own folders are root's alone, and PostgreSQL runs as a user of its own if this is root.
    folder = Path(tempfile.mkdtemp(prefix="served-"))
    folder.chmod(0o755)
    words = [PROJECT / "workflow/serve_mlflow.sh", folder, str(port)]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, env=ENVIRONMENT, start_new_session=True)
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if requests.get(f"{address}/health", timeout=5).ok:
                break
        except requests.RequestException:
            time.sleep(0.5)
    else:
        pytest.fail((folder / "log").read_text())
    yield address
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=120)
    assert not (folder / "database/data/postmaster.pid").exists(), "the database was stopped, too"
    shutil.rmtree(folder)


def _track(address):
    os.environ["MLFLOW_TRACKING_URI"] = address
    return list(stages.track(Experiment.load(overrides=CHANGES)))


def test_a_group_fills_one_server(project, server):
    experiment = Experiment.load(overrides=CHANGES)
    for run in experiment.runs:
        finish(run, SCORES)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        pool.apply(_track, [server])
    client = MlflowClient(server)
    known = client.get_experiment_by_name("tiny/brats_phantom")
    runs = client.search_runs([known.experiment_id], "tags.kind = 'run'")
    parents = client.search_runs([known.experiment_id], "tags.kind = 'all seeds'")
    assert (len(runs), len(parents)) == (4, 2)
    assert {run.data.tags["mlflow.parentRunId"] for run in runs} == {run.info.run_id for run in parents}
    assert {run.data.metrics["test/DSC"] for run in runs} == {0.5}
    artifacts = {file.path for file in client.list_artifacts(runs[0].info.run_id)}
    assert {"history.csv", "settings.json"} < artifacts
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        for said in pool.map(_track, [server] * 4):
            assert said[-2:] == [
                f"0 runs of tiny/{name} written to MLflow" for name in ("brats_phantom", "amos_phantom")
            ]
