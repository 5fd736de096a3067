"""What a device must do before trainings on it are trusted: the CPU's numbers, the same twice, no step that waits."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from seglossbench import losses, networks
from seglossbench.conformance.scenes import CLASSES, labels_of, logits_of
from seglossbench.errors import JobError
from seglossbench.maps import Truth
from seglossbench.params import TrainParams
from seglossbench.params.losses import Spec
from seglossbench.registry import LOSSES, TERMS
from seglossbench.training.batches import Batch
from seglossbench.training.clock import peak_memory_mb
from seglossbench.training.device import Accelerator, memory_told
from seglossbench.training.optimiser import build_optimiser

TOLERANCE = 1e-5
"""Of float32, relative to the largest value, with TF32 off."""
PATCH = (16, 16, 16)
NETWORK: dict[str, Any] = {"architecture": "DynUNet", "filters": [8, 16, 32], "deep_supervision": 1}


class Steps:
    """A small training on random batches: its network, optimiser and scaler, on a device."""

    def __init__(self, device: torch.device, loss: str = "cwcd", **settings: Any) -> None:
        self.settings = TrainParams(
            epochs=1,
            steps_per_epoch=4,
            batch_size=2,
            patch_size=PATCH,
            optimiser={"learning_rate": 0.01},  # type: ignore[arg-type]  # pydantic makes it one
            **settings,
        )
        self.accelerator = Accelerator(device, self.settings)
        made = networks.build("small", NETWORK, patch_size=PATCH, in_channels=1, out_channels=CLASSES, seed=0)
        self.network = self.accelerator.prepare(made)
        self.optimiser = build_optimiser(self.network.parameters(), self.settings.optimiser)
        self.loss = losses.build(loss)

    def batch(self, step: int) -> Batch:
        """The batch of a step, the same whenever it is asked for, on the device."""
        labels = labels_of((2, *PATCH), seed=step)
        image = torch.randn((2, 1, *PATCH), generator=torch.Generator().manual_seed(step))
        truth = Truth.from_labels(labels, CLASSES, maps=self.loss.maps)
        return self.accelerator.load(Batch(image, truth))

    def step(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """One step as a training takes it: the loss and the gradient's norm, both still on the device."""
        self.optimiser.zero_grad(set_to_none=True)
        with self.accelerator.autocast():
            logits = self.network(batch.image)
        loss = torch.stack([*losses.supervised_terms(self.loss, logits, batch.truth, 0).values()]).sum()
        self.accelerator.backward(loss)
        return loss.detach(), self.accelerator.step(self.optimiser, 12.0)

    def run(self, steps: Sequence[int] = range(4)) -> Tensor:
        """The losses of some steps, on the host."""
        return torch.stack([self.step(self.batch(step))[0] for step in steps]).cpu()

    @property
    def weights(self) -> Tensor:
        """All weights, on the host."""
        return torch.cat([weight.detach().flatten() for weight in self.network.parameters()]).cpu()


def maps_of_labels_are_the_cpus(device: torch.device) -> None:
    """Contours of every width and the classes' voxels, made on the device, to the last bit."""
    for shape in ((2, 6, 8), (2, 4, 6, 8)):
        for width in (2, 3):
            truth = Truth(labels_of(shape), CLASSES, contour_kernel=width)
            there = Truth(truth.labels.to(device), CLASSES, contour_kernel=width)
            for name in ("contour", "class_counts", "class_weights"):
                found, expected = getattr(there, name), getattr(truth, name)
                assert found.device.type == device.type, f"{name} of labels on {device} is on {found.device}"
                assert torch.equal(found.cpu(), expected), f"{name} in {len(shape) - 1}D, kernel {width}"


def losses_and_gradients_are_the_cpus(device: torch.device) -> None:
    """Every term and compound of ours, in 2D and 3D, in float32."""
    Accelerator(device, Steps(torch.device("cpu")).settings)  # which turns TF32 off
    specs: list[Spec | str] = [*({name: 1.0} for name in TERMS.own), *LOSSES.own]
    for spec in specs:
        loss = losses.build(spec)
        for shape in ((2, 6, 8), (2, 4, 6, 8)):
            labels = labels_of(shape)
            truth = Truth.from_labels(labels, CLASSES, maps=loss.maps)
            logits = logits_of(labels)
            there = logits.detach().to(device).requires_grad_()
            expected, found = loss(logits, truth, 1), loss(there, truth.to(device), 1)
            _close(found, expected, f"{spec}: the loss")
            slopes = [torch.autograd.grad(value, by)[0] for value, by in ((expected, logits), (found, there))]
            _close(slopes[1], slopes[0], f"{spec}: the gradient")


def networks_give_the_cpus_logits(device: torch.device) -> None:
    """A U-Net with instance norm, in training, at all its scales."""
    here, there = Steps(torch.device("cpu")), Steps(device)
    with torch.no_grad():
        expected, found = (steps.network(steps.batch(0).image) for steps in (here, there))
    for ours, theirs in zip(found, expected, strict=True):
        _close(ours, theirs, "the logits", 10 * TOLERANCE)  # of some hundred products each


