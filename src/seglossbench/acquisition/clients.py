"""Git, Kaggle and Synapse by their own clients, which are asked for only when a route needs them.

A token comes from the environment and goes to the client; it is never printed, logged or part of an error.
"""

import importlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from seglossbench.acquisition.space import full_disk_is_an_error
from seglossbench.errors import InputError, JobError
from seglossbench.files import atomic_folder

SECRETS = ("KAGGLE_API_TOKEN", "KAGGLE_KEY", "SYNAPSE_AUTH_TOKEN")
KAGGLE_STEPS = (
    "make a token at https://www.kaggle.com/settings (API, Create New Token), then "
    "export KAGGLE_API_TOKEN=TOKEN"
)
SYNAPSE_STEPS = (
    "register at https://www.synapse.org, accept the dataset's terms on its page, make a token under Account "
    "Settings, Personal Access Tokens (permissions view and download), then export SYNAPSE_AUTH_TOKEN=TOKEN"
)


def git(url: str, revision: str, folder: Path) -> str:
    """Get the files of a repository at ``revision`` into ``folder``, without its history; return the commit."""
    if shutil.which("git") is None:
        raise InputError("git: no such program; install git, or take another route")
    if not folder.exists():
        with atomic_folder(folder) as temporary:
            _git(temporary, "init", "--quiet")
            _git(temporary, "fetch", "--progress", "--depth", "1", "--", url, revision)
            _git(temporary, "checkout", "--quiet", "FETCH_HEAD")
    return _git(folder, "rev-parse", "HEAD")


def _git(folder: Path, *words: str) -> str:
    """Run git with its progress shown, no hooks, no links in the files, and no question to anybody."""
    command = [
        "git",
        "-C",
        str(folder),
        "-c",
        "core.symlinks=false",
        "-c",
        "core.hooksPath=/dev/null",
        *words,
    ]
    answer = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
        check=False,
    )
    if answer.returncode:
        raise JobError(
            f"git {words[0]} ended with status {answer.returncode}, for the reason that stands above"
        )
    return answer.stdout.strip()


def kaggle(handle: str, cache: Path) -> Path:
    """Get a dataset of Kaggle; its client keeps it under ``cache`` or $KAGGLEHUB_CACHE, and can go on."""
    kagglehub = _client("kagglehub", "kaggle")
    if not (os.environ.get("KAGGLE_API_TOKEN") or _has_older_kaggle_credentials()):
        raise InputError(f"kaggle: no KAGGLE_API_TOKEN in the environment; {KAGGLE_STEPS}")
    os.environ.setdefault("KAGGLEHUB_CACHE", str(cache.absolute()))
    with _failures_without_secrets(f"kaggle dataset {handle}", cache):
        return Path(kagglehub.dataset_download(handle))


def _has_older_kaggle_credentials() -> bool:
    if os.environ.get("KAGGLE_USERNAME") and os.environ.get("KAGGLE_KEY"):
        return True
    folder = Path(os.environ.get("KAGGLE_CONFIG_DIR") or Path.home() / ".kaggle")
    return any((folder / name).is_file() for name in ("access_token", "kaggle.json"))


def synapse(id: str, folder: Path) -> Path:
    """Get a folder or project of Synapse into ``folder``; files that are there and unchanged are not fetched again."""
    synapseclient = _client("synapseclient", "synapse")
    models = _client("synapseclient.models", "synapse")
    token = os.environ.get("SYNAPSE_AUTH_TOKEN")
    if not token:
        raise InputError(f"synapse: no SYNAPSE_AUTH_TOKEN in the environment; {SYNAPSE_STEPS}")
    with _failures_without_secrets(f"synapse {id}", folder):
        session = synapseclient.Synapse()
        session.login(authToken=token, silent=True)
        models.Folder(id=id).sync_from_synapse(
            path=str(folder),
            failure_strategy=models.FailureStrategy.RAISE_EXCEPTION,  # or a file that failed would only be logged
            synapse_client=session,
        )
    return folder


def _client(module: str, extra: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise InputError(
            f"{extra}: its client is not installed; run pip install 'seglossbench[{extra}]'"
        ) from None


@contextmanager
def _failures_without_secrets(what: str, folder: Path) -> Iterator[None]:
    """Turn any failure of a client into a JobError of one line, in which no token stands."""
    try:
        with full_disk_is_an_error(
            folder, "free some space and run it again: what was fetched so far is kept"
        ):
            yield
    except JobError:
        raise
    except Exception as error:
        text = f"{type(error).__name__}: {' '.join(str(error).split())}"
        for secret in filter(None, map(os.environ.get, SECRETS)):
            text = text.replace(secret, "***")
        raise JobError(f"{what}: {text}") from None
