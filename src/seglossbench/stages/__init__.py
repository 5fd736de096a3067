"""One function per stage, put together from the rooms below; the command line calls these and nothing else."""

from seglossbench.stages.adoption import adopt, differences
from seglossbench.stages.again import train_from
from seglossbench.stages.analysis import analyse, plan_from_scores
from seglossbench.stages.browsing import links, serve
from seglossbench.stages.checking import check_experiment
from seglossbench.stages.evaluation import evaluate, scored_classes, train_and_score
from seglossbench.stages.notices import notify
from seglossbench.stages.orphans import remove, unnamed
from seglossbench.stages.preparation import cache_maps, download, download_source, preprocess, split_of
from seglossbench.stages.progress import progress_of
from seglossbench.stages.reports import report
from seglossbench.stages.screen import describe
from seglossbench.stages.tracking import track, track_and_mark
from seglossbench.stages.training import predict, train, train_all

__all__ = [
    "adopt",
    "analyse",
    "cache_maps",
    "check_experiment",
    "describe",
    "differences",
    "download",
    "download_source",
    "evaluate",
    "links",
    "notify",
    "plan_from_scores",
    "predict",
    "preprocess",
    "progress_of",
    "remove",
    "report",
    "scored_classes",
    "serve",
    "split_of",
    "track",
    "track_and_mark",
    "train",
    "train_all",
    "train_and_score",
    "train_from",
    "unnamed",
]
