"""The training of one run, from first step to finished weights, the same for every loss."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from torch import nn

from seglossbench.data.prepared import PreparedCase
from seglossbench.errors import InputError
from seglossbench.losses import Loss, NonFiniteLogitsError, supervised_terms
from seglossbench.params import PredictParams, TrainParams
from seglossbench.randomness import seed_of
from seglossbench.records import HistoryRow
from seglossbench.training.batches import Batch, PatchBatches
from seglossbench.training.clock import Clock, peak_memory_mb
from seglossbench.training.device import Accelerator
from seglossbench.training.divergence import Divergence, find_divergence
from seglossbench.training.group import ALONE, Group
from seglossbench.training.kept import MEAN_DSC, Kept, best_epoch
from seglossbench.training.optimiser import build_optimiser
from seglossbench.training.prefetch import prefetched
from seglossbench.training.progress import Progress
from seglossbench.training.schedule import learning_rate
from seglossbench.vocabulary.tables import COST, TEST_BY_EPOCH, TRAIN, VALIDATION

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
    test: Sequence[PreparedCase] = ()  # scored every ``test_every`` epochs; they never choose anything
    empty: str = "diagonal"  # the policy for empty masks
    hd95: str = "pooled"  # the convention that the metric HD95 follows
    new_weights: Callable[[], nn.Module] | None = None  # the network of a second start
    group: Group = ALONE  # of the processes that train together

    @property
    def watched(self) -> str:
        """The split that tells of collapsed predictions: of validation, or of the test cases where there is none."""
        return VALIDATION if self.validation else TEST_BY_EPOCH


@dataclass(frozen=True)
class Trained:
    """What a training ends in: the network with its final weights, and when and why it diverged, if it did."""

    network: nn.Module
    divergence: Divergence | None


def train(
    training: Training, folder: Path, observe: Observer, title: str = "train", *, epochs: int | None = None
) -> Trained:
    """Train to the last epoch, or to divergence; goes on where an interrupted call in ``folder`` stopped.

    After every epoch ``history.csv`` is written and ``observe`` gets the epoch's rows; ``checkpoint.pt`` holds the
    finished weights, which are the last ones or the best ones in validation, as the settings say; where they say both,
    the best ones are in ``checkpoint_best.pt``. Wherever a call was
    killed, the next one ends in the same weights and the same history but for its rows of the split ``cost``.
    With ``epochs``, the call ends after so many of them, as if it were interrupted there.
    """
    settings, group = training.settings, training.group
    last = settings.epochs if epochs is None else min(epochs, settings.epochs)
    accelerator = Accelerator(training.device, settings)
    network = accelerator.prepare(training.network)
    optimiser = build_optimiser(network.parameters(), settings.optimiser)
    kept = Kept(folder, network, optimiser, accelerator)
    first_epoch, history = kept.resume()
    parallel = group.parallel(network, training.device)
    divergence = find_divergence(history, settings.collapse, training.watched)
    epochs_left = range(first_epoch, last if divergence is None else first_epoch)
    # One stream for all epochs, so that batches are made ahead while an epoch is validated.
    stream = prefetched(
        training.batches.batch,
        [(epoch, step) for epoch in epochs_left for step in range(settings.steps_per_epoch)],
        accelerator.workers,
        pin_memory=accelerator.device.type == "cuda",
    )
    with kept, Progress(title, settings, first_epoch) as progress, closing(stream):
        for epoch in epochs_left:
            if divergence:
                break
            restarted = _restarted(training, network, history, epoch)
            rows = restarted + _epoch(
                training, network, parallel, optimiser, accelerator, stream, epoch, progress
            )
            history += rows
            validated = any(row.split == VALIDATION for row in history)
            if settings.keeps_best and validated and best_epoch(history) is None:
                raise InputError(
                    f"train.checkpoint: {settings.checkpoint}: validation has no DSC, because none of its cases has a "
                    "class to be found; choose others for validation, or take checkpoint: last"
                )
            divergence = find_divergence(history, settings.collapse, training.watched)
            if group.is_first:
                kept.tell(history)
                observe(rows)
                kept.save(epoch, history, is_last=divergence is not None or epoch + 1 == settings.epochs)
                progress.epoch(rows)
    if group.is_first and (divergence or last == settings.epochs):
        kept.finish()
    return Trained(network, divergence)


def _restarted(
    training: Training, network: nn.Module, history: Sequence[HistoryRow], epoch: int
) -> list[HistoryRow]:
    """Draw all weights anew where the settings want it, as history alone decides; the row that tells so, if it did."""
    restart = training.settings.restart
    if restart is None or training.new_weights is None or epoch != restart.epoch:
        return []
    found = [row.value for row in history if row.split == training.watched and MEAN_DSC.fullmatch(row.name)]
    if not found or found[-1] > 0:
        return []
    network.load_state_dict(training.new_weights().state_dict())
    return [HistoryRow(epoch, epoch * training.settings.steps_per_epoch, TRAIN, "restarted", 1.0)]


def _epoch(
    training: Training,
    network: nn.Module,
    parallel: nn.Module,
    optimiser: torch.optim.Optimizer,
    accelerator: Accelerator,
    stream: Iterator[Batch],
    epoch: int,
    progress: Progress,
) -> list[HistoryRow]:
    """Train and validate for one epoch; its rows of the history."""
    settings = training.settings
    clock = Clock(accelerator.device)
    steps, means = _steps(training, parallel, optimiser, accelerator, stream, clock, epoch, progress)
    step = epoch * settings.steps_per_epoch + steps
    rows = [
        HistoryRow(epoch, step, TRAIN, name, value)
        for name, value in {
            **means,
            "learning_rate": learning_rate(epoch, settings, max(0, steps - 1)),
        }.items()
    ]
    training_seconds = clock.elapsed_seconds
    has_diverged = find_divergence(rows, settings.collapse) is not None
    for split, cases, every in (
        (VALIDATION, training.validation, settings.validate_every),
        (TEST_BY_EPOCH, training.test, settings.test_every),
    ):
        is_due = every and ((epoch + 1) % every == 0 or epoch + 1 == settings.epochs or has_diverged)
        if is_due and cases and training.group.is_first:
            # with SciPy, for which no first step need wait
            from seglossbench.training.validation import validate

            rows += validate(
                network,
                cases,
                training.classes,
                settings.validation_metrics,
                training.predict,
                accelerator,
                clock,
                empty=training.empty,
                hd95=training.hd95,
                split=split,
                epoch=epoch,
                step=step,
            )
    seconds = clock.seconds()
    cost = {f"seconds/{part}": spent for part, spent in seconds.items()} | {
        "seconds": clock.elapsed_seconds,
        "waiting_share": seconds.get("data", 0.0) / training_seconds,
        "patches_per_second": steps * settings.batch_size / training_seconds,
        "peak_memory_mb": peak_memory_mb(accelerator.device),
    }
    rows += [HistoryRow(epoch, step, COST, name, value) for name, value in cost.items()]
    return training.group.agreed(rows)


def _steps(
    training: Training,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    accelerator: Accelerator,
    stream: Iterator[Batch],
    clock: Clock,
    epoch: int,
    progress: Progress,
) -> tuple[int, dict[str, float]]:
    """The optimiser steps of an epoch: how many were done, and the means of losses and gradient norm over them."""
    settings, batches, group = training.settings, training.batches, training.group
    own: list[int] = [] if group.is_first else [group.rank]
    network.train()
    sums: dict[str, torch.Tensor] = {}
    done = 0
    with accelerator.own_randomness(seed_of("dropout", batches.dataset, batches.seed, epoch, *own)):
        for batch in islice(stream, settings.steps_per_epoch):
            batch = accelerator.load(batch)
            clock.end("data")
            for weights in optimiser.param_groups:
                weights["lr"] = learning_rate(epoch, settings, done)
            optimiser.zero_grad(set_to_none=True)
            with accelerator.autocast():
                logits = group.whole(network(group.share(batch.image)))
            try:
                terms = supervised_terms(training.loss, logits, batch.truth, epoch)
            except NonFiniteLogitsError:  # a CPU tells at once, a GPU by the epoch's mean
                sums["loss"] = torch.tensor(torch.nan)
                break
            loss = torch.stack(list(terms.values())).sum()
            clock.end("forward")
            accelerator.backward(loss)
            clock.end("backward")
            norm = accelerator.step(optimiser, settings.clip_gradient_norm)
            # Sums stay on the device, so that no step waits for a copy.
            named = {"loss": loss, **{f"loss/{term}": value for term, value in terms.items()}}
            if accelerator.scaler.is_enabled():  # whose steps are skipped where their norm is 0
                named["skipped_share"] = (norm == 0).float()
            for name, value in {**named, "gradient_norm": norm}.items():
                value = value.detach()
                sums[name] = sums[name] + value if name in sums else value
            done += 1
            clock.end("optimiser")
            progress.step()
    return done, {name: total.item() / max(1, done) for name, total in sums.items()}
