"""What is known of the runs of an experiment beside their scores: which are missing, and a row for each."""

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from seglossbench import adopted
from seglossbench.experiment import Run
from seglossbench.records import duration_seconds, failure, period_seconds, state, versions_of
from seglossbench.tracking.addresses import address_of
from seglossbench.tracking.keys import experiment_name
from seglossbench.tracking.local import LocalStore
from seglossbench.tracking.marks import RUN_TAG

if TYPE_CHECKING:
    import pandas as pd


def missing(runs: Sequence[Run]) -> dict[tuple[str, str], str]:
    """Which runs of a dataset and loss have no scores, and why."""
    told: dict[tuple[str, str], list[str]] = {}
    for run in runs:
        if not run.scores.exists():
            why = failure(run.folder) or state(run.folder).value
            told.setdefault((run.dataset.name, run.loss), []).append(f"{run.network}, seed {run.seed}: {why}")
    return {key: "; ".join(found) for key, found in told.items()}


def table_of_runs(runs: Sequence[Run]) -> "pd.DataFrame":
    """What is known of every run."""
    import pandas as pd

    pages = _in_mlflow(runs)
    rows = []
    for run in runs:
        found = state(run.folder)
        versions = versions_of([run.folder]) if found.is_finished else {}
        rows.append(
            {name: str(value) for name, value in run.identity.items()}
            | {"id": run.id, "state": found.value, "reason": failure(run.folder)}
            | {"started": _day(period_seconds(run.folder)[0]) if found.is_finished else ""}
            | {"seconds": duration_seconds(run.folder) if found.is_finished else None}
            | {"adopted": _adopted(run) if found.is_finished else "", "mlflow": pages.get(run.id, "")}
            | {"device": _device(run, versions.pop("device", "")), "threads": str(run.train.threads or "")}
            | {"versions": ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))}
        )
    return pd.DataFrame(rows)


def _adopted(run: Run) -> str:
    """Which changes of code a finished run stands on that were made since and accepted, in their words."""
    ended = datetime.fromtimestamp(period_seconds(run.folder)[1]).date()
    return "; ".join(adoption.because for adoption in adopted.relied_on(run.settings.code, ended))


def _device(run: Run, device: str) -> str:
    """The device in words and, where it is a GPU that was not asked for the same digits twice, that."""
    asked = run.train.deterministic
    if asked is True or not device or device.startswith("cpu"):
        return device
    return f"{device}; other digits on every try, as train.deterministic: {str(asked).lower()} allows"


def _day(seconds: float) -> str:
    """A time as people and pandas read it, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _in_mlflow(runs: Sequence[Run]) -> dict[str, str]:
    """The pages of runs in the interface of a local store of MLflow, by their ids; none where it cannot be read."""
    found: dict[str, str] = {}
    names: dict[str, dict[str, None]] = {}
    for run in runs:
        of_store = names.setdefault(address_of(run.track), {})
        of_store[experiment_name(run.part, run.dataset.name)] = None
    for address, experiments in names.items():
        store = LocalStore.at(address)
        if store is not None:
            with suppress(sqlite3.Error):
                found |= store.pages_of(list(experiments), RUN_TAG)
    return found
