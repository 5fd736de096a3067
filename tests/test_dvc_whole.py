"""DVC's queue and a second clone, with real trainings, over a folder and over S3."""

import json
import time

import pytest
import requests
import yaml

from tests.commands import SNAKEMAKE, check, copy_project
from tests.conftest import TINY

pytestmark = pytest.mark.long


def git(folder, *words):
    check(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], folder)


@pytest.fixture(scope="module")
def s3():
    """The address of a server of S3 on this machine, with an empty bucket ``ours``."""
    pytest.importorskip("dvc_s3", reason="pip install '.[long]'")
    server = pytest.importorskip("moto.server", reason="pip install '.[long]'").ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    requests.put(f"{address}/ours", timeout=60).raise_for_status()
    yield address
    server.stop()


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A repository of Git and DVC, whose experiment of one small run was made by ``dvc repro``."""
    folder = copy_project(tmp_path_factory.mktemp("whole"))
    small = yaml.safe_load(TINY)
    small["grid"] |= {"datasets": ["brats_phantom"], "losses": ["ce_dice"]}
    (folder / "experiments" / "one.yaml").write_text(yaml.safe_dump(small))
    params = (folder / "params.yaml").read_text()
    (folder / "params.yaml").write_text(params.replace("experiment: phantoms", "experiment: one"))
    git(folder, "init", "-q")
    check(["dvc", "init", "-q"], folder)
    check(["dvc", "repro", "-q"], folder)
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "one")
    return folder


@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_a_second_clone_makes_the_report_without_data_and_without_training(
    repository, tmp_path, request, kind
):
    clone = tmp_path / "clone"
    git(repository, "clone", "-q", ".", str(clone))
    place, keys = str(tmp_path / "remote"), {}
    if kind == "s3":
        address = request.getfixturevalue("s3")
        place, keys = "s3://ours/runs", {"AWS_ACCESS_KEY_ID": "me", "AWS_SECRET_ACCESS_KEY": "any"}
    for folder in (repository, clone):
        check(["dvc", "remote", "add", "-q", "--local", "--force", "there", place], folder)
        if kind == "s3":
            check(["dvc", "remote", "modify", "-q", "--local", "there", "endpointurl", address], folder)
    check(["dvc", "push", "-q", "-r", "there"], repository, **keys)
    check(["dvc", "pull", "-q", "-r", "there", "archive"], clone, **keys)
    check(["seglossbench", "archive", "--restore"], clone)
    said = check(SNAKEMAKE, clone)
    assert not any(
        f"rule {name}:" in said for name in ("download", "preprocess", "maps", "train", "evaluate")
    )
    assert not (clone / "data").exists()
    tables = [folder / "reports" / "one" / "analysis" / "means.csv" for folder in (repository, clone)]
    assert tables[0].read_text() == tables[1].read_text()
    assert "ce_dice" in (clone / "reports" / "one" / "index.html").read_text()


def test_a_queue_of_experiments_is_run_and_compared(repository):
    for epochs in (1, 3):
        change = f"experiments/one.yaml:train.epochs={epochs}"
        check(["dvc", "exp", "run", "--queue", "-n", f"epochs{epochs}", "-S", change], repository)
    check(["dvc", "queue", "start"], repository)
    end = time.monotonic() + 600
    while "Queued" in (said := check(["dvc", "queue", "status"], repository)) or "Running" in said:
        assert time.monotonic() < end, said
        time.sleep(2)
    assert said.count("Success") == 2, said
    shown = check(["dvc", "metrics", "diff", "--json", "epochs1", "epochs3"], repository)
    means = json.loads(shown)["archive/numbers/metrics.json"]
    assert means["brats_phantom.unet.ce_dice.DSC.mean"]["diff"] != 0
