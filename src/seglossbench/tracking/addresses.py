"""Where MLflow keeps its view: the address that params or MLflow's own environment name, and the password in it."""

import os
from urllib.parse import unquote, urlsplit

from seglossbench.params import TrackParams

USUAL = "sqlite:///mlflow.db"


def address_of(track: TrackParams) -> str:
    """The tracking URI of the params, else of ``MLFLOW_TRACKING_URI``, else of a file in the project."""
    return track.uri or os.environ.get("MLFLOW_TRACKING_URI") or USUAL


def without_password(text: str, uri: str) -> str:
    """``text`` with stars in place of the password of ``uri``, as it stands there or decoded.

    No log, mark or console may show it.
    """
    password = urlsplit(uri).password
    for secret in {password, unquote(password)} if password else ():
        text = text.replace(secret, "***")
    return text
