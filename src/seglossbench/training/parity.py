"""Whether short trainings and learning rates here agree with golden files of the papers' released code.

A trajectory is an ``.npz`` of a tiny network, its batches, and what every loss made of it in some steps of Adam; a
schedule is one of learning rates. Their arrays: tests/golden/trajectories/README.md. Files of other shapes, numbers of
classes, batch sizes and kernels will do, 2D or 3D. Any other golden file is one of ``losses.parity``.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from seglossbench.errors import InputError
from seglossbench.losses import build, parity, scale_weights, supervised_terms
from seglossbench.losses.parity import Golden, Row
from seglossbench.maps import Truth
from seglossbench.params import OptimiserParams, ScheduleParams, TrainParams
from seglossbench.training.device import Accelerator
from seglossbench.training.optimiser import build_optimiser
from seglossbench.training.schedule import learning_rate

STEP_TOLERANCE = {"float64": 1e-6, "float32": 2e-4}
"""Largest error of a loss, a gradient norm or a norm of the weights, relative to the largest of the training."""
FINAL_TOLERANCE = {"float64": 1e-5, "float32": 1e-2}
"""Largest error of a final weight, relative to the farthest way of a weight; Adam makes much of float32's rounding."""
RATE_TOLERANCE = 1e-9

SCHEDULES = {
    "paper_a": (
        3e-4,
        {"name": "step", "milestones": (50, 150, 300, 400), "warm_up_epochs": 1, "warm_up_from": 1e-5},
    ),
    "paper_b": (1e-4, {"name": "poly"}),
}
"""The learning rate of each paper and its schedule."""


def verify(folder: Path | str, device: str = "cpu") -> list[Row]:
    """Compare every value of every golden file in ``folder``, of any kind; the rows tell what passed on the ``device``.

    Raises InputError naming the folder, file or value that is not as described.
    """
    rows: list[Row] = []
    for file, golden in parity.read(folder):
        if "order" in golden:
            rows += _trajectory_rows(file, golden, device)
        elif any(key.startswith("paper_") for key in golden):
            rows += [_schedule_row(file, key, golden[key]) for key in golden]
        else:
            rows += parity.compare(file, golden, device)
    return rows


def _schedule_row(file: Path, key: str, expected: NDArray[np.float64]) -> Row:
    paper = key.split("/")[0]
    if match := re.fullmatch(r"paper_a/epoch0_steps(\d+)", key):
        steps = int(match[1])
        ours = [learning_rate(0, _settings(paper, 500, steps), step) for step in range(steps)]
    elif match := re.fullmatch(r"paper_a/epochs(\d+)to(\d+)", key):
        first, last = int(match[1]), int(match[2])
        ours = [learning_rate(epoch, _settings(paper, last + 1)) for epoch in range(first, last + 1)]
    elif match := re.fullmatch(r"paper_b/poly_epochs(\d+)", key):
        epochs = int(match[1])
        ours = [learning_rate(epoch, _settings(paper, epochs)) for epoch in range(epochs)]
    elif key == "paper_b/alpha_by_epoch":  # the weight of Dice beside a map loss
        weight, _ = build("rrw_dice_gradual").weighted_terms[0]
        ours = [weight.at(epoch) for epoch in range(len(expected))]
    else:
        raise InputError(f"{file}: unknown schedule {key!r}")
    error = _error(np.array(ours), expected)
    return Row(file.name, key, float(expected[-1]), ours[-1], error, None, error <= RATE_TOLERANCE)


def _settings(paper: str, epochs: int, steps_per_epoch: int = 1) -> TrainParams:
    rate, schedule = SCHEDULES[paper]
    return TrainParams(
        epochs=epochs,
        steps_per_epoch=steps_per_epoch,
        batch_size=1,
        patch_size=(8, 8),
        optimiser=OptimiserParams(learning_rate=rate),
        schedule=ScheduleParams.model_validate(schedule),
    )


NEEDED = ("images", "labels", "order", "epoch", "lr", "adam", "clip_norm", "network", "scale_weights")
"""The arrays of a trajectory beside those of its losses."""


def _trajectory_rows(file: Path, golden: Golden, device: str) -> Iterator[Row]:
    for name in NEEDED:
        if name not in golden:
            raise InputError(f"{file}: no array {name!r}, expected {', '.join(NEEDED)}")
    truths = [truth.to(device) for truth in _truths(golden)]
    yield from _truth_rows(file, golden, truths)
    for key in golden:
        if match := re.fullmatch(r"loss/(.+)/(float32|float64)", key):
            try:
                yield _training_row(file, golden, match[1], match[2], truths, device)
            except (InputError, KeyError) as error:
                raise InputError(f"{file}: {key}: {' '.join(map(str, error.args))}") from None


def _truths(golden: Golden) -> list[Truth]:
    classes, kernel = int(golden["network"][3]), int(golden.get("contour_kernel", np.array(3)))
    return [Truth(labels, classes, contour_kernel=kernel) for labels in golden["labels"]]


def _truth_rows(file: Path, golden: Golden, truths: list[Truth]) -> Iterator[Row]:
    """The contours and the coarse labels of all batches, and the weights of the scales."""
    found: dict[str, NDArray[np.generic]] = {
        "scale_weights": np.array(scale_weights(len(golden["scale_weights"])))
    }
    if "contour_union" in golden:
        found["contour_union"] = np.stack([truth.contour.cpu().numpy() for truth in truths])
    if "labels_half" in golden:
        half = golden["labels_half"].shape[2:]
        found["labels_half"] = np.stack([truth.at_scale(half).labels.cpu().numpy() for truth in truths])
    for key, ours in found.items():
        expected = golden[key]
        error = _error(ours, expected)
        yield Row(
            file.name, key, float(expected.mean()), float(ours.mean()), error, None, error <= RATE_TOLERANCE
        )


