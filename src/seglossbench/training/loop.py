"""The training of one run, from first step to finished weights, the same for every loss."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from seglossbench.data.prepared import PreparedCase
from seglossbench.evaluation.prediction import predict_volume
from seglossbench.losses import Loss
from seglossbench.params import PredictParams, TrainParams
from seglossbench.records import HistoryRow, read_history, write_history
from seglossbench.training import checkpoints
from seglossbench.training.batches import PatchBatches
from seglossbench.training.device import channels_last
from seglossbench.training.schedule import learning_rate

Observer = Callable[[Sequence[HistoryRow]], None]


@dataclass
class Training:
    """All that one training needs: its network, its loss, its data and its settings."""

    network: nn.Module
    loss: Loss
    batches: PatchBatches
    validation: Sequence[PreparedCase]
    classes: Sequence[str]
    settings: TrainParams
    predict: PredictParams
    device: torch.device


def train(training: Training, folder: Path, observe: Observer, title: str = "train") -> nn.Module:
    """Train to the last epoch and return the network; goes on where an interrupted call in ``folder`` stopped.

    After every epoch ``history.csv`` is written and ``observe`` gets the epoch's rows; ``checkpoint.pt`` holds the
    finished weights, which are the last ones or the best ones in validation, as the settings say.
    """
    settings = training.settings
    network = channels_last(training.network.to(training.device))
    optimiser = build_optimiser(network, settings)
    first_epoch, history = _resume(folder, network, optimiser)
    progress = tqdm(
        range(first_epoch, settings.epochs), initial=first_epoch, total=settings.epochs, desc=title
    )
    for epoch in progress:
        started = time.perf_counter()
        rows = _train_epoch(training, network, optimiser, epoch)
        if (epoch + 1) % settings.validate_every == 0 or epoch + 1 == settings.epochs:
            rows += _validate(training, network, epoch)
        step = (epoch + 1) * settings.steps_per_epoch
        rows.append(HistoryRow(epoch, step, "train", "seconds", time.perf_counter() - started))
        history += rows
        write_history(folder / "history.csv", history)
        observe(rows)
        _keep_best(folder, network, history, epoch)
        if (epoch + 1) % settings.checkpoint_every == 0:
            state = {"epoch": epoch, "network": network.state_dict(), "optimiser": optimiser.state_dict()}
            checkpoints.save(folder / "resume.pt", state)
        progress.set_postfix({row.name: f"{row.value:.3f}" for row in rows if row.name in ("loss", "DSC")})
    if settings.checkpoint == "best" and (folder / "best.pt").exists():
        network.load_state_dict(checkpoints.load(folder / "best.pt")["network"])
    checkpoints.save(folder / "checkpoint.pt", {"network": network.state_dict()})
    for left_over in ("resume.pt", "best.pt"):
        (folder / left_over).unlink(missing_ok=True)
    return network


def build_optimiser(network: nn.Module, settings: TrainParams) -> torch.optim.Optimizer:
    """The optimiser that the settings name; SGD has Nesterov momentum."""
    options = settings.optimiser
    weights, rate, decay = network.parameters(), options.learning_rate, options.weight_decay
    if options.name == "SGD":
        return torch.optim.SGD(weights, rate, options.momentum, weight_decay=decay, nesterov=True)
    if options.name == "Adam":
        return torch.optim.Adam(weights, rate, weight_decay=decay)
    return torch.optim.AdamW(weights, rate, weight_decay=decay)


def _train_epoch(
    training: Training, network: nn.Module, optimiser: torch.optim.Optimizer, epoch: int
) -> list[HistoryRow]:
    settings = training.settings
    rate = learning_rate(epoch, settings)
    for group in optimiser.param_groups:
        group["lr"] = rate
    network.train()
    sums: dict[str, torch.Tensor] = {}
    for batch in training.batches.epoch(epoch):
        image = channels_last(batch.image.to(training.device, non_blocking=True))
        truth = batch.truth.to(training.device)
        optimiser.zero_grad(set_to_none=True)
        logits = network(image)
        terms = training.loss.terms(logits, truth, epoch)
        loss = torch.stack(list(terms.values())).sum()
        torch.autograd.backward(loss)
        if settings.clip_gradient_norm is not None:
            nn.utils.clip_grad_norm_(network.parameters(), settings.clip_gradient_norm)
        optimiser.step()
        # Sums stay on the device, so that no step waits for a copy.
        for name, value in {"loss": loss, **{f"loss/{term}": value for term, value in terms.items()}}.items():
            sums[name] = sums.get(name, torch.zeros_like(value.detach())) + value.detach()
    step = (epoch + 1) * settings.steps_per_epoch
    means = {name: total.item() / settings.steps_per_epoch for name, total in sums.items()}
    return [
        HistoryRow(epoch, step, "train", name, value)
        for name, value in {**means, "learning_rate": rate}.items()
    ]


def _validate(training: Training, network: nn.Module, epoch: int) -> list[HistoryRow]:
    """DSC of each foreground class, over the validation cases that have it or claim it, and their mean."""
    if not training.validation:
        return []
    settings = training.settings
    num_classes = len(training.classes)
    overlap = []
    for case in training.validation:
        prediction = predict_volume(
            network, case.image, settings.patch_size, training.predict, training.device
        )
        joint = np.bincount(
            case.labels.ravel().astype(np.int64) * num_classes + prediction.ravel(), minlength=num_classes**2
        ).reshape(num_classes, num_classes)
        overlap.append((2 * joint.diagonal(), joint.sum(axis=0) + joint.sum(axis=1)))
    twice_common, sizes = (np.array(part) for part in zip(*overlap, strict=True))
    with np.errstate(invalid="ignore"):
        dsc = twice_common / sizes
    step = (epoch + 1) * settings.steps_per_epoch
    rows = [
        HistoryRow(epoch, step, "validation", f"DSC/{name}", float(np.nanmean(dsc[:, index])))
        for index, name in enumerate(training.classes)
        if index > 0 and np.isfinite(dsc[:, index]).any()
    ]
    if rows:
        mean = float(np.mean([row.value for row in rows]))
        rows.append(HistoryRow(epoch, step, "validation", "DSC", mean))
    return rows


def _keep_best(folder: Path, network: nn.Module, history: Sequence[HistoryRow], epoch: int) -> None:
    scores = [row for row in history if (row.split, row.name) == ("validation", "DSC")]
    if scores and max(scores, key=lambda row: row.value).epoch == epoch:
        checkpoints.save(folder / "best.pt", {"network": network.state_dict()})


def _resume(
    folder: Path, network: nn.Module, optimiser: torch.optim.Optimizer
) -> tuple[int, list[HistoryRow]]:
    """The first epoch still to be done and the history before it."""
    if not (folder / "resume.pt").exists():
        return 0, []
    state = checkpoints.load(folder / "resume.pt")
    network.load_state_dict(state["network"])
    optimiser.load_state_dict(state["optimiser"])
    done = int(state["epoch"])
    return done + 1, [row for row in read_history(folder / "history.csv") if row.epoch <= done]
