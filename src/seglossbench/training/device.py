"""The machine under a training: its device, threads, precision and memory formats. CUDA and MPS are untested."""

import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

import torch
from torch import nn

from seglossbench import machine
from seglossbench.errors import InputError, JobError
from seglossbench.params import TrainParams
from seglossbench.training.batches import Batch
from seglossbench.training.clock import peak_memory_mb

Weights = TypeVar("Weights", nn.Module, torch.Tensor)
DTYPES = {"float32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class Accelerator:
    """Where a training computes and in which precision; all that differs between devices is in here."""

    def __init__(self, device: torch.device, settings: TrainParams) -> None:
        self.device = device
        self.settings = settings
        self.is_gpu = device.type != "cpu"
        # Only where it was measured to be faster. A step in 3D on a CPU with one thread: 1.3 times as fast with
        # SegResNet, 1.2 with a residual U-Net, as fast with DynUNet, 0.9 with a plain U-Net; in 2D 0.8. On a GPU,
        # instance norm, which these networks have, copies to channels first and back (pytorch#59168: +24 % per step).
        # DistributedDataParallel wants channels first.
        self.is_channels_last = not self.is_gpu and len(settings.patch_size) == 3 and settings.devices == 1
        # fp16 has so few exponents that small gradients must be scaled up, and steps that overflow skipped.
        self.scaler = torch.amp.GradScaler(device.type, enabled=settings.precision == "fp16")
        if settings.precision == "tf32" and device.type != "cuda":
            raise InputError(
                "train.precision: tf32 is a format of NVIDIA's GPUs; on this device take float32"
            )
        if device.type == "cuda":
            # torch's own default is TF32 in convolutions: other digits under one name, by the age of the GPU.
            products = "tf32" if settings.precision == "tf32" else "ieee"
            torch.backends.cuda.matmul.fp32_precision = products
            torch.backends.cudnn.conv.fp32_precision = products  # type: ignore[attr-defined]  # not in its stubs
            if settings.deterministic:  # cuBLAS reads its setting when it starts
                os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
            torch.use_deterministic_algorithms(
                bool(settings.deterministic), warn_only=settings.deterministic == "warn"
            )
            torch.backends.cudnn.benchmark = not settings.deterministic

    @property
    def workers(self) -> int:
        """Processes that make batches: of the CPUs that this job may use. A CPU has them for the network already."""
        if self.settings.workers is not None:
            return self.settings.workers
        jobs = max(1, len(machine.gpus())) * self.settings.runs_per_gpu
        return machine.batch_workers(self.settings.threads, jobs) if self.is_gpu else 0

    def prepare(self, network: nn.Module) -> nn.Module:
        """The network on the device, in the fastest memory format, and compiled where that is asked for."""
        network = network.to(self.device)
        if self.is_channels_last:
            network = channels_last(network)
        if self.settings.compile:
            network.compile()  # in place, so that the names of the weights stay
        return network

    def load(self, batch: Batch) -> Batch:
        """The batch on the device."""
        moved = batch.to(self.device)
        return Batch(channels_last(moved.image), moved.truth) if self.is_channels_last else moved

    def autocast(self) -> AbstractContextManager[None]:
        """The context in which the network computes in the precision asked for; losses stay in float32."""
        dtype = DTYPES[self.settings.precision]
        context: AbstractContextManager[None] = torch.autocast(
            self.device.type, dtype, enabled=dtype is not torch.float32
        )
        return context

    def backward(self, loss: torch.Tensor) -> None:
        """Compute the gradients, scaled if the precision needs it."""
        torch.autograd.backward(self.scaler.scale(loss))

    def step(self, optimiser: torch.optim.Optimizer, clip_norm: float | None) -> torch.Tensor:
        """Take the optimiser's step and return the norm of the gradient before it was clipped.

        A step that fp16 skips, because its scaled gradient overflowed, has the norm 0: it is no divergence.
        """
        self.scaler.unscale_(optimiser)
        weights = [weight for group in optimiser.param_groups for weight in group["params"]]
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        norm = nn.utils.get_total_norm(gradients)
        if clip_norm is not None:
            nn.utils.clip_grads_with_norm_(weights, clip_norm, norm)
        self.scaler.step(optimiser)
        self.scaler.update()
        return norm.where(norm.isfinite(), 0) if self.scaler.is_enabled() else norm

    @contextmanager
    def own_randomness(self, seed: int) -> Iterator[None]:
        """A block in which torch's own generators, as dropout uses, start at ``seed``; then they are as before."""
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(seed)
            yield


@contextmanager
def memory_told(device: torch.device, remedy: str) -> Iterator[None]:
    """A block in which memory that runs out is a JobError of one line, with what was asked for and the ``remedy``."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        asked = re.search(r"Tried to allocate ([\d.]+ \w+)", str(error))
        most = f", the most so far {peak_memory_mb(device) / 1000:.1f} GB" if device.type == "cuda" else ""
        raise JobError(
            f"out of memory on {describe_device(device)}{f': {asked[1]} more were needed' if asked else ''}{most}; "
            f"{remedy}"
        ) from None


def choose_device(wanted: str, key: str = "train.device") -> torch.device:
    """``auto`` is CUDA where there is one, else Apple's MPS, else the CPU.

    Raises InputError, which names ``key``, for one that is not there.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return torch.device(next(name for name, there in available.items() if there))
    if not available.get(wanted, False):
        there = ", ".join(name for name, is_there in available.items() if is_there)
        raise InputError(f"{key}: {wanted!r} is not available on this machine; available: {there}, auto")
    return torch.device(wanted)


def describe_device(device: torch.device, *others: torch.device) -> str:
    """The device in words, such as ``cpu, 2 threads``; of several, which are alike, how many."""
    if others:
        return f"{1 + len(others)} x {describe_device(device)}"
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return f"cpu, {torch.get_num_threads()} threads" if device.type == "cpu" else device.type


def limit_threads(threads: int) -> None:
    """Let torch and the libraries below it use ``threads`` threads, so that parallel jobs share the cores."""
    os.environ["OMP_NUM_THREADS"] = str(threads)
    torch.set_num_threads(threads)


def channels_last(what: Weights) -> Weights:
    """A network or a batch (N, C, *spatial) with its channels innermost in memory."""
    if isinstance(what, nn.Module):
        # Module.to would try this with every weight of four axes too, as the scales of a 3D network's channels are.
        dims = max((value.ndim for value in what.parameters()), default=0)
        if dims in (4, 5):
            for value in what.parameters():
                if value.ndim == dims:
                    value.data = channels_last(value.data)
        return what
    return what.to(memory_format=torch.channels_last_3d if what.ndim == 5 else torch.channels_last)
