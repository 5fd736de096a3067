"""What every architecture costs at its paper's patch, as ``python -m benchmarks.network_costs`` counted it."""

import csv
from dataclasses import dataclass
from pathlib import Path

COSTS = Path(__file__).with_suffix(".csv")


@dataclass(frozen=True)
class Cost:
    """Of one patch, in voxels, in float32; multiplications and additions are two operations.

    ``operations`` are those of a forward pass, ``activation_bytes`` what it keeps for the backward pass.
    """

    patch: str
    channels: int
    classes: int
    parameters: int
    operations: int
    activation_bytes: int


def costs() -> dict[str, Cost]:
    """The costs of ours by architecture."""
    with COSTS.open(newline="", encoding="utf-8") as file:
        return {
            row.pop("architecture"): Cost(
                row.pop("patch"), **{name: int(value) for name, value in row.items()}
            )
            for row in csv.DictReader(file)
        }
