"""What params.yaml and experiments/*.yaml may say: every key typed, every unknown key an error that names it."""

from seglossbench.params.data import DatasetParams, PhantomParams, PreprocessParams, PublishedParams
from seglossbench.params.loading import in_a_sentence, load, load_included, read, use_plugins
from seglossbench.params.section import Name, Section
from seglossbench.params.shadowed import check_dvc_changes
from seglossbench.params.text import from_snakemake, merge, parse_value
from seglossbench.params.training import (
    NO_MAPS_OF_SLICES,
    NO_VOLUME_MAPS,
    AugmentationParams,
    ChanceParams,
    CollapseParams,
    OptimiserParams,
    ScheduleParams,
    TrainParams,
)
from seglossbench.params.whole import (
    EvaluateParams,
    GridParams,
    MapsParams,
    Params,
    PredictParams,
    ReportParams,
    TrackParams,
)

__all__ = [
    "NO_MAPS_OF_SLICES",
    "NO_VOLUME_MAPS",
    "AugmentationParams",
    "ChanceParams",
    "CollapseParams",
    "DatasetParams",
    "EvaluateParams",
    "GridParams",
    "MapsParams",
    "Name",
    "OptimiserParams",
    "Params",
    "PhantomParams",
    "PredictParams",
    "PreprocessParams",
    "PublishedParams",
    "ReportParams",
    "ScheduleParams",
    "Section",
    "TrackParams",
    "TrainParams",
    "check_dvc_changes",
    "from_snakemake",
    "in_a_sentence",
    "load",
    "load_included",
    "merge",
    "parse_value",
    "read",
    "use_plugins",
]
