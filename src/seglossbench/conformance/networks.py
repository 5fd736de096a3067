"""What every network must do: shapes, gradients, weights by the seed alone, save and load."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from seglossbench import networks
from seglossbench.conformance.determinism import without_deterministic_kernel
from seglossbench.params.networks import nondeterministic_on_cuda

CHANNELS, CLASSES = 2, 5


@dataclass(frozen=True)
class Candidate:
    """An architecture with options, and the smallest edge of a patch that it takes, in voxels."""

    architecture: str
    options: Mapping[str, Any] = field(default_factory=dict)
    edge: int = 32

    def patch(self, dims: int) -> list[int]:
        """The size of a patch that is longer along its first axis."""
        return [2 * self.edge] + [self.edge] * (dims - 1)

    def build(self, seed: int = 0, dims: int = 3) -> nn.Module:
        """The network with weights by the seed."""
        return networks.build(
            "mine",
            {"architecture": self.architecture, **self.options},
            patch_size=self.patch(dims),
            in_channels=CHANNELS,
            out_channels=CLASSES,
            seed=seed,
        )

    def batch(self, dims: int = 2, samples: int = 1) -> Tensor:
        """Images of random voxels (N, channels, *patch)."""
        shape = (samples, CHANNELS, *self.patch(dims))
        return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def channels_become_classes_at_full_resolution(candidate: Candidate) -> None:
    """In 2D and in 3D, with patches whose edges differ."""
    for dims in (2, 3):
        with torch.no_grad():
            logits = candidate.build(dims=dims).eval()(candidate.batch(dims))
        expected = (1, CLASSES, *candidate.patch(dims))
        assert isinstance(logits, Tensor), f"{dims}D: gives {type(logits).__name__} in evaluation"
        assert logits.shape == expected, f"{dims}D: logits {tuple(logits.shape)}, expected {expected}"


def weights_get_finite_gradients(candidate: Candidate) -> None:
    """In training, where a list of logits, finest first, is deep supervision."""
    network = candidate.build(dims=2).train()
    given = network(candidate.batch(samples=2))
    scales = list(given) if isinstance(given, list | tuple) else [given]
    sum(scale.float().square().mean() for scale in scales).backward()
    slopes = [weight.grad for weight in network.parameters() if weight.requires_grad]
    assert any(slope is not None and slope.abs().max() > 0 for slope in slopes), "no weight gets a gradient"
    assert all(torch.isfinite(slope).all() for slope in slopes if slope is not None), (
        "gradients that are not finite"
    )


def weights_depend_on_the_seed_alone(candidate: Candidate) -> None:
    """Whatever was drawn before, and nothing that is drawn later is changed."""
    torch.manual_seed(1)
    first = weights(candidate.build(dims=2))
    torch.manual_seed(2)
    state = torch.get_rng_state()
    assert torch.equal(first, weights(candidate.build(dims=2))), "other weights from the same seed"
    assert torch.equal(state, torch.get_rng_state()), "building it moves the global random state"
    if first.numel():
        assert not torch.equal(first, weights(candidate.build(seed=1, dims=2))), "one seed is like another"


def predicts_the_same_twice(candidate: Candidate) -> None:
    """In evaluation, bit for bit."""
    network, batch = candidate.build(dims=2).eval(), candidate.batch()
    with torch.no_grad():
        assert torch.equal(network(batch), network(batch)), "other logits for the same image"


def is_the_same_after_save_and_load(candidate: Candidate) -> None:
    """As a checkpoint keeps it: by its state, into a network of another seed."""
    network, other = candidate.build(dims=2).eval(), candidate.build(seed=1, dims=2).eval()
    file = io.BytesIO()
    torch.save(network.state_dict(), file)
    file.seek(0)
    other.load_state_dict(torch.load(file, weights_only=True))
    with torch.no_grad():
        assert torch.equal(network(candidate.batch()), other(candidate.batch())), "its state is not all of it"


def operations_without_a_deterministic_cuda_kernel_are_declared(candidate: Candidate) -> None:
    """By ``nondeterministic_on_cuda`` of the decorator, so that whoever asks for the same digits twice is told."""
    declared = set(nondeterministic_on_cuda(candidate.architecture))
    found: set[str] = set()
    for dims in (2, 3):
        network, image = candidate.build(dims=dims).to("meta"), candidate.batch(dims, samples=2).to("meta")
        found |= set(without_deterministic_kernel(network, image))
    assert found == declared, f"declare nondeterministic_on_cuda={tuple(sorted(found))!r}"


def weights(network: nn.Module) -> Tensor:
    """All that a network's state holds, as one vector."""
    return torch.cat([value.flatten().float() for value in network.state_dict().values()] or [torch.empty(0)])


CHECKS: tuple[Callable[[Candidate], None], ...] = (
    channels_become_classes_at_full_resolution,
    weights_get_finite_gradients,
    weights_depend_on_the_seed_alone,
    predicts_the_same_twice,
    is_the_same_after_save_and_load,
    operations_without_a_deterministic_cuda_kernel_are_declared,
)
"""Functions of a candidate that raise AssertionError, or any other error, where it does not do what their names say."""
