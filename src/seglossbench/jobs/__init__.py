"""What Snakemake runs of an experiment: its jobs, the marks and logs that they leave, and which of them failed.

Snakemake removes the outputs of a job that fails or is started again, and takes those of a killed one for half written.
No run and no page may be lost so: run folders alone say which runs are finished, those have no job at all, and
trainings and reports leave marks.
"""

from seglossbench.jobs.failures import (
    Failure,
    check_may_try,
    describe_failures,
    failures,
    left_unscored,
    start_of_call,
)
from seglossbench.jobs.marks import analysis_mark, log_of, mark_report, remove_mark, report_mark
from seglossbench.jobs.products import changed, check_product
from seglossbench.jobs.trainings import (
    TrainJob,
    is_finished,
    planned,
    planned_to_score,
    train_jobs,
    write_plans,
)

__all__ = [
    "Failure",
    "TrainJob",
    "analysis_mark",
    "changed",
    "check_may_try",
    "check_product",
    "describe_failures",
    "failures",
    "is_finished",
    "left_unscored",
    "log_of",
    "mark_report",
    "planned",
    "planned_to_score",
    "remove_mark",
    "report_mark",
    "start_of_call",
    "train_jobs",
    "write_plans",
]
