"""A notice by a command of one's own when a workflow has ended: a mail, a message, whatever a shell can send."""

import os
import subprocess
import sys
from collections.abc import Sequence

from seglossbench.experiment import Experiment
from seglossbench.jobs import Failure, describe_failures, is_finished

PATIENCE_SECONDS = 60


def notify(experiment: Experiment, failed: Sequence[Failure] | None = None) -> None:
    """Run ``notify.on_finish`` of the params, or ``notify.on_failure`` where there are failures, in a shell.

    It is told by SEGLOSSBENCH_... variables what has ended and how. One that fails is told, and nothing else.
    """
    key = "on_finish" if failed is None else "on_failure"
    command = getattr(experiment.params.notify, key)
    if command is None:
        return
    finished = sum(map(is_finished, experiment.runs))
    message = (
        describe_failures(experiment, list(failed))
        if failed
        else f"experiment {experiment.name}: {finished} of {len(experiment.runs)} runs finished"
    )
    told = {
        "EXPERIMENT": experiment.name,
        "RUNS": len(experiment.runs),
        "FINISHED": finished,
        "FAILED": len(failed or ()),
        "REPORT": experiment.report,
        "MESSAGE": message,
    }
    variables = {f"SEGLOSSBENCH_{name}": str(value) for name, value in told.items()}
    try:
        subprocess.run(
            command, shell=True, check=True, env={**os.environ, **variables}, timeout=PATIENCE_SECONDS
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        print(f"notify.{key}: {error}; nothing else was touched", file=sys.stderr)
