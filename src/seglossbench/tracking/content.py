"""What MLflow is told of a run: its names, params, tags and data, from its settings and its folder."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from seglossbench.experiment import Run
from seglossbench.files import digest
from seglossbench.names import word
from seglossbench.records import DATA, HistoryRow, State, commit_of, working_folder
from seglossbench.tracking.keys import metric_key, param_key
from seglossbench.tracking.marks import RUN_TAG

GROUP_TAG = "seglossbench.group"
"""The runs of one network and loss that differ in their seed alone, below one parent."""
KIND_TAG, RUN, SEEDS, REPORT = "kind", "run", "all seeds", "report"
"""What a run of MLflow's is of: a run of ours, all seeds of a network and loss, or the report."""
DATA_TAG = ("mlflow.data.context", "training")
EVALUATION_TAG = "seglossbench.evaluation"
NAME, PARENT, USER = "mlflow.runName", "mlflow.parentRunId", "mlflow.user"
SOURCE, SOURCE_TYPE, COMMIT = "mlflow.source.name", "mlflow.source.type", "mlflow.source.git.commit"
OURS = frozenset(
    (KIND_TAG, "dataset", "network", "loss", "seed", "experiment", "commit", "state", "digest", "seeds")
)
MLFLOW_STATUS = {
    State.NOT_LAUNCHED: "SCHEDULED",
    State.RUNNING: "RUNNING",
    State.INTERRUPTED: "KILLED",
    State.FAILED: "FAILED",
    State.DIVERGED: "FINISHED",
    State.DONE: "FINISHED",
}


class Point(NamedTuple):
    """One value of a metric, in the order of MLflow's own: time in milliseconds since 1970, step an epoch."""

    key: str
    value: float
    timestamp: int
    step: int


@dataclass
class Content:
    """One run of MLflow's; ``started`` and ``ended`` in seconds since 1970, ``files`` are its artifacts by name.

    ``claims`` are tags that say what else is there, so that they are written last.
    """

    tags: dict[str, str]
    claims: dict[str, str] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    points: list[Point] = field(default_factory=list)
    data: list[dict[str, str]] = field(default_factory=list)
    files: Mapping[str, Path] = field(default_factory=dict)
    status: str = "RUNNING"
    started: float = 0.0
    ended: float | None = None

    @property
    def name(self) -> str:
        """What the list of runs calls it."""
        return self.tags[NAME]


def group_of(run: Run) -> str:
    """The id of all runs that differ from this one in their seed alone."""
    names = "/".join(map(word, (run.dataset.name, run.network, run.loss)))
    settings = {key: value for key, value in run.settings.decisive.items() if key != "seed"}
    return f"{names}-{digest(settings)}"


def content_of(run: Run, state: State) -> Content:
    """A run by its settings alone, without history, scores and times."""
    folder = run.folder if state.is_finished else working_folder(run.folder)
    short = run.settings.id[:6]
    commit = commit_of(folder)
    tags = {
        NAME: f"{run.loss} · {run.network} · seed {run.seed} · {short}"[:250],
        KIND_TAG: RUN,
        RUN_TAG: run.id,
        GROUP_TAG: group_of(run),
        EVALUATION_TAG: run.scores.stem,
        **{key: str(value) for key, value in run.identity.items()},
        **_origin(folder),
        "experiment": run.part,
        "commit": commit,
        "state": state.value,
        "digest": run.settings.id,
        COMMIT: commit,
    }
    return Content(tags, params=_params(run), data=_data(run, folder))


def content_of_group(run: Run) -> Content:
    """The parent of all runs of a network and loss, of which ``run`` is one, by what they share."""
    identity = {key: str(value) for key, value in run.identity.items() if key != "seed"}
    id = group_of(run)
    tags = {
        NAME: f"{run.loss} · {run.network} · all seeds · {id.rpartition('-')[2][:6]}"[:250],
        KIND_TAG: SEEDS,
        GROUP_TAG: id,
        **identity,
        **_origin(run.folder),
        "experiment": run.part,
    }
    return Content(tags, params={key: value for key, value in _params(run).items() if key != "seed"})


def points_of(run: Run, rows: Iterable[tuple[HistoryRow, float]]) -> list[Point]:
    """History rows, each with its time (seconds since 1970), as metrics over epochs."""
    hd95, empty = run.settings.hd95, run.settings.empty  # of validation, which scores labels
    return [
        Point(metric_key(row.split, row.name, hd95, empty), row.value, milliseconds(at), row.epoch)
        for row, at in rows
    ]


def milliseconds(seconds: float) -> int:
    """As MLflow has times."""
    return int(seconds * 1000)


def flatten(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings as one level of dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _params(run: Run) -> dict[str, str]:
    """Its settings and those of its evaluation; the code that trains it counts in its digest."""
    settings = flatten({**run.settings.by_value(), "evaluate": run.evaluate.model_dump(mode="json")})
    return {param_key(key): str(value)[:6000] for key, value in settings.items()}


def _origin(folder: Path) -> dict[str, str]:
    """Who trained, as the owner of the folder, and by which program."""
    try:
        user = folder.owner()
    except (OSError, KeyError):
        user = ""
    return {SOURCE: "seglossbench train", SOURCE_TYPE: "PROJECT"} | ({USER: user} if user else {})


def _data(run: Run, folder: Path) -> list[dict[str, str]]:
    """The dataset as MLflow's inputs have it: a name, a digest of its content, whence it is, how many cases."""
    params = run.dataset.params
    kind = "phantom" if params.phantom else params.source or "folder"
    try:
        parts = json.loads((folder / DATA).read_text(encoding="utf-8"))
        cases = {part: len(names) for part, names in parts.items()}
    except (OSError, ValueError):
        cases = {}
    return [
        {
            "name": run.dataset.name[:500],
            "digest": digest(run.dataset.data["version"])[:36],
            "source_type": kind,
            "source": json.dumps({"source": kind, "prepared": run.dataset.prepared.as_posix()}),
            "profile": json.dumps({"cases": cases}),
        }
    ]
