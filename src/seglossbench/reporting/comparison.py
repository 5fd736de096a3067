"""Ours beside the published: a row per loss, mean and deviation over the same cases by the same convention."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from seglossbench.data.published import Published
from seglossbench.drawing.names import csv_text
from seglossbench.statistics.summaries import over_cases_and_seeds
from seglossbench.vocabulary.metrics import Metric


@dataclass(frozen=True)
class ComparedMetric:
    """What a table says of one loss and metric: mean ± sd of ours and of theirs, and the difference of the means."""

    ours: str = ""
    published: str = ""
    difference: str = ""


@dataclass(frozen=True)
class ComparedLoss:
    """A loss by our name and theirs, either of which may be missing, with its scores per metric."""

    loss: str
    published_as: str
    metrics: tuple[ComparedMetric, ...]


@dataclass(frozen=True)
class Comparison:
    """The table of a network's scores beside the published ones, and how both were made."""

    network: str
    metrics: tuple[Metric, ...]
    rows: tuple[ComparedLoss, ...]
    caption: str
    source: str
    protocol: tuple[tuple[str, str, str], ...]
    """What it is about, ours, theirs."""


def compare(
    scores: pd.DataFrame, published: Published, losses: Sequence[str], network: str, metrics: Sequence[Metric]
) -> Comparison:
    """The comparison of a network's folded ``scores`` of one dataset with the folded published ones.

    Losses of both come first, in our order, then ours that nobody published, then theirs that we did not run.
    """
    ours = over_cases_and_seeds(scores[scores["network"] == network])
    theirs = over_cases_and_seeds(published.scores)
    rows = tuple(
        ComparedLoss(
            loss,
            name,
            tuple(
                _compared(ours.get((metric.name, loss)), theirs.get((metric.name, name)), metric)
                for metric in metrics
            ),
        )
        for loss, name in pairs_of(losses, list(dict.fromkeys(published.scores["loss"])), published.losses)
    )
    keys = dict.fromkeys([*published.our_protocol, *published.protocol])
    return Comparison(
        network,
        tuple(metrics),
        rows,
        "Arithmetic mean ± sd over all test images and seeds, of ours and of the published scores of the same images; "
        "sd is the sample standard deviation (n − 1). Both are as its authors compute them, and no mean of another "
        "table where that is geometric. The difference is ours − published. The two come "
        "from different protocols, told below the table: a difference says how near our experiment comes to the "
        "published one, not that a loss is better.",
        published.source,
        tuple((key, published.our_protocol.get(key, "—"), published.protocol.get(key, "—")) for key in keys),
    )


def pairs_of(
    ours: Sequence[str], published: Sequence[str], names: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Our losses with their published names: those of both, ours alone, theirs alone; a missing one is empty."""
    their_name = {names[name]: name for name in published if name in names}
    both = [(loss, their_name[loss]) for loss in ours if loss in their_name]
    ours_alone = [(loss, "") for loss in ours if loss not in their_name]
    theirs_alone = [("", name) for name in published if names.get(name) not in ours]
    return [*both, *ours_alone, *theirs_alone]


def to_csv(comparison: Comparison) -> str:
    """The table as CSV with the cells as people read them."""
    rows = [
        {
            "loss": row.loss,
            "published as": row.published_as,
            **{
                f"{metric.name} {what}": getattr(cell, what)
                for metric, cell in zip(comparison.metrics, row.metrics, strict=True)
                for what in ("ours", "published", "difference")
            },
        }
        for row in comparison.rows
    ]
    return csv_text(pd.DataFrame(rows), ["loss", "published as"])


Moments = tuple[float, float] | None


def _compared(ours: Moments, theirs: Moments, metric: Metric) -> ComparedMetric:
    difference = "" if ours is None or theirs is None else f"{ours[0] - theirs[0]:+.{metric.digits}f}"
    return ComparedMetric(_text(ours, metric), _text(theirs, metric), difference.replace("-", "−"))


def _text(moments: Moments, metric: Metric) -> str:
    return "" if moments is None else f"{metric.text(moments[0])} ± {metric.text(moments[1])}"
