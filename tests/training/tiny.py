"""A training of a fraction of a second: shared by tests, and run as a program that kills it again and again.

``python tiny.py FOLDER times SEED`` kills a training in FOLDER at twenty random times, ``python tiny.py FOLDER files``
before each of its changes to the disk, and ``python tiny.py FOLDER writes`` in the middle of each checkpoint's write.
Every killed training is started again until it ends. Processes are forked from one that has torch in memory already.
"""

import importlib
import os
import random
import resource
import shutil
import signal
import sys
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from torch import nn

from seglossbench import losses
from seglossbench.data.foreground import draw_foreground, per_class
from seglossbench.params import MapsParams, PredictParams, TrainParams
from seglossbench.records import read_history
from seglossbench.training.batches import PatchBatches
from seglossbench.training.loop import Trained, Training, train

CLASSES = ("background", "organ", "core")


def no_axis(settings):  # a function by name, which goes to the workers
    return None


def make_case(name):
    """What a training reads of a prepared case."""
    labels = np.zeros((10, 9, 8), np.uint8)
    labels[2:7, 2:7, 2:6] = 1
    labels[4:6, 4:6, 3:5] = 2
    image = np.random.default_rng(0).normal(labels, 0.5)[None].astype(np.float16)
    counts = tuple(np.bincount(labels.ravel()).tolist())
    geometry = SimpleNamespace(spacing_mm=(1.0, 1.0, 1.0))
    return SimpleNamespace(
        name=name,
        image=image,
        labels=labels,
        shape=labels.shape,
        foreground=per_class(draw_foreground(labels, name), counts),
        geometry=geometry,
        modality="MRI",
        slice_axis=no_axis,
    )


def make_training(device="cpu", **changes):
    """Always with the same weights; dropout, so that a resumed one needs the right random numbers."""
    defaults = {
        "epochs": 4,
        "steps_per_epoch": 3,
        "batch_size": 1,
        "patch_size": (6, 6, 6),
        "optimiser": {"learning_rate": 0.05},
    }
    settings = TrainParams(**(defaults | changes))
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv3d(1, 4, 3, padding=1),
        nn.BatchNorm3d(4),
        nn.LeakyReLU(),
        nn.Dropout(0.2),
        nn.Conv3d(4, 3, 1),
    )
    return Training(
        network=network,
        loss=losses.build({"ce": 1.0, "dice": 1.0}),
        batches=PatchBatches(
            [make_case("a")], {}, (), len(CLASSES), settings, MapsParams(), dataset="x", seed=0
        ),
        validation=[make_case("b")],
        classes=CLASSES,
        settings=settings,
        predict=PredictParams(),
        device=torch.device(device),
    )


def run(folder, observe=lambda rows: None, **changes) -> Trained:
    folder.mkdir(parents=True, exist_ok=True)
    return train(make_training(**changes), folder, observe)


def result(folder):
    """All that must be the same however often a training was killed: the weights' bytes and the history."""
    history = [row for row in read_history(folder / "history.csv") if row.split != "cost"]
    weights = torch.load(folder / "checkpoint.pt", weights_only=True)["network"]
    return {name: value.numpy().tobytes() for name, value in weights.items()}, repr(history)


SETTINGS = {"epochs": 3, "checkpoint": "best"}


def forked(folder, prepare=lambda: None):
    """Start a training in a process of its own that prepares its end first; returns the process's id."""
    process = os.fork()
    if process:
        return process
    try:
        torch.set_num_threads(1)
        prepare()
        run(folder, **SETTINGS)
    except BaseException as error:
        print(repr(error), file=sys.stderr)
        os._exit(1)
    os._exit(0)


def finished(process):
    """Whether the training ended by itself; any end but this or a kill is an error."""
    status = os.waitpid(process, 0)[1]
    if os.WIFSIGNALED(status):
        return False
    assert os.WEXITSTATUS(status) == 0
    return True


def kill_before_change(count):
    """Have this process killed before its ``count``-th change to the disk (from 1)."""
    left = count

    def watch(event, arguments):
        nonlocal left
        is_change = event in ("os.rename", "os.remove", "os.chmod") or (
            event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        )
        if is_change:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


def kill_in_write(bytes_written):
    """Have this process killed when a file grows longer than that."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_written, resource.RLIM_INFINITY))


def check(folder, expected, what):
    assert result(folder) == expected, what
    assert sorted(file.name for file in folder.iterdir() if not file.name.startswith(".tmp-")) == [
        "checkpoint.pt",
        "history.csv",
    ], what
    shutil.rmtree(folder)


def main(root, mode, seed="0"):
    # What is imported when it is first used takes seconds; imported here, all forked processes have it.
    torch.optim.Adam([nn.Parameter(torch.zeros(1))])
    for name in ("monai.inferers.utils", "seglossbench.training.validation"):
        importlib.import_module(name)

    started = time.perf_counter()
    assert finished(forked(root / "whole"))
    whole_seconds = time.perf_counter() - started
    expected = result(root / "whole")
    folder = root / "killed"
    kills = 0
    if mode == "times":
        generator = random.Random(int(seed))
        while kills < 20:  # each training is killed about three times before it may end
            for _ in range(3):
                process = forked(folder)
                time.sleep(generator.uniform(0, whole_seconds))
                os.kill(process, signal.SIGKILL)
                if finished(process):
                    break
                kills += 1
            else:
                assert finished(forked(folder))
            check(folder, expected, f"after {kills} kills")
    elif mode == "files":
        while not finished(forked(folder, partial(kill_before_change, kills + 1))):
            kills += 1
            assert finished(forked(folder))
            check(folder, expected, f"killed before change {kills}")
    else:
        for length in range(1000, 10_000, 1500):
            if not finished(forked(folder, partial(kill_in_write, length))):
                kills += 1
                assert finished(forked(folder))
            check(folder, expected, f"killed after {length} bytes")
    print(f"{kills} kills")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
