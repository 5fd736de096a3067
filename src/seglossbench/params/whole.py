"""All of the params, and those sections that are neither about datasets nor about trainings."""

from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from seglossbench.params.data import DatasetParams, PreprocessParams
from seglossbench.params.metrics import MetricName, MetricNames
from seglossbench.params.section import AnyName, Name, PathText, Positive, Section, Size, at_home
from seglossbench.params.training import TrainParams
from seglossbench.vocabulary.conventions import EmptyPolicy, HD95Convention

Item = TypeVar("Item")


class GridParams(Section):
    """Which runs there are: every dataset x network x loss x seed."""

    datasets: Annotated[tuple[AnyName, ...], Field(min_length=1)]
    networks: Annotated[tuple[AnyName, ...], Field(min_length=1)]
    losses: Annotated[tuple[AnyName, ...], Field(min_length=1)]
    seeds: Annotated[tuple[int, ...], Field(min_length=1)]

    @field_validator("*")
    @classmethod
    def _each_once(cls, values: tuple[Item, ...]) -> tuple[Item, ...]:
        repeated = [value for value in values if values.count(value) > 1]
        if repeated:
            raise ValueError(f"{repeated[0]} stands here more than once")
        return values


class MapsParams(Section):
    """The maps that losses read: of the whole volume (cached) or of each patch, and in which units."""

    scope: Literal["volume", "patch"] = "volume"
    contour_kernel: Literal[2, 3] = 3
    distance_units: Literal["voxels", "mm"] = "voxels"
    # the distances of a class that is absent or alone: values that teach nothing wrong, or paper B's as released
    degenerate: Literal["defined", "released"] = "defined"

    @model_validator(mode="after")
    def _released_by_patch(self) -> "MapsParams":
        if self.degenerate == "released" and self.scope == "volume":
            raise ValueError(
                "degenerate: released is what patches were given as released; it needs scope: patch"
            )
        return self


class PredictParams(Section):
    """How a trained network predicts a whole volume."""

    window_size: Size | None = None  # none means: as large as a training patch
    overlap: Annotated[float, Field(ge=0, lt=1)] = 0.5
    window_batch: Positive = 4
    flips: bool = False  # the mean over all mirror images of a window, as nnU-Net does
    # over windows and mirror images; nnU-Net: probabilities
    average: Literal["logits", "probabilities"] = "logits"
    mode: Literal["gaussian", "constant"] = "gaussian"  # how a window's voxels weigh in the mean


class EvaluateParams(Section):
    """Which metrics are computed, of what, and by which conventions."""

    metrics: MetricNames = ("DSC", "HD95")
    classes: Literal["labels", "regions", "both"] = "labels"
    hd95: HD95Convention = "pooled"
    empty: EmptyPolicy = "diagonal"
    predict: PredictParams = PredictParams()


class AnalyseParams(Section):
    """What is asked of the scores; named before looking at them."""

    decides: MetricName | None = None  # none: DSC, or else the first that was scored
    baseline: AnyName | None = None  # the loss beside which costs are told; none: the grid's first
    gain_over: tuple[
        AnyName, ...
    ] = ()  # losses over which gains are told along a phantom's dial; none: the baseline
    claims: PathText | None = None  # a file of claims of one's own, beside those of the papers
    cases: PathText | None = None  # a table of cases, whose columns part them: scanner, site


class TrackParams(Section):
    """Where MLflow keeps its view of the runs, and whether runs are shown while they train."""

    uri: str | None = None  # none: MLFLOW_TRACKING_URI, or else sqlite:///mlflow.db
    live: bool = True
    system_metrics: bool = False  # cores, memory, disk and GPU while a run trains, by MLflow's own monitor

    @field_validator("uri")
    @classmethod
    def _at_home(cls, uri: str | None) -> str | None:
        if uri is None:
            return None
        if urlsplit(uri).password:  # params are kept by git and DVC, and stand in command lines
            raise ValueError(
                "has a password, which would stand in git and in command lines; give it to MLflow by the environment, "
                "as MLFLOW_TRACKING_PASSWORD or PGPASSWORD, or the whole address as MLFLOW_TRACKING_URI"
            )
        scheme, slashes, path = uri.rpartition("///")
        return scheme + slashes + at_home(path)


class NotifyParams(Section):
    """Commands of one's own, for a shell, when a workflow has ended; none changes what it made."""

    on_finish: str | None = None
    on_failure: str | None = None


class ReportParams(Section):
    """Where the report goes."""

    folder: PathText = "reports"


class Params(Section):
    """All of params.yaml with the named experiment laid over it."""

    experiment: Name
    # other experiments, over each of which this one is laid; it has no runs of its own
    include: tuple[Name, ...] = ()
    data_root: PathText | None = None
    # files of your own that register losses, networks, layouts, splits, metrics
    plugins: tuple[PathText, ...] = ()
    grid: GridParams
    datasets: dict[AnyName, DatasetParams]
    preprocess: PreprocessParams = PreprocessParams()
    maps: MapsParams = MapsParams()
    networks: dict[AnyName, dict[str, Any]]  # train, in one of them, is what it changes of the section train
    losses: dict[AnyName, dict[str, Any]]
    train: TrainParams
    evaluate: EvaluateParams = EvaluateParams()
    analyse: AnalyseParams = AnalyseParams()
    track: TrackParams = TrackParams()
    report: ReportParams = ReportParams()
    notify: NotifyParams = NotifyParams()
