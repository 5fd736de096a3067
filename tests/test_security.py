"""What docs/security.md promises and no other test shows, and that each test which it names is there."""

import ast
import os
import re
import subprocess
import sys

import pytest

from seglossbench import params, stages
from seglossbench.cli.application import cli
from seglossbench.errors import InputError
from seglossbench.experiment import Experiment
from tests.conftest import PROJECT

PROMISES = (PROJECT / "docs" / "security.md").read_text()
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PROMISES)
SOURCES = sorted((PROJECT / "src").rglob("*.py"))


def test_every_row_of_the_promises_names_its_tests():
    rows = [line for line in PROMISES.splitlines() if line.startswith("|")][2:]
    assert len(rows) > 5
    assert all("`tests/" in row for row in rows)
    assert len(NAMED) == PROMISES.count("::")


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_every_test_that_is_named_is_there(file, name):
    functions = {
        node.name
        for node in ast.walk(ast.parse((PROJECT / file).read_text()))
        if isinstance(node, ast.FunctionDef)
    }
    assert name in functions


def test_every_locked_package_has_a_checksum_and_the_version_of_the_constraints():
    def normal(name):
        return re.sub(r"[-_.]+", "-", name).lower()

    constraints = dict(line.split("==") for line in (PROJECT / "constraints.txt").read_text().splitlines())
    constraints = {normal(name): version for name, version in constraints.items()}
    lines = [
        line for line in (PROJECT / "requirements.lock").read_text().splitlines() if not line.startswith("#")
    ]
    locked = {}
    for line in lines:
        name, version = re.fullmatch(r"([\w.-]+)==(\S+) --hash=sha256:[0-9a-f]{64}", line).groups()
        locked[normal(name)] = version.partition("+")[0]  # torch's build
    assert locked.items() <= constraints.items()
    declared = re.findall(r'^    "([\w-]+)', (PROJECT / "pyproject.toml").read_text(), re.M)
    assert {"torch", "snakemake", "mlflow"} <= {normal(name) for name in declared} & locked.keys()


STAND_IN = """
import json, sys
if {kind!r} == "away":
    sys.exit("ERROR: cannot connect")
found = [{{"id": "PYSEC-1", "fix_versions": ["2.0"]}}] if {kind!r} == "findings" else []
print(json.dumps({{"dependencies": [{{"name": "numpy", "version": "1.0", "vulns": found}}]}}))
"""


@pytest.mark.parametrize(
    ("kind", "status", "said"),
    [
        ("findings", 1, "numpy 1.0: PYSEC-1, mended in 2.0"),
        ("none", 0, "1 packages, 0 known vulnerabilities"),
        ("away", 0, "nothing was checked, as pip-audit's database gave no answer: ERROR: cannot connect"),
    ],
)
def test_the_audit_fails_on_findings_alone(tmp_path, kind, status, said):
    (tmp_path / "pip_audit.py").write_text(STAND_IN.format(kind=kind))
    words = [sys.executable, str(PROJECT / ".ci" / "audit.py")]
    answer = subprocess.run(words, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True)
    assert answer.returncode == status
    assert said in answer.stdout


@pytest.mark.parametrize(
    "text", ["a: !!python/object/apply:os.mkdir [made]", "a: !!python/name:os.system", "!!python/module:os"]
)
def test_params_make_no_objects(project, text):
    (project / "experiments" / "tiny.yaml").write_text(text)
    with pytest.raises(InputError, match=r"tiny\.yaml.*python/") as caught:
        params.load(project / "params.yaml", {"experiment": "tiny"})
    assert "\n" not in str(caught.value)
    assert not (project / "made").exists()


@pytest.mark.parametrize(
    "name", ["os.system", "__import__", "../../etc/passwd", "seglossbench.code:closure", "=1+1"]
)
@pytest.mark.parametrize("key", ["losses", "networks", "metrics"])
def test_a_name_reaches_nothing_but_the_registries(project, name, key):
    changes = {
        "losses": {"losses": {"ce_dice": {name: 1.0}}},
        "networks": {"networks": {"unet": {"architecture": name}}},
        "metrics": {"evaluate": {"metrics": [name]}},
    }
    with pytest.raises(InputError, match="unknown"):
        params.load(project / "params.yaml", {"experiment": "tiny", **changes[key]})


FORBIDDEN = {
    "eval",
    "exec",
    "os.system",
    "os.popen",
    "pickle.load",
    "pickle.loads",
    "yaml.unsafe_load",
    "joblib.load",
}


def calls(file):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call):
            yield (
                ast.unparse(node.func),
                {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords},
            )


def test_no_code_of_ours_reads_what_could_execute():
    loads = 0
    for file in SOURCES:
        for called, keywords in calls(file):
            # The annotations of plug-ins, which are code, are evaluated.
            assert called not in FORBIDDEN or (file.name, called) == ("signatures.py", "eval"), file
            # The commands of notify, which are the user's own.
            assert keywords.get("shell") != "True" or file.name == "notices.py", file
            assert keywords.get("allow_pickle") != "True", file
            if called == "torch.load":
                loads += 1
                assert keywords.get("weights_only") == "True", file
            if called == "yaml.load":
                assert keywords.get("Loader", "yaml.BaseLoader") in ("_Loader", "yaml.BaseLoader"), file
    assert loads >= 2


@pytest.fixture
def served(monkeypatch):
    """The command line and the environment of the server that ``ui`` becomes."""
    told = {}
    monkeypatch.setattr(
        os, "execve", lambda program, words, environment: told.update(words=words, environment=environment)
    )
    return told


def test_the_ui_listens_to_this_machine_alone(project, served):
    (host,) = [option.default for option in cli.commands["ui"].params if option.name == "host"]
    assert host == "127.0.0.1"
    assert "--host" not in (PROJECT / "Makefile").read_text()
    stages.serve(Experiment.load(overrides={"experiment": "tiny"}), host, 5000)
    assert served["words"][served["words"].index("--host") + 1] == host


def test_the_password_of_a_store_is_in_no_command_line(project, served, monkeypatch):
    address = "postgresql://me:s3cret@127.0.0.1:9/mlflow"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    stages.serve(Experiment.load(overrides={"experiment": "tiny"}), "127.0.0.1", 5000)
    assert not any("s3cret" in word for word in served["words"])
    assert served["environment"]["MLFLOW_BACKEND_STORE_URI"] == address
    script = (PROJECT / "workflow" / "serve_mlflow.sh").read_text()
    assert "--backend-store-uri" not in script
