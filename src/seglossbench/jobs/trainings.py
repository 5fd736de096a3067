"""Which runs a process trains, and the plans from which it learns what they are, whatever is edited while it waits."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from seglossbench.errors import InputError
from seglossbench.experiment import Experiment, Run, plans
from seglossbench.files import digest, write_json
from seglossbench.jobs.marks import LOGS
from seglossbench.jobs.products import changed
from seglossbench.records import state


@dataclass(frozen=True)
class TrainJob:
    """Runs of one part, dataset and network that one process trains, one after the other."""

    runs: tuple[Run, ...]

    @cached_property
    def id(self) -> str:
        """The first run's id; where there are more, with their number and a digest of all."""
        first, *others = (run.id for run in self.runs)
        return f"{first}+{len(others)}-{digest([first, *others])}" if others else first

    @property
    def mark(self) -> Path:
        """The file that the job leaves when its runs are trained and scored."""
        return LOGS / "trained" / self.id


def train_jobs(experiment: Experiment) -> list[TrainJob]:
    """The runs, ``train.runs_per_job`` of the same part, dataset and network to a job."""
    groups: dict[tuple[str, str, str], list[Run]] = {}
    for run in experiment.runs:
        groups.setdefault((run.part, run.dataset.name, run.network), []).append(run)
    jobs = []
    for group in groups.values():
        size = group[0].train.runs_per_job
        jobs += [TrainJob(tuple(group[start : start + size])) for start in range(0, len(group), size)]
    return jobs


def is_finished(run: Run) -> bool:
    """Whether a run came to its end, be it a good one or not, whoever trained it."""
    return state(run.folder).is_finished


def write_plans(job: TrainJob) -> None:
    """Write what the job's runs are, from which it learns it, whatever is edited while it waits."""
    for run in job.runs:
        plans.write(run)
    if len(job.runs) > 1:
        write_json(plans.place_of(job.id), [run.id for run in job.runs])


def planned(id: str) -> TrainJob:
    """The job of that id as it was planned; raises JobError for edited code, InputError for what was not planned."""
    try:
        ids = (
            json.loads(plans.place_of(id).read_text(encoding="utf-8"))
            if "+" in id.rpartition("/")[2]
            else [id]
        )
    except OSError:
        raise InputError(f"{id}: no such job was planned; start snakemake again") from None
    return TrainJob(tuple(plans.read(plans.place_of(one)) for one in ids))


def planned_to_score(id: str, scores: Path) -> Run:
    """The run of that id as it was planned; raises InputError if its scores would not be ``scores``."""
    run = plans.read(plans.place_of(id))
    if run.scores != scores:
        raise changed(scores)
    return run
