"""The catalogue of metrics: what each measures, which way is better, and how it is printed.

The average surface distances have the names of Metrics Reloaded, MedPy (0.5 and later) and MONAI. What a metric
computes is in ``evaluation``; whoever checks a name, orders or prints a score asks here.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, get_args

from seglossbench.errors import InputError, nearest
from seglossbench.registry import METRICS

BETTER = ("higher", "lower", "")
FACTS = {"better": str, "kind": str | None, "unit": str, "digits": int, "words": str}
"""What the decorator of a metric says of it."""

Kind = Literal["overlap", "hausdorff", "average"]
"""Which score a metric takes of a policy for empty masks: of overlaps, of largest or of average distances."""

Mean = Literal["arithmetic", "geometric"]
"""How a metric is averaged, over cases, classes and seeds alike, wherever a mean of it is shown."""

IN_VOXELS = "_paper_a_released"
"""The ending of a metric's name under the policy that measures in voxels, which must not be averaged with mm."""

OF_REGIONS = "_of_regions"
OF_BEST = "_of_best_checkpoint"
"""The endings, in this order, of the names of scores that stand beside the usual ones: ``DSC_of_best_checkpoint``."""


@dataclass(frozen=True)
class Metric:
    """A metric by its name; ``better`` is ``higher``, ``lower`` or nothing where neither is, ``kind`` None of counts.

    ``unit`` is that of distances, ``tolerance_mm`` how far a surface may be off, for the metrics that ask for it.
    """

    name: str
    words: str = ""
    kind: Kind | None = None
    better: Literal["higher", "lower", ""] = ""
    unit: str = ""
    digits: int = 3
    tolerance_mm: float | None = None

    @property
    def mean(self) -> Mean:
        """Distances differ by factors, and one missed class outweighs all cases: their means are geometric."""
        return "geometric" if self.kind in ("hausdorff", "average") else "arithmetic"

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
        return "∞" if value == math.inf else f"{value:.{self.digits}f}"


def _overlap(name: str, words: str) -> Metric:
    return Metric(name, words, "overlap", "higher")


def _distance(name: str, kind: Kind, words: str) -> Metric:
    return Metric(name, words, kind, "lower", "mm", digits=2)


def _count(name: str, words: str) -> Metric:
    return Metric(name, words, digits=0)


CATALOGUE: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        _overlap("DSC", "twice the common volume by the sum of both volumes (Dice)"),
        _overlap("IoU", "the common volume by the joint volume (Jaccard)"),
        _overlap("sensitivity", "the share of the truth that is predicted (recall)"),
        _overlap("precision", "the share of the prediction that is true"),
        _distance("HD", "hausdorff", "the largest distance between the surfaces"),
        _distance(
            "HD95", "hausdorff", "the 95th percentile of the distances, by the convention that is asked for"
        ),
        _distance(
            "HD95_pooled", "hausdorff", "the 95th percentile of the distances of both directions (MedPy)"
        ),
        _distance(
            "HD95_max_directed", "hausdorff", "the larger of the two directed 95th percentiles (MONAI)"
        ),
        _distance(
            "HD95_prediction_to_truth", "hausdorff", "the 95th percentile from the prediction to the truth"
        ),
        _distance(
            "HD95_truth_to_prediction", "hausdorff", "the 95th percentile from the truth to the prediction"
        ),
        _distance(
            "ASSD", "average", "the mean of the distances of both directions (MedPy 0.5, MONAI's symmetric)"
        ),
        _distance("MASD", "average", "the mean of the two directed means (MedPy's assd until 0.4)"),
        _distance(
            "ASD", "average", "the mean from the prediction to the truth (MedPy's asd, MONAI's default)"
        ),
        _distance("ASD_truth_to_prediction", "average", "the mean from the truth to the prediction"),
        Metric("RVD", "the prediction's volume relative to the truth's, minus 1"),
        _count("TP", "voxels of both"),
        _count("FP", "voxels of the prediction alone"),
        _count("FN", "voxels of the truth alone"),
        _count("truth_surface_voxels", "voxels of the truth's surface"),
        _count("prediction_surface_voxels", "voxels of the prediction's surface"),
    )
}
FAMILIES: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        _overlap("NSD", "the share of both surfaces' area within the tolerance (google's surface-distance)"),
        _overlap("NSD_voxel", "the share of both surfaces' voxels within the tolerance (MONAI)"),
    )
}
"""Metrics that are asked for with a tolerance, such as ``NSD@1mm``."""
RENAMED = {"ASD_pooled": "it is called ASSD now, as elsewhere, and what was ASSD is MASD"}
USUAL = ("DSC", "HD", "HD95", "ASSD")
_WITH_TOLERANCE = re.compile(rf"({'|'.join(FAMILIES)})@(\d+\.?\d*|\.\d+)mm")


