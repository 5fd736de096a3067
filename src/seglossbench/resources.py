"""What a job asks for of the machine, or of a cluster's node: threads and GPUs, as Snakemake counts them."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import lcm

from seglossbench import machine
from seglossbench.experiment import Run
from seglossbench.params import TrainParams


@dataclass(frozen=True)
class Place:
    """Where jobs run: this machine with its processors and GPUs, or a cluster, whose nodes nobody has seen yet.

    A GPU is ``shares`` units of Snakemake's resource ``gpu``, so that trainings which share it ask for a part of it.
    """

    is_cluster: bool
    cpus: int = 1
    gpus: int = 0
    shares: int = 1

    @classmethod
    def here(cls, runs: Iterable[Run]) -> "Place":
        """This machine, whose GPUs are counted where one of the runs may use them."""
        per_gpu = {run.train.runs_per_gpu for run in runs if run.train.device in ("auto", "cuda")}
        gpus = len(machine.gpus()) if per_gpu else 0
        return cls(False, machine.allowed_cpus(), gpus, lcm(*per_gpu) if gpus else 1)

    @property
    def limit(self) -> int | None:
        """How many units of GPU there are for all jobs; none where nobody counts them."""
        return self.gpus * self.shares or None

    def uses_gpu(self, train: TrainParams) -> bool:
        """Whether a training runs on a GPU, which ``auto`` does on a cluster unless its profile lowers that."""
        return train.device in ("cuda", "mps") or (
            train.device == "auto" and (self.is_cluster or self.gpus > 0)
        )

    def gpu(self, train: TrainParams) -> int:
        """The units of GPU that a training, or a prediction, asks for; on a cluster these are whole GPUs."""
        if not self.uses_gpu(train):
            return 0
        return 1 if self.is_cluster else max(1, self.shares // train.runs_per_gpu)

    def threads(self, train: TrainParams) -> int:
        """Threads of the network and, beside a GPU, those that make batches; here no more than a GPU's fair part."""
        if not self.uses_gpu(train):
            return train.threads
        if self.is_cluster:
            return train.threads + (machine.BATCH_WORKERS if train.workers is None else train.workers)
        jobs = max(1, self.gpus) * train.runs_per_gpu
        workers = machine.batch_workers(train.threads, jobs) if train.workers is None else train.workers
        return max(train.threads, min(train.threads + workers, self.cpus // jobs))
