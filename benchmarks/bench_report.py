"""How long the report of a million scores takes, and how large its page is: 8 losses x 7 networks, 15 classes.

Seconds are those of the processor, which other work on the machine does not lengthen.
"""

import resource
import sys
import tempfile
from collections.abc import Hashable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.bench_scale import processor_seconds
from benchmarks.bench_scoring import row

LOSSES = ("ce", "dice", "ce_dice", "cwcd", "boundary_dice_gradual", "rrw", "rrw_ce", "focal")
NETWORKS = ("unet", "attention_unet", "vnet", "dynunet", "segresnet", "unetr", "swin_unetr")
METRICS = ("DSC", "HD95", "ASSD", "NSD@1mm")
SEEDS, CASES, CLASSES = 5, 60, 15


def scores(losses: int = 8, networks: int = 7, seeds: int = SEEDS, cases: int = CASES) -> pd.DataFrame:
    """Drawn scores in which losses, networks, classes and cases differ, and trainings scatter."""
    names: dict[str, Sequence[Hashable]] = {
        "network": NETWORKS[:networks],
        "loss": LOSSES[:losses],
        "seed": range(seeds),
        "case": [f"case_{number:03d}" for number in range(cases)],
        "class": [f"organ {number}" for number in range(1, CLASSES + 1)],
    }
    index = pd.MultiIndex.from_product(list(names.values()), names=list(names))
    random = np.random.default_rng(0)
    of_network, of_loss, _, of_case, of_class = np.ix_(
        *(np.linspace(-1, 1, len(values)) for values in names.values())
    )
    shape = [len(values) for values in names.values()]
    trained = random.normal(0, 0.1, (*shape[:3], 1, 1))
    logit = 1.2 + 0.3 * of_network + 0.15 * of_loss + 0.5 * of_case - of_class + trained
    dsc = 1 / (1 + np.exp(-(logit + random.normal(0, 0.3, shape)))).ravel()
    values = {"DSC": dsc, "HD95": 30 * (1 - dsc), "ASSD": 8 * (1 - dsc), "NSD@1mm": dsc**1.5}
    tables = [
        pd.DataFrame({"metric": metric, "value": values[metric].round(5)}, index=index).reset_index()
        for metric in METRICS
    ]
    return pd.concat(tables, ignore_index=True).assign(dataset="drawn")


def run() -> list[dict[str, object]]:
    """Seconds, memory and size of the page of a million scores."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = scores()
        table.to_csv(folder / "scores.csv", index=False)
        command = ["-m", "seglossbench", "report", "--scores", "scores.csv", "--out", "report"]
        seconds, _ = processor_seconds(folder, sys.executable, *command)
        memory_gb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2
        size_mb = (folder / "report" / "index.html").stat().st_size / 1e6
        return [
            row(f"report of {len(table):,} scores", "CPU seconds", seconds, "a limit", 30.0, 1),
            row("its memory", "GB", memory_gb, "a limit", 3.0, 1),
            row("its page", "MB", size_mb, "a limit", 15.0, 1),
        ]


if __name__ == "__main__":
    for figures in run():
        print(figures)