def _training_row(
    file: Path, golden: Golden, loss: str, precision: str, truths: list[Truth], device: str
) -> Row:
    trained = _train(golden, loss, getattr(torch, precision), truths, device)
    steps = {
        f"{name}/{loss}/{precision}": np.array(values)
        for name, values in (
            ("loss", trained.losses),
            ("gradient_norm", trained.gradient_norms),
            ("weights", trained.weight_norms),
        )
    }
    error = max(_error(ours, golden[key]) for key, ours in steps.items() if key in golden)
    passed = error <= STEP_TOLERANCE[precision]
    final_error = None
    finals = [name for name in trained.weights if f"final/{loss}/{name}" in golden]
    if finals:
        far = max(np.abs(golden[f"final/{loss}/{name}"] - golden[f"init/{name}"]).max() for name in finals)
        off = max(np.abs(golden[f"final/{loss}/{name}"] - trained.weights[name]).max() for name in finals)
        final_error = float(off / far)
        passed = passed and final_error <= FINAL_TOLERANCE[precision]
    expected = float(golden[f"loss/{loss}/{precision}"][-1])
    return Row(file.name, f"{loss}, {precision}", expected, trained.losses[-1], error, final_error, passed)


@dataclass
class _Trained:
    """What a training did: numbers before (losses) and after each step, and its weights at the end."""

    losses: list[float] = field(default_factory=list)
    gradient_norms: list[float] = field(default_factory=list)
    weight_norms: list[tuple[float, float, float]] = field(default_factory=list)
    weights: dict[str, NDArray[np.floating]] = field(default_factory=dict)


def _train(golden: Golden, loss_name: str, dtype: torch.dtype, truths: list[Truth], device: str) -> _Trained:
    """The training that the file describes, by the parts of ours: loss, scales, optimiser, clipping."""
    network = _Network(golden).to(device, dtype)
    loss = build(loss_name)
    beta_1, beta_2, eps, decay = golden["adam"].tolist()
    if eps != torch.optim.Adam([torch.zeros(1)]).defaults["eps"]:
        raise InputError(f"adam has the eps {eps}, expected torch's own")
    optimiser = build_optimiser(
        network.parameters(), OptimiserParams(name="Adam", betas=(beta_1, beta_2), weight_decay=decay)
    )
    accelerator = Accelerator(torch.device(device), _settings("paper_b", 1))
    clip_norm = None if np.isnan(golden["clip_norm"]) else float(golden["clip_norm"])
    trained = _Trained()
    for batch, epoch, rate in zip(golden["order"], golden["epoch"], golden["lr"], strict=True):
        for group in optimiser.param_groups:
            group["lr"] = float(rate)
        optimiser.zero_grad()
        logits = network(torch.from_numpy(golden["images"][batch]).to(device, dtype))
        terms = supervised_terms(loss, logits, truths[batch], int(epoch))
        value = torch.stack(list(terms.values())).sum()
        accelerator.backward(value)
        norm = accelerator.step(optimiser, clip_norm)
        trained.losses.append(value.item())
        trained.gradient_norms.append(norm.item())
        trained.weight_norms.append(_norms(network))
    trained.weights = {name: weight.detach().cpu().numpy() for name, weight in network.named_parameters()}
    return trained


class _Network(nn.Module):
    """Two convolutions and a head, or a second one on half the resolution; its weights are those of the file."""

    def __init__(self, golden: Golden) -> None:
        super().__init__()
        dims, channels, width, classes, heads = golden["network"].tolist()
        convolution = {2: nn.Conv2d, 3: nn.Conv3d}[dims]
        self.pool = {2: functional.avg_pool2d, 3: functional.avg_pool3d}[dims]
        self.conv1 = convolution(channels, width, 3, padding=1)
        self.conv2 = convolution(width, width, 3, padding=1)
        for head in range(heads):
            self.add_module(f"head{head}", convolution(width, classes, 1))
        self.heads = heads
        self.load_state_dict({name: torch.from_numpy(golden[f"init/{name}"]) for name in self.state_dict()})

    def forward(self, image: Tensor) -> Tensor | list[Tensor]:
        features = functional.leaky_relu(self.conv1(image), 0.01)
        features = functional.leaky_relu(self.conv2(features), 0.01)
        finest: Tensor = self.get_submodule("head0")(features)
        if self.heads == 1:
            return finest
        return [finest, self.get_submodule("head1")(self.pool(features, 2))]


def _norms(network: nn.Module) -> tuple[float, float, float]:
    weights = torch.cat([weight.detach().flatten() for weight in network.parameters()]).double()
    waves = torch.cos(torch.arange(len(weights), dtype=torch.float64, device=weights.device))
    return weights.norm().item(), weights.abs().sum().item(), (weights * waves).sum().item()


def _error(ours: NDArray[np.generic], expected: NDArray[np.generic]) -> float:
    """The largest difference, relative to the largest value; for columns, each by itself."""
    difference = np.abs(ours.astype(np.float64) - expected.astype(np.float64))
    return float((difference.max(0) / np.maximum(np.abs(expected.astype(np.float64)).max(0), 1e-30)).max())
