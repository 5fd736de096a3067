"""On which scale a metric is averaged and compared, and which direction is better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from numpy.typing import ArrayLike

from seglossbench.statistics.scales import Array, natural
from seglossbench.vocabulary.metrics import Mean, metric_of

Kind = Literal["share", "distance", "number"]

MISSED = "missed_rate"
FALSE_ALARMS = "false_alarm_rate"
"""Metrics made of the statuses: the share of present classes that were missed, and of absent ones that were found."""


@dataclass(frozen=True)
class Measure:
    """A metric as the analysis treats it.

    A *share* (0 to 1) is averaged as it is, with its interval on the logit scale, and compared by differences. A
    *distance* is averaged and compared by its logarithm: geometric means, and ratios of losses. Any other *number* is
    averaged and compared as it is. ``better`` is empty where we do not know: such a metric ranks nothing.
    """

    name: str
    kind: Kind
    better: Literal["higher", "lower", ""]

    @property
    def scale_of_means(self) -> str:
        """The scale of a mean's interval."""
        return {"share": "logit", "distance": "log", "number": "raw"}[self.kind]

    @property
    def scale_of_differences(self) -> str:
        """What stands for a difference of two losses: a - b, or a / b."""
        return "ratio" if self.kind == "distance" else "raw"

    @property
    def sign(self) -> int:
        """1 where higher is better, -1 where lower is, 0 where nobody knows."""
        return {"higher": 1, "lower": -1, "": 0}[self.better]

    @property
    def mean(self) -> Mean:
        """How it is averaged."""
        return "geometric" if self.kind == "distance" else "arithmetic"

    def natural(self, value: ArrayLike) -> Array:
        """Numbers of the working scale in the metric's own unit (or, of a difference, as a ratio)."""
        return natural(value, self.mean)


def measure_of(name: str) -> Measure:
    """The metric by its name in the scores, with whatever convention, tolerance or policy the name carries."""
    if name in (MISSED, FALSE_ALARMS):
        return Measure(name, "share", "lower")
    metric = metric_of(name)
    if metric.mean == "geometric":
        return Measure(name, "distance", metric.better)
    return Measure(name, "share" if metric.kind == "overlap" else "number", metric.better)
