"""One training over several devices of a machine, a process each, by torch's DistributedDataParallel.

Every process computes the logits of its share of a batch, gets those of the others, and takes the loss of the whole
batch: losses that pool over a batch, as the contour-weighted ones do, are what they are on one device.
"""

import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed, nn

from seglossbench.errors import InputError, JobError

Thing = TypeVar("Thing")
PATIENCE = timedelta(days=1)  # of the other processes, while the first one validates


@dataclass(frozen=True)
class Group:
    """The ``rank``-th of ``size`` processes that train together; by default a process alone, which changes nothing."""

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process validates, writes and tells."""
        return self.rank == 0

    def parallel(self, network: nn.Module, device: torch.device) -> nn.Module:
        """The network, whose gradients become the means over all processes."""
        if self.size == 1:
            return network
        if any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in network.modules()):
            if device.type != "cuda":
                raise InputError("train.devices: a network with batch norm needs GPUs; take 1")
            network = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]  # torch has no types here
        return nn.parallel.DistributedDataParallel(
            network, device_ids=[device] if device.type == "cuda" else None
        )

    def share(self, images: Tensor) -> Tensor:
        """This process's samples of a batch (N, ...), of which all have as many."""
        return images if self.size == 1 else images.chunk(self.size)[self.rank]

    def whole(self, logits: Tensor | Sequence[Tensor]) -> Tensor | Sequence[Tensor]:
        """The logits of the whole batch from those of each process's share, at one scale or several."""
        if self.size == 1:
            return logits
        if isinstance(logits, Tensor):
            return self._gathered(logits)
        return [self._gathered(scale) for scale in logits]

    def _gathered(self, logits: Tensor) -> Tensor:
        whole: Tensor = _Gathered.apply(logits.float(), self)  # type: ignore[no-untyped-call]  # torch has no types here
        return whole

    def agreed(self, thing: Thing) -> Thing:
        """What the first process has."""
        if self.size == 1:
            return thing
        things = [thing]
        distributed.broadcast_object_list(things)
        return things[0]


ALONE = Group()


class _Gathered(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, part: Tensor, group: Group) -> Tensor:
        context.group = group
        parts = [torch.empty_like(part, memory_format=torch.contiguous_format) for _ in range(group.size)]
        distributed.all_gather(parts, part.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(context: Any, slope: Tensor) -> tuple[Tensor, None]:
        # Every process has the gradient of the whole loss; of its own part, the mean over processes would be a share.
        return slope.chunk(context.group.size)[context.group.rank] * context.group.size, None


@contextmanager
def together(
    devices: Sequence[torch.device], follow: Callable[[Group, torch.device], None]
) -> Iterator[Group]:
    """A block in which this process is the first of a group, and ``follow`` runs for each other device in a new one.

    ``follow`` goes to them by pickle, and takes part in what the block does. Raises JobError where one of them failed.
    """
    if len(devices) == 1:
        yield Group()
        return
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        meeting = Path(folder, "meeting")
        others = [
            context.Process(
                target=_other,
                args=(follow, Group(rank, len(devices)), device, meeting, os.getpid()),
                daemon=True,
            )
            for rank, device in enumerate(devices[1:], start=1)
        ]
        for process in others:
            process.start()
        try:
            with _met(Group(0, len(devices)), devices[0], meeting) as group:
                yield group
            for process in others:
                process.join()
        except Exception as error:
            time.sleep(1)  # for whoever failed first to end
            if failed := [rank for rank, process in enumerate(others, start=1) if process.exitcode]:
                raise JobError(
                    f"the process of {devices[failed[0]]} failed, see above in the log ({error})"
                ) from None
            raise
        finally:
            for process in others:
                process.kill()


def _other(
    follow: Callable[[Group, torch.device], None],
    group: Group,
    device: torch.device,
    meeting: Path,
    first: int,
) -> None:
    threading.Thread(target=_end_with, args=(first,), daemon=True).start()
    with _met(group, device, meeting):
        follow(group, device)


def _end_with(first: int) -> None:
    """End where the first process has gone, as after SIGKILL, instead of waiting for it for a day."""
    while os.getppid() == first:
        time.sleep(0.5)
    os._exit(1)


@contextmanager
def _met(group: Group, device: torch.device, meeting: Path) -> Iterator[Group]:
    if device.type == "cuda":
        torch.cuda.set_device(device)
    distributed.init_process_group(
        "nccl" if device.type == "cuda" else "gloo",
        init_method=meeting.as_uri(),
        rank=group.rank,
        world_size=group.size,
        timeout=PATIENCE,
    )
    try:
        yield group
    finally:
        distributed.destroy_process_group()