def a_training_is_the_same_twice(device: torch.device) -> None:
    """Bit for bit, with deterministic kernels."""
    first, second = Steps(device), Steps(device)
    assert torch.equal(first.run(), second.run()), "other losses from the same seed"
    assert torch.equal(first.weights, second.weights), "other weights from the same seed"


def a_training_that_is_resumed_is_the_same(device: torch.device) -> None:
    """Bit for bit, from the states that a checkpoint holds, also of fp16's scaler."""
    for precision in ("float32", *(["fp16"] if device.type == "cuda" else [])):
        whole, first, second = (Steps(device, precision=precision) for _ in range(3))
        whole.run()
        first.run(range(2))
        second.network.load_state_dict(first.network.state_dict())
        second.optimiser.load_state_dict(copy.deepcopy(first.optimiser.state_dict()))
        second.accelerator.scaler.load_state_dict(first.accelerator.scaler.state_dict())
        second.run(range(2, 4))
        assert torch.equal(whole.weights, second.weights), f"{precision}: other weights than without a stop"


def half_precisions_train(device: torch.device) -> None:
    """In bf16 and fp16 the losses fall near those of float32."""
    expected = Steps(device).run()
    for precision in ("bf16", *(["fp16"] if device.type == "cuda" else [])):
        found = Steps(device, precision=precision).run()
        assert torch.isfinite(found).all(), f"{precision}: losses {found.tolist()}"
        assert (found - expected).abs().max() < 0.1 * expected.abs().max(), f"{precision}: {found.tolist()}"


def an_overflow_in_fp16_skips_its_step(device: torch.device) -> None:
    """The weights stay, the scale is halved, and the norm is told as 0: it is no divergence."""
    steps = Steps(device, precision="fp16")
    before = steps.weights
    steps.accelerator.scaler.load_state_dict(steps.accelerator.scaler.state_dict() | {"scale": 2.0**126})
    _, norm = steps.step(steps.batch(0))
    assert float(norm) == 0, f"the norm of a skipped step is {float(norm)}"
    assert torch.equal(before, steps.weights), "a step that overflowed changed weights"
    assert steps.accelerator.scaler.get_scale() == 2.0**125


def channels_last_gives_the_same_logits(device: torch.device) -> None:
    """Up to rounding."""
    steps = Steps(device)
    image = steps.batch(0).image
    with torch.no_grad():
        expected = steps.network(image.contiguous())
        found = steps.network(image.contiguous(memory_format=torch.channels_last_3d))
    for ours, theirs in zip(found, expected, strict=True):
        _close(ours, theirs, "the logits", 10 * TOLERANCE)


def no_step_waits_for_the_device(device: torch.device) -> None:
    """After the first one, of losses that do not say ``on_host``; on CUDA torch itself raises where one waits."""
    named = [name for name in LOSSES.own if not any(t.on_host for _, t in losses.build(name).weighted_terms)]
    for name in named:
        steps = Steps(device, name)
        batches = [steps.batch(0), steps.batch(1)]
        for batch in batches:
            batch.truth.at_scale(tuple(edge // 2 for edge in PATCH))
        steps.step(batches[0])
        if device.type == "cuda":
            torch.cuda.set_sync_debug_mode("error")
        try:
            steps.step(batches[1])
        except RuntimeError as error:
            raise AssertionError(f"{name}: {error}") from None
        finally:
            if device.type == "cuda":
                torch.cuda.set_sync_debug_mode("default")


def memory_is_told(device: torch.device) -> None:
    """How much was used at most, and, where it runs out, in one line."""
    Steps(device).run(range(1))
    assert peak_memory_mb(device) > 0
    if device.type != "cuda":
        return  # a host takes from its disk before it says no
    told = ""
    try:
        with memory_told(device, "lower it"):
            torch.empty(2**44, device=device)
    except JobError as error:
        told = str(error)
    assert told.startswith("out of memory"), f"of 16 TiB it says {told!r}"


def networks_compile(device: torch.device) -> None:
    """To the same losses up to rounding."""
    plain, compiled = Steps(device).run(), Steps(device, compile=True).run()
    _close(compiled, plain, "the losses", 1e-3)


CHECKS: tuple[Callable[[torch.device], None], ...] = (
    maps_of_labels_are_the_cpus,
    losses_and_gradients_are_the_cpus,
    networks_give_the_cpus_logits,
    a_training_is_the_same_twice,
    a_training_that_is_resumed_is_the_same,
    half_precisions_train,
    an_overflow_in_fp16_skips_its_step,
    channels_last_gives_the_same_logits,
    no_step_waits_for_the_device,
    memory_is_told,
)
"""Functions of a device that raise AssertionError, or any other error, where it does not do what their names say."""

CHECKS_OF_GPUS = (*CHECKS, networks_compile)
"""Those, and what takes minutes on a CPU."""


def _close(found: Tensor, expected: Tensor, what: str, tolerance: float = TOLERANCE) -> None:
    found, expected = found.detach().cpu(), expected.detach().cpu()
    error = float((found - expected).abs().max() / expected.abs().max().clamp(min=1e-6))
    assert error <= tolerance, f"{what} differs by {error:.1e} of its largest value"
