"""How fast every network learns one phantom by heart: the DSC by step, as docs/images/overfit.png shows it.

``python -m benchmarks.overfit`` trains all networks of experiments/phantoms_all.yaml, with names only these; it keeps
the curves in docs/images/overfit.csv and draws all that are in there.
"""

import math
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from benchmarks.bench_training import case
from seglossbench import losses, networks
from seglossbench.data.prepared import PreparedCase
from seglossbench.experiment import Experiment, Run
from seglossbench.files import atomic_file
from seglossbench.params import MapsParams, PredictParams, TrainParams
from seglossbench.phantoms.brats import EXTENT_MM
from seglossbench.phantoms.fields import Grid
from seglossbench.phantoms.head import ENHANCING, paint_head
from seglossbench.randomness import stream
from seglossbench.records import HistoryRow
from seglossbench.training.batches import PatchBatches
from seglossbench.training.loop import Training, train

PROJECT = Path(__file__).parents[1]
CURVES = PROJECT / "docs" / "images" / "overfit.csv"
CLASSES = ("background", "necrosis", "edema", "enhancing")
ENOUGH = 0.9  # the DSC that says: learnt by heart
EVERY = 10  # steps between two scores
MOST = 300  # steps
RATE = 3e-3
Curve = list[tuple[int, float]]
"""Steps, and the mean DSC of the three classes after them."""


class _LearntError(Exception):
    """The end of a training whose DSC is high enough."""


def small_runs() -> dict[str, Run]:
    """A run of each network at the size that experiments/phantoms_all.yaml gives it for a CPU."""
    runs = Experiment.load(PROJECT / "params.yaml", {"experiment": "phantoms_all"}).runs
    return {run.network: run for run in reversed(runs)}


def overfit(run: Run, rate: float = RATE, most: int = MOST) -> Curve:
    """Train on one phantom, of which every patch is the whole, until its DSC is above 0.9, or for ``most`` steps."""
    patch = run.train.patch_size
    settings = TrainParams.model_validate(
        {
            "epochs": math.ceil(most / EVERY),
            "steps_per_epoch": EVERY,
            "batch_size": 1,
            "patch_size": patch,
            "augmentation": {"preset": "none"},
            "optimiser": {"learning_rate": rate},
            "schedule": {"name": "constant"},
            "checkpoint_every": most,
        }
    )
    learnt = _phantom(patch)
    training = Training(
        network=networks.build(
            run.network,
            {"architecture": run.settings.architecture, **run.settings.options},
            patch_size=patch,
            in_channels=len(learnt.image),
            out_channels=len(CLASSES),
            seed=0,
        ),
        loss=losses.build("ce_dice"),
        batches=PatchBatches([learnt], {}, (), len(CLASSES), settings, MapsParams(), dataset="one", seed=0),
        validation=[learnt],
        classes=CLASSES,
        settings=settings,
        predict=PredictParams(),
        device=torch.device("cpu"),
    )
    curve: Curve = [(0, 0.0)]

    def observe(rows: Sequence[HistoryRow]) -> None:
        curve.extend((row.step, row.value) for row in rows if (row.split, row.name) == ("validation", "DSC"))
        if curve[-1][1] > ENOUGH:
            raise _LearntError

    with tempfile.TemporaryDirectory() as folder, suppress(_LearntError):
        train(training, Path(folder), observe, run.network)
    return curve


@cache
def _head() -> tuple[Any, Any]:
    """The image (4, 96, 96, 64) of a phantom, brain voxels z-scored, and its labels, at 2.5 mm."""
    canvas = paint_head(Grid((96, 96, 64), EXTENT_MM), True, stream("brats_phantom", 0, 1))
    image = np.stack(list(canvas.images))
    brain = image != 0
    for channel, inside in zip(image, brain, strict=True):
        channel[inside] = (channel[inside] - channel[inside].mean()) / channel[inside].std()
    return image, np.where(canvas.labels == ENHANCING, 3, canvas.labels).astype(np.uint8)


def _phantom(patch: Sequence[int]) -> PreparedCase:
    """The part of the head that lies around its tumour, as large as a patch."""
    image, labels = _head()
    centre = np.argwhere(labels).mean(axis=0).round().astype(int)
    first = np.clip(centre - np.array(patch) // 2, 0, np.array(labels.shape) - patch)
    part = tuple(slice(start, start + size) for start, size in zip(first, patch, strict=True))
    return case("one", image[(slice(None), *part)].astype(np.float16), labels[part])


def keep(network: str, curve: Curve, file: Path = CURVES) -> pd.DataFrame:
    """Put a curve in place of the network's former one into a file of them; all that it then holds."""
    new = pd.DataFrame(curve, columns=["step", "DSC"])
    new.insert(0, "network", network)
    others = pd.read_csv(file).query("network != @network") if file.exists() else new[:0]
    curves = pd.concat([others, new])
    with atomic_file(file) as temporary:
        curves.to_csv(temporary, index=False, float_format="%.4g")
    return curves


def draw(curves: pd.DataFrame, order: Sequence[str], file: Path) -> None:
    """A small panel for each network, the others in grey behind it."""
    from matplotlib.figure import Figure

    columns = 6
    rows = math.ceil(len(order) / columns)
    figure = Figure(figsize=(12, 1.9 * rows), layout="constrained")
    axes = list(figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat)
    for place, name in zip(axes, order, strict=False):
        for other, curve in curves.groupby("network"):
            colour, width = ("C0", 1.8) if other == name else ("0.85", 0.8)
            place.plot(curve.step, curve.DSC, color=colour, linewidth=width, zorder=1 + (other == name))
        place.axhline(ENOUGH, color="C3", linewidth=0.8, linestyle=":")
        place.set_title(f"{name}: {curves.step[curves.network == name].max()} steps", fontsize=9)
        place.set_ylim(0, 1)
        place.spines[["top", "right"]].set_visible(False)
    for place in axes[len(order) :]:
        place.set_axis_off()
    figure.supxlabel("steps of the optimiser on one phantom")
    figure.supylabel("DSC on it, mean of three classes")
    figure.savefig(file, dpi=110)


def main(wanted: Sequence[str]) -> None:
    """Train, keep, print and draw."""
    torch.set_num_threads(1)
    runs = small_runs()
    for name in wanted or runs:
        curve = overfit(runs[name])
        curves = keep(name, curve)
        print(name, *(f"{step}:{dsc:.2f}" for step, dsc in curve), flush=True)
        draw(curves, [run for run in runs if run in set(curves.network)], CURVES.with_suffix(".png"))


if __name__ == "__main__":
    main(sys.argv[1:])