def metric_named(name: str) -> Metric:
    """The metric of that name; raises InputError with the nearest known one, or the new name of a former one."""
    if name in CATALOGUE:
        return CATALOGUE[name]
    if match := _WITH_TOLERANCE.fullmatch(name):
        return replace(FAMILIES[match[1]], name=name, tolerance_mm=float(match[2]))
    if name in METRICS:
        return _declared(name)
    if name in RENAMED:
        raise InputError(f"unknown metric {name!r}: {RENAMED[name]}")
    known = (*METRICS, "HD95", *(f"{family}@1mm" for family in FAMILIES))
    raise InputError(f"unknown metric {name!r}; {nearest(name, known)}")


def _declared(name: str) -> Metric:
    """A metric that is not ours, as its decorator says; raises InputError where it says what cannot be."""
    signature = METRICS.signature(name)
    facts = {key: value for key, value in signature.declared.items() if key in FACTS}
    for key, allowed in FACTS.items():
        if key in facts and ((facts[key] is None and key != "kind") or not isinstance(facts[key], allowed)):
            raise InputError(f"metric {name!r}: {key}: expected a literal, as evaluation.register says")
    if facts.get("better", "") not in BETTER or facts.get("kind") not in (None, *get_args(Kind)):
        raise InputError(
            f"metric {name!r}: better is higher, lower or nothing, and kind {', '.join(get_args(Kind))} or nothing"
        )
    return Metric(name, **facts | {"words": facts.get("words") or signature.summary or name})


def describe_metrics() -> str:
    """Every metric that may be asked for, with its direction, unit and words, in lines."""
    families = [replace(metric, name=f"{name}@1mm") for name, metric in FAMILIES.items()]
    others = [_declared(name) for name in METRICS if name not in CATALOGUE]
    return "\n".join(
        f"{metric.title}\n    {metric.words}" for metric in (*CATALOGUE.values(), *families, *others)
    )


def metric_of(name: str, distance_unit: str = "mm") -> Metric:
    """The metric by its name in anybody's scores, distances in that unit; an unknown one has no direction."""
    if split_name(name)[0].endswith(IN_VOXELS):
        distance_unit = "voxels"
    try:
        metric = metric_named(plain_name(name))
    except InputError:
        metric = Metric(name)
    return replace(metric, name=name, unit=metric.unit and distance_unit)


def plain_name(name: str) -> str:
    """The metric's name without that of the policy whose scores are in voxels, and of what else was scored."""
    return split_name(name)[0].removesuffix(IN_VOXELS)


def split_name(name: str) -> tuple[str, str]:
    """The name of a metric, or of the status, and what was scored besides: ``("DSC", "_of_best_checkpoint")``.

    The second is empty for the labels and the weights that are scored in any case.
    """
    usual = name.removesuffix(OF_BEST).removesuffix(OF_REGIONS)
    return usual, name[len(usual) :]


def is_known(name: str) -> bool:
    """Whether a name in a table is that of a metric of ours, under any policy."""
    return bool(metric_of(name).words)


def in_order(found: Iterable[str]) -> list[str]:
    """All metrics that the scores have, DSC and HD95 first."""
    found = list(dict.fromkeys(found))
    first = [name for wanted in ("DSC", "HD95") for name in found if name.removesuffix(IN_VOXELS) == wanted]
    return [*first, *(name for name in found if name not in first)]
