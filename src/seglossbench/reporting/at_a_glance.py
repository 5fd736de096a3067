"""The means of one metric as a table at a glance has them: a row per dataset, network and loss, and their ranks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from seglossbench.analysis.cubes import ALL
from seglossbench.reporting import svg
from seglossbench.reporting.parts import Row, Source
from seglossbench.vocabulary.metrics import Metric

Place = tuple[str, str]
"""A dataset and a network."""


@dataclass(frozen=True)
class Glance:
    """The means over the classes by the metric ``name``, in the order of the analysis."""

    source: Source
    name: str
    rows: Sequence[Row]

    @classmethod
    def of(cls, source: Source, name: str) -> "Glance":
        """Those of a report."""
        means = source.means
        return cls(source, name, means[means["metric"] == name].to_dict("records"))

    @cached_property
    def cells(self) -> dict[tuple[str, str, str], Row]:
        """The rows by dataset, network and loss."""
        return {(row["dataset"], row["network"], row["loss"]): row for row in self.rows}

    @cached_property
    def of_place(self) -> dict[Place, list[Row]]:
        """The rows of each dataset and network."""
        found: dict[Place, list[Row]] = {}
        for (dataset, network, _), row in self.cells.items():
            found.setdefault((dataset, network), []).append(row)
        return found

    @cached_property
    def losses(self) -> list[str]:
        """The losses by their mean rank; those without one last."""
        there = {loss for *_, loss in self.cells}

        def mean_rank(loss: str) -> float:
            ranks = [rank for rank in self._ranks(loss) if rank == rank]
            return sum(ranks) / len(ranks) if ranks else math.inf

        return sorted((loss for loss in self.source.losses if loss in there), key=mean_rank)

    @cached_property
    def mean_ranks(self) -> dict[str, str]:
        """The mean rank of each loss over several datasets and single networks; none of a loss that is not in all."""
        ranks = {loss: self._ranks(loss) for loss in dict.fromkeys(row["loss"] for row in self.rows)}
        places = max((len(of_loss) for of_loss in ranks.values()), default=0)
        if places < 2 or len(ranks) < 2:
            return {}
        return {
            loss: f"{sum(of_loss) / places:.2f}"
            if len(of_loss) == places and not math.isnan(sum(of_loss))
            else "—"
            for loss, of_loss in ranks.items()
        }

    @cached_property
    def told_apart(self) -> dict[Place, str]:
        """How many pairs of losses are told apart on each dataset with each network."""
        pairs = self.source.tables["differences"]
        own = pairs[(pairs["metric"] == self.name) & (pairs["class"] == ALL)]
        return {
            (str(dataset), str(network)): f"{(group['better'] != '').sum()} of {len(group)}"
            for (dataset, network), group in own.groupby(["dataset", "network"], sort=False)
        }

    def has_leaders(self, place: Place) -> bool:
        """Whether some losses of a place can be told from its best."""
        return any(row["rank"] == row["rank"] and not row["tied_with_best"] for row in self.of_place[place])

    def axis(self, place: Place) -> svg.Axis:
        """An axis that holds the means of a place, and of their intervals what leaves the means apart."""
        rows = self.of_place[place]
        means = [float(row["mean"]) for row in rows if math.isfinite(row["mean"])] or [0.0]
        ends = [float(row[end]) for row in rows for end in ("lo", "hi") if math.isfinite(row[end])] or means
        reach = max(max(means) - min(means), 1e-9 * abs(means[0]), 1e-12)
        widths = sorted(
            float(row["hi"]) - float(row["lo"]) for row in rows if math.isfinite(row["hi"] - row["lo"])
        )
        reach = max(reach, widths[len(widths) // 2] if widths else reach)
        lo, hi = max(min(ends), min(means) - reach), min(max(ends), max(means) + reach)
        return svg.Axis(lo, hi, 6, 118)

    def _ranks(self, loss: str) -> list[float]:
        """The ranks of a loss on all datasets with single networks."""
        return [row["rank"] for row in self.rows if row["loss"] == loss and row["network"] != ALL]


def rank_of(row: Row) -> str:
    """The rank of a mean and, where any pair was tested, the ranks that are allowed."""
    allowed = f" ({row['rank_lo']:.0f} to {row['rank_hi']:.0f})" if row["rank_lo"] == row["rank_lo"] else ""
    return f"{row['rank']:.0f}{allowed}"


def interval_of(row: Row, metric: Metric) -> str:
    """The interval of a mean in words."""
    if not math.isfinite(row["lo"]) or not math.isfinite(row["hi"]):
        return "no interval"
    return f"{metric.text(row['lo'])} to {metric.text(row['hi'])}"
