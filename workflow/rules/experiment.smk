# The experiment that params.yaml and --config ask for. Every rule asks it for its paths; none makes up its own.
import atexit
import json
import os
import shlex
import sys
from pathlib import Path

from seglossbench import jobs
from seglossbench.errors import InputError, JobError
from seglossbench.experiment import Experiment
from seglossbench.params import check_dvc_changes, from_snakemake
from seglossbench.resources import Place

try:
    OVERRIDES = from_snakemake(config, sys.argv)
    if workflow.is_main_process:
        check_dvc_changes(Path("params.yaml"), OVERRIDES)
    # A job of a cluster reads the workflow again and finds its runs in their plans: it need not know all others.
    EXPERIMENT = Experiment.load(overrides=OVERRIDES, eager=workflow.is_main_process)
    if workflow.is_main_process:
        from seglossbench.stages import check_experiment

        check_experiment(EXPERIMENT)
except InputError as error:
    raise WorkflowError(str(error)) from None

IS_DRY = bool({"-n", "--dry-run", "--dryrun"} & set(sys.argv))
if workflow.is_main_process:
    from seglossbench.plan import summary

    # A dry run lists its jobs first, so that what it all takes would be out of sight above them.
    if IS_DRY:
        atexit.register(print, summary(EXPERIMENT), file=sys.stderr)
    else:
        print(summary(EXPERIMENT), file=sys.stderr)

# What makes each file of the experiment, by the wildcard in its path. Two datasets of one source share its raw folder.
DOWNLOADS = {dataset.raw.name: dataset for dataset in reversed(EXPERIMENT.datasets) if not dataset.is_local_folder}
PREPARED = {dataset.prepared.name: dataset for dataset in EXPERIMENT.datasets}
MAPS = {dataset.maps.name: dataset for dataset in EXPERIMENT.datasets}
SCORED, TRAIN_JOBS = {}, {}
if workflow.is_main_process:
    SCORED = {run.scores: run for run in EXPERIMENT.runs}
    TRAIN_JOBS = {job.id: job for job in jobs.train_jobs(EXPERIMENT)}
JOB_OF = {run.id: job for job in TRAIN_JOBS.values() for run in job.runs}


def is_asked_for(rule):
    """Whether this process may start a job of the rule; a job of a cluster is told its own as RULE:WILDCARDS."""
    return workflow.is_main_process or any(word.startswith(f"{rule}:") for word in sys.argv)


def find(table, name, elsewhere):
    """The entry of a table, or what ``elsewhere`` has, of a job that is read again or was planned by former params."""
    try:
        if name not in table:
            table[name] = elsewhere(name)
        return table[name]
    except (InputError, JobError) as error:
        raise WorkflowError(str(error)) from None


def not_made(folder):
    """Of data there are no plans, and a job for others than the present ones can only be told."""

    def tell(name):
        raise jobs.changed(Path(folder) / name)

    return tell


# The command that each job runs: the same experiment, with what --config gave.
OPTIONS = [
    f"--set {shlex.quote(f'{key}={json.dumps(value, ensure_ascii=False)}')}" for key, value in OVERRIDES.items()
]
SEGLOSSBENCH = " ".join([shlex.join([sys.executable, "-m", "seglossbench"]), *OPTIONS])
# A log is read by people, and shown whole where its job fails: a progress bar is drawn now and then.
os.environ.setdefault("TQDM_MININTERVAL", "30")

# A preparation takes the whole machine, or a fair part of a cluster's node, where jobs are counted instead of cores.
CORES = 8 if workflow.resource_settings.nodes else workflow.resource_settings.cores or 8


# On this machine no more trainings run at once than its GPUs have room for, unless --resources gpu=N says otherwise.
# A job within a cluster's has what its cluster gave it.
PLACE = Place(is_cluster=True)
if workflow.is_main_process and not workflow.resource_settings.nodes:
    PLACE = Place.here(EXPERIMENT.runs)
    if PLACE.limit and "gpu" not in workflow.resource_settings.resources:
        workflow.register_resource("gpu", PLACE.limit)


wildcard_constraints:
    raw=r"[^/]+",
    prepared=r"[^/]+-[0-9a-f]{12}",
    maps=r"[^/]+-[0-9a-f]{12}",
    job=r".+/seed-?\d+-[0-9a-f]{12}(\+\d+-[0-9a-f]{12})?",
    run=r".+/seed-?\d+-[0-9a-f]{12}",
    evaluation=r"[0-9a-f]{12}",


# Nodes of a cluster often see no network, and MLflow's file is best written by one machine.
localrules:
    all,
    download,
    track,
    data_all,
    maps_all,
    train_all,
    evaluate_all,
