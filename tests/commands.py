"""The commands that users type, in a project folder of a test's own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.conftest import PROJECT

SNAKEMAKE = [sys.executable, "-m", "snakemake", "--cores", "2"]
ENVIRONMENT = {
    **os.environ,
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "GIT_CONFIG_GLOBAL": os.devnull,
}


def copy_project(folder):
    """What an experiment needs of the project, in a folder; returns the folder."""
    for name in ("workflow", "profiles", "experiments"):
        shutil.copytree(PROJECT / name, folder / name, symlinks=True)
    for name in ("Snakefile", "params.yaml", "dvc.yaml", ".gitignore", ".dvcignore"):
        shutil.copy(PROJECT / name, folder)
    return folder


def call(words, folder, **environment):
    return subprocess.run(
        words, cwd=folder, env=ENVIRONMENT | environment, capture_output=True, text=True, check=False
    )


def check(words, folder, **environment):
    answer = call(words, folder, **environment)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout + answer.stderr
