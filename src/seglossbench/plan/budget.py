"""Cuts that bring an experiment under a budget of GPU hours, and what each saves.

Hours are counted operations at so many TFLOP/s, so that neither data nor a GPU need be there. A proposal keeps what the
questions hang on: three seeds, a network of every dataset, and schedules that are shortened as a whole.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm import tqdm

from seglossbench.acquisition.sources import Usual
from seglossbench.errors import InputError
from seglossbench.experiment import Experiment, Run
from seglossbench.files import write_json
from seglossbench.params import TrainParams
from seglossbench.plan import FORWARD, TFLOPS, cost_key, expected, windows

OPERATIONS = Path("logs/operations.json")
SEEDS = 3  # fewer tell no spread
SCORINGS = 10  # of the test cases while a run trains
SHORTEST = 0.1  # of a schedule
CROP = 0.75  # of each edge of a patch
SMALLEST = 32  # edge, of which networks take multiples
LEAST_CROP = CROP**3


@dataclass(frozen=True)
class Part:
    """The runs of one dataset and network, and the operations of one step at the patch of ``run``."""

    run: Run
    usual: Usual
    losses: int
    seeds: tuple[int, ...]
    operations: float


@dataclass(frozen=True)
class Cut:
    """What is left of an experiment: how many seeds, without which networks, shares of epochs and of patches' edges.

    ``sparing`` has test cases scored ``SCORINGS`` times at most in a training, and predicted without mirror images.
    """

    seeds: int | None = None
    sparing: bool = False
    without: tuple[str, ...] = ()
    epochs: float = 1.0
    crop: float = 1.0

    def train(self, train: TrainParams) -> TrainParams:
        """The section train of a run with the cut's epochs, scorings and patch."""
        epochs = max(1, int(train.epochs * self.epochs))
        every = train.test_every
        if every is not None and self.sparing:
            every = max(every, math.ceil(epochs / SCORINGS))
        patch = tuple(_edge(edge, self.crop) for edge in train.patch_size)
        return train.model_copy(update={"epochs": epochs, "test_every": every, "patch_size": patch})

    def run(self, run: Run) -> Run:
        """The run as it is cut."""
        evaluate = run.evaluate
        if self.sparing:
            predict = evaluate.predict.model_copy(update={"flips": False})
            evaluate = evaluate.model_copy(update={"predict": predict})
        settings = run.settings.model_copy(update={"train": self.train(run.train)})
        return replace(run, settings=settings, dataset=replace(run.dataset, evaluate=evaluate))


def parts_of(experiment: Experiment) -> list[Part]:
    """The parts of an experiment, of each dataset of which something is known; operations are counted once and kept."""
    known = {dataset.name: expected(dataset) for dataset in experiment.datasets}
    groups: dict[tuple[str, str, str], list[Run]] = {}
    for run in experiment.runs:
        groups.setdefault((run.part, run.dataset.name, run.network), []).append(run)
    parts = []
    for runs in tqdm(groups.values(), desc="count operations", unit="network"):
        usual = known[runs[0].dataset.name]
        if usual is not None:
            seeds = tuple(dict.fromkeys(run.seed for run in runs))
            losses = len({run.loss for run in runs})
            parts.append(Part(runs[0], usual, losses, seeds, _operations(runs[0], usual)))
    return parts


def hours(parts: Sequence[Part], cut: Cut = Cut(), tflops: float = TFLOPS) -> float:
    """The GPU hours of all that a cut leaves; operations are taken to go with the number of a patch's voxels."""
    return sum(_hours(part, cut, tflops) for part in parts if part.run.network not in cut.without)


def together(parts: Sequence[Part], budget: float, tflops: float = TFLOPS) -> Cut:
    """The cuts that bring the parts under the budget, as far as any do: seeds, scorings, networks, epochs, crops.

    The dearest networks go first, as long as a tenth of the schedule is still too much.
    """
    cut = Cut()
    if hours(parts, cut, tflops) > budget:
        cut = replace(cut, seeds=SEEDS)
    if hours(parts, replace(cut, epochs=SHORTEST), tflops) > budget:
        cut = replace(cut, sparing=True)
    while hours(parts, replace(cut, epochs=SHORTEST), tflops) > budget:
        dearest = max(_by_network(parts, cut, tflops), key=lambda pair: pair[1], default=None)
        if dearest is None:
            break
        cut = replace(cut, without=(*cut.without, dearest[0]))
    percent = 100
    while hours(parts, replace(cut, epochs=percent / 100), tflops) > budget and percent > 100 * SHORTEST:
        percent -= 1
    cut = replace(cut, epochs=percent / 100)
    while hours(parts, cut, tflops) > budget and cut.crop > LEAST_CROP:
        cut = replace(cut, crop=cut.crop * CROP)
    return cut


