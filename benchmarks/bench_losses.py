"""Losses against torch's cross-entropy, the released code's plain algorithm, and MONAI's. Takes two minutes."""

import gc
import itertools
import os
import time
import warnings
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional
from torch.profiler import ProfilerActivity, profile

from benchmarks.bench_scoring import row
from seglossbench.losses import LOSSES, build
from seglossbench.maps import Truth
from seglossbench.params.losses import Spec

SHAPE, CLASSES = (96, 96, 96), 16
WORK = f"2 x {CLASSES} x {'x'.join(map(str, SHAPE))}, forward and backward"

Step = Callable[[], Tensor]


def blocks() -> Tensor:
    """Labels (2, *SHAPE) uint8: cubes of random classes, half of them background."""
    coarse = torch.randint(0, 2 * CLASSES, (2, *(size // 8 for size in SHAPE)), generator=generator())
    labels = coarse % CLASSES * (coarse < CLASSES)
    for axis in (1, 2, 3):
        labels = labels.repeat_interleave(8, axis)
    return labels.to(torch.uint8)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def step_of(loss: Callable[[Tensor], Tensor], logits: Tensor) -> Step:
    """A training step as far as the loss has a part in it; gives the gradient."""

    def step() -> Tensor:
        leaf = logits.detach().requires_grad_()
        torch.autograd.backward(loss(leaf))
        assert leaf.grad is not None
        return leaf.grad

    return step


def plain_cwcd(truth: Truth) -> Callable[[Tensor], Tensor]:
    """Contour-weighted cross-entropy and Dice over one-hot truths, class by class, as the released code does it."""
    one_hot = truth.one_hot(torch.float32)
    contours = one_hot * truth.contour.unsqueeze(1)

    def dice(p: Tensor, pairs: Tensor) -> Tensor:
        both, either = torch.zeros(()), torch.zeros(())
        for index in range(1, CLASSES):
            p_c, y_c = p[:, index] * pairs[:, index], one_hot[:, index] * pairs[:, index]
            both, either = both + (p_c * y_c).sum(), either + p_c.sum() + y_c.sum()
        return 1 - (2 * both + 1e-3) / (either + 1e-3)

    def loss(logits: Tensor) -> Tensor:
        p = torch.softmax(logits, 1)
        losses = -(one_hot * torch.log_softmax(logits, 1)).sum(1)
        union = contours.amax(1)
        return ((2 * union + 1) * losses).mean() + losses.mean() + dice(p, contours) + dice(p, 1 - contours)

    return loss


def seconds_side_by_side(steps: dict[str, Step], repeats: int) -> dict[str, float]:
    """The shortest of several times of every step, in turn, so that a busy moment of the machine hits all alike."""
    best = dict.fromkeys(steps, float("inf"))
    for _ in range(repeats):
        for name, step in steps.items():
            gc.collect()
            start = time.perf_counter()
            step()
            best[name] = min(best[name], time.perf_counter() - start)
    return best


def peak_bytes(step: Step) -> int:
    """Most memory that torch held at a time for the step, by its own account of what it allocates and frees."""
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # the profiler would print two lines
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        step()
    events = [event for event in recorded.profiler.kineto_results.events() if event.name() == "[memory]"]
    events.sort(key=lambda event: event.start_ns())
    return max(itertools.accumulate(int(event.nbytes()) for event in events))


def monai_step(loss: Callable[..., Tensor], logits: Tensor, truth: Truth) -> Step:
    one_hot = truth.one_hot(torch.float32)
    return step_of(lambda values: loss(values, one_hot), logits)


def run() -> list[dict[str, object]]:
    """All figures of the losses; ``met`` says whether the ratio reaches the target."""
    from monai import losses as monai

    labels = blocks()
    truth = Truth.from_labels(labels, CLASSES, maps=["contour", "rectified"])
    logits = torch.randn(2, CLASSES, *SHAPE, generator=generator())
    target = labels.long()

    def ours(spec: Spec) -> Step:
        loss = build(spec)
        return step_of(lambda values: loss(values, truth), logits)

    def ours_with_maps(spec: Spec) -> Step:
        loss = build(spec)
        return step_of(lambda values: loss(values, Truth(labels, CLASSES)), logits)

    steps = {
        "cross-entropy": step_of(lambda values: functional.cross_entropy(values, target), logits),
        "rrw": ours({"rrw": 1.0}),
        "cwcd": ours(LOSSES.load("cwcd")),
        "ce_dice": ours(LOSSES.load("ce_dice")),
    }
    plain = step_of(plain_cwcd(truth), logits)
    torch.testing.assert_close(plain(), steps["cwcd"](), rtol=1e-3, atol=1e-9)

    best = seconds_side_by_side(steps, repeats=7)
    plain_s = seconds_side_by_side({"plain": plain}, repeats=2)["plain"]
    peaks = {name: peak_bytes(steps[name]) / 1e6 for name in ("cross-entropy", "rrw", "cwcd")}
    figures = []
    for name, what, allowed in (("rrw", "RRW loss", 1.3), ("cwcd", "CWCD loss", 1.1)):
        rival = f"{allowed} x torch's cross-entropy"
        figures.append(row(what, WORK, best[name], rival, allowed * best["cross-entropy"], 1))
    figures.append(row("CWCD loss", WORK, best["cwcd"], "released form, per class", plain_s, 6))
    for name, what in (("rrw", "RRW loss"), ("cwcd", "CWCD loss")):
        rival, limit = "1.2 x torch's cross-entropy", 1.2 * peaks["cross-entropy"]
        figures.append(row(f"{what}: peak memory in MB", WORK, peaks[name], rival, limit, 1))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peers: list[tuple[str, Step, str, Step]] = [
            (
                "boundary loss and its map",
                ours_with_maps({"boundary": 1.0}),
                "MONAI's BoundaryLoss",
                monai_step(monai.BoundaryLoss(softmax=True), logits, truth),
            ),
            (
                "Hausdorff loss",
                ours_with_maps({"hausdorff_dt": 1.0}),
                "MONAI's HausdorffDTLoss",
                monai_step(monai.HausdorffDTLoss(softmax=True), logits, truth),
            ),
            (
                "RRW loss and its map",
                ours_with_maps({"rrw": 1.0}),
                "MONAI's HausdorffDTLoss",
                monai_step(monai.HausdorffDTLoss(softmax=True), logits, truth),
            ),
            (
                "cross-entropy and Dice",
                steps["ce_dice"],
                "MONAI's DiceCELoss",
                monai_step(monai.DiceCELoss(softmax=True), logits, truth),
            ),
        ]
        for what, mine, rival, theirs in peers:
            times = seconds_side_by_side({"mine": mine, "theirs": theirs}, repeats=2)
            figures.append(row(what, WORK, times["mine"], rival, times["theirs"], 1))
    return figures


if __name__ == "__main__":
    for figures in run():
        print(figures)
