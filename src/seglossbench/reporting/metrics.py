"""How a metric is printed: its unit, its digits, and which direction is better."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Metric:
    """A metric as readers see it: ``better`` is ``higher``, ``lower`` or nothing where we do not know."""

    name: str
    better: str = ""
    unit: str = ""
    digits: int = 3

    @property
    def arrow(self) -> str:
        """Up where higher is better, down where lower is."""
        return {"higher": "↑", "lower": "↓"}.get(self.better, "")

    @property
    def title(self) -> str:
        """Name, direction and unit, such as ``HD95 ↓ [mm]``."""
        return " ".join(part for part in (self.name, self.arrow, self.unit and f"[{self.unit}]") if part)

    def text(self, value: float) -> str:
        """The value with the metric's digits."""
        return "∞" if np.isposinf(value) else f"{value:.{self.digits}f}"


def plain_name(name: str) -> str:
    """The metric's name without that of the policy whose scores are in voxels."""
    return name.removesuffix("_paper_a_released")


def metric_of(name: str, distance_unit: str = "mm") -> Metric:
    """The metric by its name in the scores; one that we do not know has no direction."""
    family = plain_name(name).partition("@")[0]
    if family != name.partition("@")[0]:
        distance_unit = "voxels"
    if family in ("DSC", "IoU", "sensitivity", "precision", "NSD", "NSD_voxel"):
        return Metric(name, "higher")
    if family in ("HD", "HD95", "HD95_pooled", "HD95_max_directed", "ASSD", "ASD_pooled"):
        return Metric(name, "lower", distance_unit, 2)
    if family in ("TP", "FP", "FN", "truth_surface_voxels", "prediction_surface_voxels"):
        return Metric(name, digits=0)
    return Metric(name)


def in_order(found: Iterable[str]) -> list[str]:
    """All metrics that the scores have, DSC and HD95 first."""
    found = list(dict.fromkeys(found))
    first = [name for wanted in ("DSC", "HD95") for name in found if plain_name(name) == wanted]
    return [*first, *(name for name in found if name not in first)]
