"""One function per stage, put together from the rooms below; the command line calls these and nothing else."""

from seglossbench.stages.adoption import adopt, differences
from seglossbench.stages.again import train_from
from seglossbench.stages.analysis import analyse, plan_from_scores
from seglossbench.stages.checking import check_experiment
from seglossbench.stages.evaluation import evaluate, scored_classes
from seglossbench.stages.orphans import remove, unnamed
from seglossbench.stages.preparation import cache_maps, download, download_source, preprocess, split_of
from seglossbench.stages.progress import status
from seglossbench.stages.reports import report
from seglossbench.stages.tracking import track, track_and_mark
from seglossbench.stages.training import predict, train, train_all

__all__ = [
    "adopt",
    "analyse",
    "cache_maps",
    "check_experiment",
    "differences",
    "download",
    "download_source",
    "evaluate",
    "plan_from_scores",
    "predict",
    "preprocess",
    "remove",
    "report",
    "scored_classes",
    "split_of",
    "status",
    "track",
    "track_and_mark",
    "train",
    "train_all",
    "train_from",
    "unnamed",
]
