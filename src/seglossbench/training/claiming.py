"""Which job has which GPU of a machine: locks in a folder that all jobs share, and that the kernel frees."""

import fcntl
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import torch

from seglossbench import machine
from seglossbench.errors import InputError, JobError
from seglossbench.training.device import choose_device

LOCKS = Path(tempfile.gettempdir()) / "seglossbench-gpus"


@contextmanager
def claim_device(wanted: str, runs_per_gpu: int = 1) -> Iterator[torch.device]:
    """The device of a job; of the GPUs, one that fewer than ``runs_per_gpu`` jobs have, while the block lasts."""
    parts = [name for name in machine.gpus() if name.startswith("MIG-")]
    if parts and wanted in ("auto", "cuda"):
        with free_gpu(parts, runs_per_gpu) as index:
            # A process sees one part of a GPU at most, and which one must be said before it first asks for a GPU.
            os.environ["CUDA_VISIBLE_DEVICES"] = parts[index]
            yield choose_device(wanted)
        return
    device = choose_device(wanted)
    if device.type != "cuda":
        yield device
        return
    # Indices are relative to CUDA_VISIBLE_DEVICES; the UUID names the same GPU to every job of the machine.
    gpus = [str(torch.cuda.get_device_properties(i).uuid) for i in range(torch.cuda.device_count())]
    with free_gpu(gpus, runs_per_gpu) as index:
        torch.cuda.set_device(index)
        yield torch.device("cuda", index)


@contextmanager
def claim_devices(wanted: str, count: int, runs_per_gpu: int = 1) -> Iterator[list[torch.device]]:
    """The devices of a job that trains on several: as many GPUs, or the CPU as often.

    Raises InputError where there are not so many.
    """
    kind = choose_device(wanted).type
    if count > 1 and kind == "cuda" and count > torch.cuda.device_count():
        raise InputError(f"train.devices: {count} GPUs are wanted, there are {torch.cuda.device_count()}")
    with ExitStack() as claimed:
        if count > 1 and kind == "cuda":  # else two such jobs could each hold what the other waits for
            one_at_a_time = claimed.enter_context(_open_lock(LOCKS / "several.lock"))
            fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        devices = [claimed.enter_context(claim_device(wanted, runs_per_gpu)) for _ in range(count)]
        if count > 1 and kind == "cuda":
            fcntl.flock(one_at_a_time, fcntl.LOCK_UN)
            torch.cuda.set_device(devices[0])
        yield devices


@contextmanager
def free_gpu(
    names: Sequence[str], runs_per_gpu: int = 1, locks: Path = LOCKS, poll_seconds: float = 1.0
) -> Iterator[int]:
    """The index of a GPU that has room; waits for one. The kernel frees the locks of a job that dies.

    Who wants a GPU alone locks it; ``runs_per_gpu`` jobs that share it lock it together, and a place on it each.
    """
    told = False
    while True:
        # First the first place of every GPU, so that jobs spread before they share.
        for place in range(runs_per_gpu):
            for index, name in enumerate(names):
                with ExitStack() as held:
                    gpu = held.enter_context(_open_lock(locks / f"{name}.lock"))
                    if not _locked(gpu, fcntl.LOCK_EX if runs_per_gpu == 1 else fcntl.LOCK_SH):
                        continue
                    if runs_per_gpu > 1:
                        mine = held.enter_context(_open_lock(locks / f"{name}.{place}.lock"))
                        if not _locked(mine, fcntl.LOCK_EX):
                            continue
                    yield index
                    return
        if not told:
            gpus = f"all {len(names)} GPUs are" if len(names) > 1 else "the GPU is"
            print(f"{gpus} taken by other jobs; waiting for one to end", file=sys.stderr, flush=True)
            told = True
        time.sleep(poll_seconds)


def _locked(file: BinaryIO, how: int) -> bool:
    """Whether the lock could be had at once."""
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _open_lock(file: Path) -> BinaryIO:
    """A lock file, made where it is missing; whichever user of the machine makes it, all can lock it."""
    try:
        with suppress(FileExistsError):
            file.parent.mkdir(parents=True)
            file.parent.chmod(0o1777)  # as the folder for temporary files itself
        with suppress(FileExistsError):  # Linux refuses O_CREAT for another user's file in such a folder
            os.close(os.open(file, os.O_CREAT | os.O_EXCL, 0o666))
            file.chmod(0o666)
        return file.open("rb")  # reading is enough for a lock
    except PermissionError as error:
        raise JobError(
            f"{error.filename}: no permission to lock a GPU; let its owner remove {file.parent}, or set TMPDIR to "
            "another folder, the same one for all jobs of this machine"
        ) from None
