"""What an experiment came to, for a comparison to the last bit: without what the machine took, which is no result."""

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path

COSTS = (
    "started",
    "second",
    "duration",
    "hours",
    "s_per_epoch",
    "memory",
    "peak_mb",
    "patches_per",
    "ratio_to_baseline",
)
"""In the names of columns and rows that tell what the machine took; the ratio is that of seconds per epoch."""


def results(folder: Path, uri: str) -> dict[str, str]:
    """The checksums of weights, histories, scores and tables of the project in ``folder``, and the values in MLflow."""
    found: dict[str, str] = {}
    for file in sorted((folder / "runs").rglob("*")):
        name = str(file.relative_to(folder))
        if file.name == "checkpoint.pt":
            found[name] = _checksum(file.read_bytes())
        elif file.name == "history.csv":
            found[name] = _checksum(_without_costs(file.read_text()))
        elif file.name == "outcome.json":
            found[name] = str(json.loads(file.read_text())["state"])
    for file in sorted((folder / "scores").rglob("*.csv")):
        found[str(file.relative_to(folder))] = _checksum(file.read_bytes())
    for file in sorted((folder / "reports").rglob("tables/**/*")):
        if file.is_dir() or file.name.startswith("gain_by_cost"):  # whose places are seconds
            continue
        content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        if file.name.removesuffix(".gz").endswith(".csv"):
            content = _without_costs(content.decode())
        found[str(file.relative_to(folder))] = _checksum(content)
    return found | _stored(uri)


def differing(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """The names of what only one has, or has otherwise."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def _without_costs(text: str) -> bytes:
    """A table without the columns and the rows of what the machine took."""
    rows = list(csv.reader(io.StringIO(text)))
    kept = [index for index, name in enumerate(rows[0]) if not any(cost in name for cost in COSTS)]
    told = [rows[0], *(row for row in rows[1:] if not any(map(_is_cost, row)))]
    return json.dumps([[row[index] for index in kept] for row in told]).encode()


def _is_cost(cell: str) -> bool:
    """Whether a cell says that its row tells of time or memory: the split of a history, an axis, a quantity."""
    return cell == "cost" or any(cell.startswith(cost) for cost in COSTS)


def _stored(uri: str) -> dict[str, str]:
    """The metrics, step by step, and the params of every run that the tracking server shows."""
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    found: dict[str, str] = {}
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    for run in client.search_runs(experiments):
        name = f"MLflow {run.info.run_name} {run.data.tags.get('seglossbench.run', '')}"
        values = {
            key: [(metric.step, metric.value) for metric in client.get_metric_history(run.info.run_id, key)]
            for key in sorted(run.data.metrics)
            if not key.startswith(("cost/", "system/"))
        }
        text = json.dumps([run.info.status, sorted(run.data.params.items()), values])
        found[name] = f"{found.get(name, '')}{_checksum(text.encode())}"  # a run that is there twice differs
    return found


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
