# The experiment that params.yaml and --config ask for. Every rule asks it for its paths; none makes up its own.
import atexit
import json
import shlex
import sys

from seglossbench.errors import InputError
from seglossbench.experiment import Experiment
from seglossbench.names import word
from seglossbench.params import from_snakemake

try:
    OVERRIDES = from_snakemake(config, sys.argv)
    EXPERIMENT = Experiment.load(overrides=OVERRIDES)
    if workflow.is_main_process:
        from seglossbench.stages import check_experiment

        check_experiment(EXPERIMENT)
except InputError as error:
    raise WorkflowError(str(error)) from None

if workflow.is_main_process:
    from seglossbench.plan import summary

    # A dry run lists its jobs first, so that what it all takes would be out of sight above them.
    if {"-n", "--dry-run", "--dryrun"} & set(sys.argv):
        atexit.register(print, summary(EXPERIMENT), file=sys.stderr)
    else:
        print(summary(EXPERIMENT), file=sys.stderr)


def literal(text):
    """Any text, such as a user's name, as a param in which Snakemake sees no wildcards."""
    return lambda wildcards: text


def shown(text):
    """Any text as it is shown by a message, which Snakemake formats."""
    return text.replace("{", "{{").replace("}", "}}")


# The command that each job runs: the same experiment, with what --config gave.
SEGLOSSBENCH = " ".join(
    [
        shlex.join([sys.executable, "-m", "seglossbench"]),
        *(f"--set {shlex.quote(f'{key}={json.dumps(value, ensure_ascii=False)}')}" for key, value in OVERRIDES.items()),
    ]
)

# A preparation takes the whole machine, or a fair part of a cluster's node, where jobs are counted instead of cores.
CORES = 8 if workflow.resource_settings.nodes else workflow.resource_settings.cores or 8


wildcard_constraints:
    run=r".+/seed-?\d+-[0-9a-f]{12}",
    evaluation=r"[0-9a-f]{12}",


localrules:
    all,
    data_all,
    maps_all,
    train_all,
    evaluate_all,
