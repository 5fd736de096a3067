"""What one training step costs on this device: counted in operations, and measured on a patch that is small enough.

Operations are counted without computing, at the true shape. The time is measured at a patch cut until a step is
short, and scaled by the operations, so that a network that needs a large GPU can be estimated on a laptop.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from seglossbench import losses, networks
from seglossbench.errors import InputError, JobError
from seglossbench.maps import Truth
from seglossbench.params import TrainParams
from seglossbench.training.batches import Batch
from seglossbench.training.device import Accelerator, describe_device

OPERATIONS_OF_A_SHORT_STEP = {"cpu": 2e11, "cuda": 1e13, "mps": 1e12}


@dataclass(frozen=True)
class StepCost:
    """A step's floating-point operations and seconds, the patch they were measured at, and the network's weights."""

    operations: float
    seconds: float
    measured_patch: tuple[int, ...]
    weights: int
    device: str


def measure_step(
    name: str,
    settings: Mapping[str, Any],
    train: TrainParams,
    *,
    channels: int,
    classes: int,
    device: torch.device,
) -> StepCost:
    """The cost of a step of the network that params call ``name``, with cross-entropy and Dice and Adam.

    Computed as ``train`` says: patch and batch, precision, memory format, compiled or not, deterministic or not.
    """

    def count(patch: Sequence[int], batch: int) -> float:
        return count_operations(name, settings, patch, batch, channels=channels, classes=classes)

    operations = count(train.patch_size, train.batch_size)
    short = OPERATIONS_OF_A_SHORT_STEP[device.type]
    patch, batch, small = tuple(train.patch_size), train.batch_size, operations
    while small > short and (batch > 1 or max(patch) > 16):
        smaller = (patch, batch // 2) if batch > 1 else (_shrunk(patch), 1)
        try:
            small = count(*smaller)
        except (RuntimeError, ValueError, InputError):  # the network cannot take so small a patch
            break
        patch, batch = smaller
    if small > 20 * short:
        raise JobError(f"a step of {small:.0e} operations is the shortest possible: too long to be measured")
    accelerator = Accelerator(device, train)
    network = accelerator.prepare(_build(name, settings, patch, channels, classes))
    passes, update = _seconds_of_step(network, patch, batch, channels, classes, accelerator)
    return StepCost(
        operations=operations,
        seconds=passes * operations / small + update,
        measured_patch=patch,
        weights=sum(weight.numel() for weight in network.parameters()),
        device=describe_device(device),
    )


def count_operations(
    name: str,
    settings: Mapping[str, Any],
    patch: Sequence[int],
    batch: int,
    *,
    channels: int,
    classes: int,
) -> float:
    """The floating-point operations of a step's forward and backward pass, counted without computing them.

    Raises what the network raises that takes no such patch: RuntimeError, ValueError or InputError.
    """
    network = _build(name, settings, patch, channels, classes).to("meta")
    with FlopCounterMode(display=False) as counter:
        outputs = network(torch.empty(batch, channels, *patch, device="meta"))
        torch.autograd.backward([part.sum() for part in _scales(outputs)])
    return float(counter.get_total_flops())


def _build(
    name: str, settings: Mapping[str, Any], patch: Sequence[int], channels: int, classes: int
) -> nn.Module:
    return networks.build(
        name, settings, patch_size=patch, in_channels=channels, out_channels=classes, seed=0
    )


def _shrunk(patch: tuple[int, ...]) -> tuple[int, ...]:
    """The patch with its largest axis cut to the next multiple of 32 below, or to 16: what networks can halve."""
    axis = patch.index(max(patch))
    size = (patch[axis] - 1) // 32 * 32 or 16
    return (*patch[:axis], size, *patch[axis + 1 :])


def _seconds_of_step(
    network: nn.Module,
    patch: Sequence[int],
    batch: int,
    channels: int,
    classes: int,
    accelerator: Accelerator,
) -> tuple[float, float]:
    """Seconds of forward and backward pass, and of the optimiser's update, in a step after one that is not counted."""
    loss = losses.build({"ce": 1.0, "dice": 1.0})
    optimiser = torch.optim.Adam(network.parameters())
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(batch, channels, *patch, generator=generator)
    labels = torch.randint(classes, (batch, *patch), generator=generator, dtype=torch.uint8)
    made = accelerator.load(Batch(image, Truth(labels, classes)))
    device = accelerator.device
    for _ in range(2):
        start = _now(device)
        optimiser.zero_grad(set_to_none=True)
        with accelerator.autocast():
            logits = network(made.image)
        terms = losses.supervised_terms(loss, logits, made.truth)
        accelerator.backward(torch.stack(list(terms.values())).sum())
        passed = _now(device)
        accelerator.step(optimiser, accelerator.settings.clip_gradient_norm)
        done = _now(device)
    return passed - start, done - passed


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def _scales(outputs: losses.Logits) -> Sequence[torch.Tensor]:
    return [outputs] if isinstance(outputs, torch.Tensor) else outputs
