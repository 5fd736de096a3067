"""MLflow's own pages of our runs, as a browser shows them: the list of runs, two losses' curves, an artifact."""

import contextlib
import html
import json
import re
import shutil
import socket
import subprocess
import sys
import time
from urllib.parse import quote

import pytest
import requests
import yaml
from mlflow import MlflowClient

from benchmarks import finished_runs
from seglossbench import stages
from seglossbench.experiment import Experiment
from tests.commands import ENVIRONMENT, copy_project
from tests.conftest import TINY

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
pytestmark = [pytest.mark.long, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")]
LOSSES = ("ce_dice", "rrw_ce")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The link that ``seglossbench ui`` prints for a dataset of two losses with two seeds, and MLflow's client."""
    folder = copy_project(tmp_path_factory.mktemp("served"))
    small = yaml.safe_load(TINY)
    small["grid"] |= {"datasets": ["brats_phantom"], "losses": [*LOSSES], "seeds": [0, 1]}
    (folder / "experiments" / "small.yaml").write_text(yaml.safe_dump(small))
    with contextlib.chdir(folder):
        experiment = Experiment.load(overrides={"experiment": "small"})
        finished_runs.finish(experiment, epochs=5)
        stages.analyse(experiment, experiment.report.parent / "analysis")
        list(stages.track(experiment))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "seglossbench", "--set", "experiment=small", "ui", "--port", str(port)]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(words, cwd=folder, stdout=log, stderr=log, env=ENVIRONMENT)
    try:
        _wait_for(f"http://127.0.0.1:{port}", server, folder / "log")
        link = re.search(r"^small/brats_phantom: (http\S+)$", (folder / "log").read_text(), re.M)[1]
        yield link, MlflowClient(f"http://127.0.0.1:{port}")
    finally:
        server.terminate()
        server.wait(timeout=60)


def _wait_for(address, server, log):
    end = time.monotonic() + 120
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(requests.RequestException):
            if requests.get(f"{address}/health", timeout=5).ok:
                return
        time.sleep(0.5)
    pytest.fail(log.read_text())


def shown(address, profile):
    """The texts of a page, from its head down, once all that it asks its server for has come."""
    words = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--window-size=1800,1200"]
    words += ["--virtual-time-budget=30000", f"--user-data-dir={profile}", "--dump-dom", address]
    answer = subprocess.run([CHROMIUM, *words], capture_output=True, text=True, timeout=300)
    page = re.sub(r"<(script|style)[^>]*>.*?</\1>", "", answer.stdout, flags=re.DOTALL)
    return [
        text for text in map(str.strip, html.unescape(re.sub(r"<[^>]+>", "\0", page)).split("\0")) if text
    ]


def test_the_list_shows_losses_networks_and_scores_best_first(served, tmp_path):
    link, client = served
    texts = shown(link, tmp_path)
    (experiment,) = client.search_experiments(filter_string="name = 'small/brats_phantom'")
    scores = {
        (run.data.params["loss"], run.data.params.get("seed", "-")): f"{run.data.metrics['test/DSC']:.6g}"
        for run in client.search_runs([experiment.experiment_id])
    }
    assert len(scores) == 2 * 3, "two seeds and their parent, of two losses"
    head = texts.index("Run Name")
    columns = [text for text in texts[head:] if text in ("loss", "network", "seed", "test/DSC", "test/HD95")]
    assert columns[:5] == ["loss", "network", "seed", "test/DSC", "test/HD95"]
    rows = [
        (texts[place - 1], texts[place + 1], texts[place + 2])
        for place, text in enumerate(texts)
        if text == "unet" and texts[place - 1] in LOSSES
    ]
    assert {(loss, seed): score for loss, seed, score in rows} == scores
    shown_scores = [float(score) for _, _, score in rows]
    assert shown_scores == sorted(shown_scores, reverse=True)


def test_curves_of_two_losses_are_laid_over_each_other(served, tmp_path):
    link, client = served
    runs = first_seeds(client)
    known = {
        "runs": [run.info.run_id for run in runs],
        "metric": "train/loss",
        "experiments": [runs[0].info.experiment_id],
    }
    known["plot_metric_keys"] = ["train/loss"]
    asked = "&".join(f"{key}={quote(json.dumps(value))}" for key, value in known.items())
    texts = shown(f"{link.partition('#')[0]}#/metric?{asked}", tmp_path)
    for run in runs:
        assert f"{run.info.run_name} (train/loss)" in texts, "in the legend"
        last = client.get_metric_history(run.info.run_id, "train/loss")[-1]
        assert f"{last.value} (step={last.step})" in texts


def test_an_artifact_opens(served, tmp_path):
    link, client = served
    run = first_seeds(client)[0]
    page = f"#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}/artifacts/history.csv"
    texts = shown(link.partition("#")[0] + page, tmp_path)
    first = texts.index("epoch")
    assert texts[first : first + 10] == [
        *("epoch", "step", "split", "name", "value"),
        *("0", "0", "train", "loss", str(client.get_metric_history(run.info.run_id, "train/loss")[0].value)),
    ]


def first_seeds(client):
    """The runs of the first seed of both losses."""
    (experiment,) = client.search_experiments(filter_string="name = 'small/brats_phantom'")
    runs = client.search_runs([experiment.experiment_id], "tags.kind = 'run' and params.seed = '0'")
    assert {run.data.params["loss"] for run in runs} == set(LOSSES)
    return runs
