"""Which share of a training step is the loss with its maps, at the shapes of both papers' experiments.

The loss and the maps of a whole batch are timed at the true shape; the network's step is timed on a smaller patch and
scaled by its operations, as ``seglossbench status --estimate`` does, because a whole one takes minutes on a CPU.
"""

import time
from contextlib import chdir
from pathlib import Path

import torch

from benchmarks.bench_scoring import row
from seglossbench import losses
from seglossbench.experiment import Experiment, Run
from seglossbench.maps import Truth
from seglossbench.plan import expected
from seglossbench.training.step_cost import measure_step

PROJECT = Path(__file__).parents[1]
RUNS = (("contour_weighted", "dynunet", "cwcd"), ("region_wise", "nnunet_2d", "rrw_dice"))
SHARE = 0.05


def chosen(experiment: str, network: str, loss: str) -> list[Run]:
    """The experiment's run of this network and loss on each of its datasets."""
    runs = Experiment.load(PROJECT / "params.yaml", {"experiment": experiment}).runs
    found = {run.dataset.name: run for run in runs if (run.network, run.loss) == (network, loss)}
    return list(found.values())


def loss_seconds(run: Run, classes: int) -> float:
    """Maps of a batch's labels, the loss and its gradient; the shorter of two times."""
    shape = (run.train.batch_size, *run.train.patch_size)
    coarse = [-(-size // 16) for size in shape[1:]]
    labels = torch.randint(0, 2 * classes, (shape[0], *coarse), generator=torch.Generator().manual_seed(0))
    labels = labels % classes * (labels < classes)  # half of the blocks are background
    for axis, size in enumerate(shape[1:], start=1):
        labels = labels.repeat_interleave(16, axis).narrow(axis, 0, size)
    loss = losses.build(run.settings.terms)
    logits = torch.randn(shape[0], classes, *shape[1:], requires_grad=True)
    times = []
    for _ in range(2):
        start = time.perf_counter()
        truth = Truth.from_labels(labels.to(torch.uint8).contiguous(), classes, maps=loss.maps)
        torch.autograd.grad(loss(logits, truth, 0), logits)
        times.append(time.perf_counter() - start)
    return min(times)


def run() -> list[dict[str, object]]:
    """A row for each dataset of both papers: the loss and its maps against a twentieth of the step."""
    rows = []
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with chdir(PROJECT):
        runs = [one for names in RUNS for one in chosen(*names)]
        for one in runs:
            usual = expected(one.dataset)
            assert usual is not None
            options = {"architecture": one.settings.architecture, **one.settings.options}
            step = measure_step(
                one.network,
                options,
                one.train,
                channels=usual.channels,
                classes=usual.classes,
                device=torch.device("cpu"),
            )
            spent = loss_seconds(one, usual.classes)
            size = "x".join(map(str, (one.train.batch_size, *one.train.patch_size)))
            rows.append(
                row(
                    f"{one.loss} and its maps in a step",
                    f"{one.dataset.name}, {one.network}, {size}",
                    spent,
                    f"{SHARE:.0%} of the step",
                    SHARE * (step.seconds + spent),
                    1,
                )
            )
    torch.set_num_threads(threads)
    return rows
