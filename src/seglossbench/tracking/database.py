"""Whole runs into a store of MLflow's in a database, in one transaction.

MLflow's own calls look every value up before they write it, as others may write to the same run. For a run that nobody
else knows yet that is most of the time.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from mlflow.store.tracking.dbmodels.models import (
    SqlDataset,
    SqlInput,
    SqlInputTag,
    SqlLatestMetric,
    SqlMetric,
    SqlParam,
    SqlRun,
    SqlTag,
)
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from sqlalchemy import Connection, insert, select

from seglossbench.tracking.content import DATA_TAG, Content, Point, milliseconds

CACHE_KIB = 65_536


def write_runs(store: SqlAlchemyStore, experiment_id: str, runs: Sequence[tuple[str, str, Content]]) -> None:
    """Write runs that are new, each with its new id and the address of its artifacts: all or none."""
    with store.ManagedSessionMaker(read_only=False) as session:
        connection = session.connection()
        if connection.dialect.name == "sqlite":
            # Else it puts half a transaction on the disk before the other.
            connection.exec_driver_sql(f"PRAGMA cache_size=-{CACHE_KIB}")
        for id, place, content in runs:
            _write(store, connection, id, int(experiment_id), place, content)


def _write(
    store: SqlAlchemyStore, connection: Connection, id: str, experiment_id: int, place: str, content: Content
) -> None:
    metrics = {
        tuple(row.values()): row for row in (_metric(store, id, point) for point in content.points)
    }.values()
    latest = {row["key"]: row for row in sorted(metrics, key=_age)}
    run = {
        "run_uuid": id,
        "name": content.name,
        "artifact_uri": place,
        "experiment_id": experiment_id,
        "source_type": "UNKNOWN",
        "source_name": "",
        "source_version": "",
        "entry_point_name": "",
        "user_id": "unknown",
        "status": content.status,
        "start_time": milliseconds(content.started),
        "end_time": None if content.ended is None else milliseconds(content.ended),
        "lifecycle_stage": "active",
    }
    for model, rows in (
        (SqlRun, [run]),
        (SqlTag, _named(id, {**content.tags, **content.claims})),
        (SqlParam, _named(id, content.params)),
        (SqlMetric, metrics),
        (SqlLatestMetric, latest.values()),
    ):
        if rows:
            connection.execute(insert(model.__table__), list(rows))
    for data in content.data:
        source = _dataset(connection, experiment_id, data)
        edge = {
            "input_uuid": uuid.uuid4().hex,
            "source_type": "DATASET",
            "source_id": source,
            "destination_type": "RUN",
            "destination_id": id,
        }
        tag = {"input_uuid": edge["input_uuid"], "name": DATA_TAG[0], "value": DATA_TAG[1]}
        connection.execute(insert(SqlInput.__table__), [edge])
        connection.execute(insert(SqlInputTag.__table__), [tag])


def _named(id: str, values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"run_uuid": id, "key": key, "value": value} for key, value in values.items()]


def _metric(store: SqlAlchemyStore, id: str, point: Point) -> dict[str, Any]:
    is_nan, value = store.sanitize_metric_value(point.value)
    return {
        "run_uuid": id,
        "key": point.key,
        "value": value,
        "timestamp": point.timestamp,
        "step": point.step,
        "is_nan": is_nan,
    }


def _age(row: dict[str, Any]) -> tuple[int, int, float]:
    """By which MLflow calls the last value of a metric its latest."""
    return row["step"], row["timestamp"], row["value"]


def _dataset(connection: Connection, experiment_id: int, data: Mapping[str, str]) -> str:
    """The id of a dataset of an experiment, which is made where it is not there."""
    table = SqlDataset.__table__
    key = {"experiment_id": experiment_id, "name": data["name"], "digest": data["digest"]}
    known = connection.execute(
        select(table.c.dataset_uuid).where(*(table.c[name] == value for name, value in key.items()))
    ).scalar()
    if known is not None:
        return str(known)
    id = uuid.uuid4().hex
    described = {f"dataset_{name}": data[name] for name in ("source_type", "source", "profile")}
    connection.execute(insert(table), [{**key, **described, "dataset_uuid": id}])
    return id
