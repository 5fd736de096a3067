import errno
import inspect
import os
import sys
from types import ModuleType, SimpleNamespace
from unittest.mock import create_autospec

import pytest

from seglossbench.acquisition import clients
from seglossbench.acquisition.space import NoSpaceError
from seglossbench.errors import InputError, JobError

TOKEN = "KGAT_0123456789"


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch, tmp_path):
    for name in (*clients.SECRETS, "KAGGLE_USERNAME", "KAGGLEHUB_CACHE"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path / "config"))


@pytest.fixture
def kagglehub(monkeypatch, tmp_path):
    """Kaggle's client, which does what ``download`` says."""
    module = ModuleType("kagglehub")
    module.handles = []
    module.download = lambda: str(tmp_path / "files")

    def dataset_download(handle):
        module.handles.append(handle)
        return module.download()

    module.dataset_download = dataset_download
    monkeypatch.setitem(sys.modules, "kagglehub", module)
    return module


@pytest.fixture
def synapse(monkeypatch):
    """Synapse's client, which writes down what it is asked for."""
    calls = SimpleNamespace(login=None, sync=None, error=None)

    class Synapse:
        def login(self, authToken, silent):
            calls.login = (authToken, silent)
            if calls.error:
                raise calls.error

    class Folder:
        def __init__(self, id):
            self.id = id

        def sync_from_synapse(self, path, failure_strategy, synapse_client):
            assert isinstance(synapse_client, Synapse)
            calls.sync = (self.id, path, failure_strategy)

    package, models = ModuleType("synapseclient"), ModuleType("synapseclient.models")
    package.Synapse, models.Folder = Synapse, Folder
    models.FailureStrategy = SimpleNamespace(RAISE_EXCEPTION="raise")
    monkeypatch.setitem(sys.modules, "synapseclient", package)
    monkeypatch.setitem(sys.modules, "synapseclient.models", models)
    return calls


def test_kaggle_keeps_its_files_with_the_other_archives(kagglehub, monkeypatch, tmp_path):
    monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
    assert clients.kaggle("owner/set", tmp_path / "cache") == tmp_path / "files"
    assert kagglehub.handles == ["owner/set"]
    assert os.environ["KAGGLEHUB_CACHE"] == str(tmp_path / "cache")


@pytest.mark.parametrize("way", ["key", "file"])
def test_kaggles_older_credentials_do_as_well(kagglehub, monkeypatch, tmp_path, way):
    if way == "key":
        monkeypatch.setenv("KAGGLE_USERNAME", "me")
        monkeypatch.setenv("KAGGLE_KEY", "key")
    else:
        (tmp_path / "config").mkdir()
        (tmp_path / "config" / "kaggle.json").write_text("{}")
    clients.kaggle("owner/set", tmp_path)
    assert kagglehub.handles == ["owner/set"]


def test_a_missing_token_says_how_to_get_one(kagglehub, synapse, tmp_path):
    with pytest.raises(
        InputError, match=r"no KAGGLE_API_TOKEN.*kaggle\.com/settings.*export KAGGLE_API_TOKEN="
    ):
        clients.kaggle("owner/set", tmp_path)
    with pytest.raises(InputError, match=r"no SYNAPSE_AUTH_TOKEN.*synapse\.org.*export SYNAPSE_AUTH_TOKEN="):
        clients.synapse("syn1", tmp_path)
    assert kagglehub.handles == []
    assert synapse.login is None


@pytest.mark.parametrize(("module", "extra"), [("kagglehub", "kaggle"), ("synapseclient", "synapse")])
def test_a_missing_client_says_how_to_install_it(monkeypatch, tmp_path, module, extra):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(
        InputError, match=rf"{extra}: its client is not installed; run pip install .*\[{extra}\]"
    ):
        getattr(clients, extra)("x", tmp_path)


def test_synapse_syncs_a_folder(synapse, monkeypatch, tmp_path):
    monkeypatch.setenv("SYNAPSE_AUTH_TOKEN", TOKEN)
    assert clients.synapse("syn1", tmp_path / "files") == tmp_path / "files"
    assert synapse.login == (TOKEN, True)
    assert synapse.sync == ("syn1", str(tmp_path / "files"), "raise")


def test_tokens_stand_in_no_error(kagglehub, synapse, monkeypatch, tmp_path, capfd):
    monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
    monkeypatch.setenv("SYNAPSE_AUTH_TOKEN", TOKEN)

    def fail():
        raise ValueError(f"401 for\nBearer {TOKEN}")

    kagglehub.download = fail
    synapse.error = ConnectionError(f"token {TOKEN} expired")
    for call in (lambda: clients.kaggle("owner/set", tmp_path), lambda: clients.synapse("syn1", tmp_path)):
        with pytest.raises(JobError, match=r"\*\*\*") as error:
            call()
        assert TOKEN not in str(error.value)
        assert "\n" not in str(error.value)
        assert error.value.__suppress_context__, (
            "a traceback of --debug does not show the client's own error either"
        )
    assert TOKEN not in "".join(capfd.readouterr())


def test_a_full_disk_within_a_client_is_said(kagglehub, monkeypatch, tmp_path):
    monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)

    def fail():
        raise OSError(errno.ENOSPC, "No space left on device")

    kagglehub.download = fail
    with pytest.raises(NoSpaceError, match="the disk is full"):
        clients.kaggle("owner/set", tmp_path)


def test_kaggles_real_client_takes_what_is_asked_of_it(monkeypatch, tmp_path):
    """Its download, which needs the network, is replaced by one of the same signature; its settings are its own."""
    kagglehub = pytest.importorskip("kagglehub", reason="the optional extra kaggle is not installed")
    config = pytest.importorskip("kagglehub.config")
    monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
    download = create_autospec(kagglehub.dataset_download, return_value=str(tmp_path / "files"))
    monkeypatch.setattr(kagglehub, "dataset_download", download)
    assert clients.kaggle("owner/set", tmp_path / "cache") == tmp_path / "files"
    asked = inspect.signature(download).bind(*download.call_args.args, **download.call_args.kwargs)
    assert asked.arguments == {"handle": "owner/set"}
    assert config.get_cache_folder() == str(tmp_path / "cache")


def test_synapses_real_client_takes_what_is_asked_of_it():
    synapseclient = pytest.importorskip("synapseclient", reason="the optional extra synapse is not installed")
    from synapseclient import models

    typed = pytest.importorskip("synapseclient.models.protocols.storable_container_protocol")
    assert models.FailureStrategy.RAISE_EXCEPTION
    inspect.signature(synapseclient.Synapse.login).bind(None, authToken=TOKEN, silent=True)
    inspect.signature(models.Folder).bind(id="syn1")
    sync = typed.StorableContainerSynchronousProtocol.sync_from_synapse
    inspect.signature(sync).bind(None, path="x", failure_strategy=None, synapse_client=None)
