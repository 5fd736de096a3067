"""What every network costs at its paper's patch, counted without computing: vocabulary/network_costs.csv.

``python -m benchmarks.network_costs`` counts all again and rewrites the file, which ``seglossbench list architectures``
prints.
"""

import csv
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from seglossbench import networks
from seglossbench.experiment import Experiment
from seglossbench.files import atomic_file
from seglossbench.plan import expected
from seglossbench.registry import ARCHITECTURES
from seglossbench.vocabulary.network_costs import COSTS, Cost

PROJECT = Path(__file__).parents[1]
EXPERIMENTS = {"contour_weighted": "brats2020", "region_wise": "acdc17"}
"""The papers' experiments, and the dataset of each whose patches and classes are taken."""


def settings() -> dict[str, dict[str, Any]]:
    """Of each architecture, its options in the papers' experiments, its patch, channels and classes.

    One that no paper names has its default options, and what paper A's others have.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, dataset in EXPERIMENTS.items():
        for run in Experiment.load(PROJECT / "params.yaml", {"experiment": name}).runs:
            usual = expected(run.dataset)
            if run.dataset.name == dataset and usual and run.settings.architecture not in found:
                found[run.settings.architecture] = {
                    "options": run.settings.options,
                    "patch": run.train.patch_size,
                    "channels": usual.channels,
                    "classes": usual.classes,
                }
    usual_ones = found["UNet"] | {"options": {}}
    return {name: found.get(name, usual_ones) for name in ARCHITECTURES.own}


def on_meta(
    architecture: str, options: dict[str, Any], patch: Sequence[int], channels: int, classes: int
) -> nn.Module:
    """The network without memory for its weights, which computes shapes alone."""

    def build() -> nn.Module:
        return networks.build(
            architecture, options, patch_size=patch, in_channels=channels, out_channels=classes, seed=0
        )

    try:
        with torch.device("meta"):
            return build()
    except RuntimeError:  # MONAI's SwinUNETR reads a tensor as it is built
        return build().to("meta")


def count(
    architecture: str, options: dict[str, Any], patch: Sequence[int], channels: int, classes: int
) -> Cost:
    """Weights, operations of a forward pass, and what it keeps for the backward pass, of one patch in float32."""
    network = on_meta(architecture, options, patch, channels, classes).train()
    image = torch.empty(1, channels, *patch, device="meta")
    own = {storage_of(weight) for weight in [*network.parameters(), *network.buffers()]}
    kept: dict[int, Tensor] = {}  # held, so that no storage gets the number of another that is gone

    def keep(saved: Tensor) -> Tensor:
        if storage_of(saved) not in own:
            kept[storage_of(saved)] = saved
        return saved

    with (
        FlopCounterMode(display=False) as counter,
        torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x),
    ):
        network(image)
    return Cost(
        patch=" x ".join(map(str, patch)),
        channels=channels,
        classes=classes,
        parameters=sum(weight.numel() for weight in network.parameters()),
        operations=counter.get_total_flops(),
        activation_bytes=sum(saved.untyped_storage().nbytes() for saved in kept.values()),
    )


def storage_of(tensor: Tensor) -> int:
    """What tells the memory of a tensor from that of others, also where no memory is."""
    return int(tensor.untyped_storage()._cdata)


def main() -> None:
    """Count all and write."""
    with atomic_file(COSTS) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, ["architecture", *(field.name for field in fields(Cost))])
        table.writeheader()
        for architecture, setting in settings().items():
            table.writerow({"architecture": architecture, **asdict(count(architecture, **setting))})


if __name__ == "__main__":
    main()
