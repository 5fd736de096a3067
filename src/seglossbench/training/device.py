"""Where a job computes, and with how many threads."""

import os
from typing import TypeVar

import torch
from torch import nn

from seglossbench.errors import InputError

Weights = TypeVar("Weights", nn.Module, torch.Tensor)


def choose_device(wanted: str) -> torch.device:
    """``auto`` is CUDA where there is one, else Apple's MPS, else the CPU; InputError for one that is not there."""
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return torch.device(next(name for name, there in available.items() if there))
    if not available.get(wanted, False):
        there = ", ".join(name for name, is_there in available.items() if is_there)
        raise InputError(
            f"train.device: {wanted!r} is not available on this machine; available: {there}, auto"
        )
    return torch.device(wanted)


def limit_threads(threads: int) -> None:
    """Let torch and the libraries below it use ``threads`` threads, so that parallel jobs share the cores."""
    os.environ["OMP_NUM_THREADS"] = str(threads)
    torch.set_num_threads(threads)


def channels_last(what: Weights) -> Weights:
    """A network or a batch (N, C, *spatial) with its channels innermost in memory, as convolutions are fastest.

    With MKL-DNN on a CPU, a DynUNet's step takes about two thirds of the time so; results stay deterministic.
    """
    if isinstance(what, nn.Module):
        dims = max((value.ndim for value in what.parameters()), default=0)
        formats = {4: torch.channels_last, 5: torch.channels_last_3d}
        # torch's stubs do not know this form of Module.to
        return what.to(memory_format=formats[dims]) if dims in formats else what  # type: ignore[call-overload]
    return what.to(memory_format=torch.channels_last_3d if what.ndim == 5 else torch.channels_last)