def proposal(experiment: Experiment, budget: float, tflops: float = TFLOPS) -> list[str]:
    """What each cut saves alone, and what brings the experiment under ``budget`` GPU hours, in lines."""
    parts = parts_of(experiment)
    if not parts:
        raise InputError(
            f"experiment {experiment.name}: of no dataset is anything known before it is prepared"
        )
    whole = hours(parts, Cut(), tflops)
    lines = [f"experiment {experiment.name}: about {whole:,.0f} GPU hours at {tflops:g} TFLOP/s"]
    unknown = sorted(
        {run.dataset.name for run in experiment.runs} - {part.run.dataset.name for part in parts}
    )
    if unknown:
        lines.append(f"not in it: {', '.join(unknown)}, of which nothing is known before the preparation")
    if whole <= budget:
        return [*lines, f"which the budget of {budget:g} h allows"]
    lines.append("each cut alone saves")
    most = max(len(part.seeds) for part in parts)
    alone = [(f"{SEEDS} seeds instead of {most}", Cut(seeds=SEEDS))] if most > SEEDS else []
    by_network = sorted(_by_network(parts, Cut(), tflops), key=lambda pair: -pair[1])
    alone += [(f"without the network {network}", Cut(without=(network,))) for network, _ in by_network]
    alone += [
        (
            f"test cases scored {SCORINGS} times at most in a training, without mirror images",
            Cut(sparing=True),
        ),
        (f"schedules of {SHORTEST:.0%} of their length", Cut(epochs=SHORTEST)),
        (f"patches of {CROP:.0%} of each edge", Cut(crop=CROP)),
    ]
    lines += [f"  {whole - hours(parts, cut, tflops):>8,.0f} h  {words}" for words, cut in alone]
    cut = together(parts, budget, tflops)
    left = hours(parts, cut, tflops)
    lines.append(
        f"these cuts together leave {left:,.0f} h" + (f", above the {budget:g} h" if left > budget else "")
    )
    return lines + [f"  {line}" for line in _in_words(parts, cut)]


def _in_words(parts: Sequence[Part], cut: Cut) -> Iterator[str]:
    """The keys of params that the cut changes."""
    if cut.seeds is not None and any(len(part.seeds) > cut.seeds for part in parts):
        yield f"grid.seeds: {list(max((part.seeds for part in parts), key=len)[: cut.seeds])}"
    if cut.without:
        yield f"grid.networks: without {', '.join(cut.without)}"
    kept = [part.run.train for part in parts if part.run.network not in cut.without]
    if cut.sparing:
        for train in {(train.test_every, train.epochs): train for train in kept if train.test_every}.values():
            yield f"train.test_every: {train.test_every} -> {cut.train(train).test_every}"
        if any(part.run.evaluate.predict.flips for part in parts):
            yield "evaluate.predict.flips: false"
    if cut.epochs < 1:
        for train in {train.epochs: train for train in kept}.values():
            yield "; ".join(_schedule(train, cut))
        yield f"losses whose weights move by epoch: per_epoch x {1 / cut.epochs:.3g}"
    if cut.crop < 1:
        for patch in dict.fromkeys(train.patch_size for train in kept):
            yield f"train.patch_size: {list(patch)} -> {[_edge(edge, cut.crop) for edge in patch]}"


def _schedule(train: TrainParams, cut: Cut) -> Iterator[str]:
    """The epochs of a training and all that is said in epochs, as the cut scales them."""

    def scaled(epochs: int) -> int:
        return max(1, round(epochs * cut.epochs))

    yield f"train.epochs: {train.epochs} -> {cut.train(train).epochs}"
    if train.schedule.milestones:
        yield f"train.schedule.milestones: {[scaled(epoch) for epoch in train.schedule.milestones]}"
    if train.restart is not None:
        yield f"train.restart.epoch: {scaled(train.restart.epoch)}"


def _by_network(parts: Sequence[Part], cut: Cut, tflops: float) -> Iterator[tuple[str, float]]:
    """The hours of each network that may go: every dataset keeps one."""
    left = [part for part in parts if part.run.network not in cut.without]
    networks_of: dict[str, set[str]] = {}
    for part in left:
        networks_of.setdefault(part.run.dataset.name, set()).add(part.run.network)
    for network in dict.fromkeys(part.run.network for part in left):
        if {network} not in networks_of.values():
            yield network, hours([part for part in left if part.run.network == network], cut, tflops)


def _hours(part: Part, cut: Cut, tflops: float) -> float:
    run = cut.run(part.run)
    train = run.train
    smaller = 1.0
    for edge, whole in zip(train.patch_size, part.run.train.patch_size, strict=True):
        smaller *= edge / whole
    predicted = FORWARD * windows(run, part.usual) / train.batch_size
    steps = train.epochs * train.steps_per_epoch + predicted
    runs = part.losses * len(part.seeds[: cut.seeds])
    return runs * part.operations * smaller * steps / tflops / 3.6e15


def _edge(edge: int, share: float) -> int:
    """An edge of a patch, cut to a share of it that networks take; one that is smaller stays."""
    return edge if share == 1 else min(edge, max(SMALLEST, int(edge * share) // SMALLEST * SMALLEST))


def _operations(run: Run, usual: Usual) -> float:
    """The operations of one step, counted once for every network and shape."""
    try:
        counted = dict(json.loads(OPERATIONS.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        counted = {}
    key = cost_key(run, usual)
    if key not in counted:
        from seglossbench.training.step_cost import count_operations

        counted[key] = count_operations(
            run.network,
            {"architecture": run.settings.architecture, **run.settings.options},
            run.train.patch_size,
            run.train.batch_size,
            channels=usual.channels,
            classes=usual.classes,
        )
        write_json(OPERATIONS, counted)
    return float(counted[key])
