"""MLflow's pages of an experiment, wherever its view of the runs is kept."""

import os
import sys
from collections.abc import Iterator

from seglossbench.errors import InputError
from seglossbench.experiment import Experiment
from seglossbench.tracking.addresses import address_of, without_password
from seglossbench.tracking.keys import experiment_name
from seglossbench.tracking.local import LocalStore

_SERVERS = ("http://", "https://")


def links(experiment: Experiment, here: str) -> Iterator[str]:
    """A line for each dataset with the address of its runs, on a server that is there or else on one at ``here``.

    Raises InputError where MLflow has nothing yet.
    """
    from mlflow import MlflowClient

    from seglossbench.tracking.view import link

    shown = False
    for part in experiment.parts:
        uri = address_of(part.params.track)
        store = LocalStore.at(uri)
        if store is not None and not store.file.exists():
            raise InputError(f"{store.file}: not there yet; run snakemake, or seglossbench track")
        if store is not None:
            store.create()  # where it is there, its artifacts follow it, as after a move of the project
        client = MlflowClient(tracking_uri=uri)
        server = without_password(uri, uri) if uri.startswith(_SERVERS) else here
        for dataset in part.datasets:
            name = experiment_name(part.name, dataset.name)
            if (known := client.get_experiment_by_name(name)) is not None:
                shown = True
                yield f"{name}: {link(server, known.experiment_id)}"
    if not shown:
        raise InputError(
            f"MLflow has no run of experiment {experiment.name} yet; run snakemake, or seglossbench track"
        )


def serve(experiment: Experiment, host: str, port: int) -> None:
    """Become a server of MLflow's for the store of the experiment, if that is none already.

    The store's address, which may have a password, is in no command line.
    """
    uri = address_of(experiment.params.track)
    if uri.startswith(_SERVERS):
        return
    words = [sys.executable, "-m", "mlflow", "server", "--workers", "1", "--host", host, "--port", str(port)]
    os.execve(
        sys.executable,
        words,
        {**os.environ, "MLFLOW_BACKEND_STORE_URI": uri, "MLFLOW_DISABLE_TELEMETRY": "true"},
    )
