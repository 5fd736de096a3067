"""The names of metrics, so that a misspelt one is found before anything runs."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from seglossbench.errors import nearest

METRICS = (
    *("DSC", "IoU", "sensitivity", "precision", "RVD"),
    *("HD", "HD95", "HD95_pooled", "HD95_max_directed", "ASSD", "ASD_pooled"),
    *("TP", "FP", "FN", "truth_surface_voxels", "prediction_surface_voxels"),
)
OF_PAPER_A_RELEASED = ("DSC", "HD", "HD95", "HD95_pooled", "HD95_max_directed", "ASSD", "ASD_pooled")
"""Those for which the policy ``paper_a_released`` for empty masks has scores; the raw counts need none."""
WITH_TOLERANCE = re.compile(r"(NSD|NSD_voxel)@(\d+\.?\d*|\.\d+)mm")


def unknown_metric(name: str) -> str:
    """What is wrong with the name of a metric, with the nearest known one; empty if nothing is."""
    if name in METRICS or WITH_TOLERANCE.fullmatch(name):
        return ""
    return f"unknown metric {name!r}; {nearest(name, (*METRICS, 'NSD@1mm', 'NSD_voxel@1mm'))}"


def _known(name: str) -> str:
    if wrong := unknown_metric(name):
        raise ValueError(wrong)
    return name


MetricNames = Annotated[tuple[Annotated[str, AfterValidator(_known)], ...], Field(min_length=1)]
