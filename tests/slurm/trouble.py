"""Losses that get a training into trouble on a cluster, as an experiment's plug-in.

Each notes the cluster's jobs that called it in NAME.jobs, in the working folder.
"""

import os
import time
from itertools import count
from pathlib import Path

from seglossbench.losses import register

HUNGER_MB = 1500
CALLS = count(1)


def _is_third_epoch(name):
    call = next(CALLS)
    if call == 1:
        with Path(f"{name}.jobs").open("a") as jobs:
            jobs.write(f"{os.environ.get('SLURM_JOB_ID')}\n")
    return call == 5  # of two steps each


@register("stays")
def stays(prediction, truth, *, name: str = ""):
    """A mean error that never comes to an end in the third epoch of its first job."""
    if _is_third_epoch(name):
        Path(f"{name}.stays").touch()
        time.sleep(600)
    return prediction.p_wrong.mean()


@register("hungers")
def hungers(prediction, truth, *, name: str = ""):
    """A mean error that once takes much memory."""
    if _is_third_epoch(name) or Path(f"{name}.hungers").exists():
        Path(f"{name}.hungers").touch()
        held = b"x" * (HUNGER_MB << 20)
        time.sleep(3)  # Slurm looks every second
        del held
    return prediction.p_wrong.mean()


@register("breaks")
def breaks(prediction, truth, *, name: str = ""):
    """A mean error that cannot be computed in the third epoch, nor ever again."""
    if _is_third_epoch(name) or Path(f"{name}.breaks").exists():
        Path(f"{name}.breaks").touch()
        raise ArithmeticError("broken on purpose")
    return prediction.p_wrong.mean()
