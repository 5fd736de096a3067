"""Names of experiments, metrics and params as MLflow takes them: readable, and each apart from every other."""

import re
import unicodedata
from functools import lru_cache

from seglossbench.errors import InputError
from seglossbench.files import digest
from seglossbench.params import EvaluateParams
from seglossbench.vocabulary.metrics import metric_named, split_name
from seglossbench.vocabulary.tables import COST

LONGEST = 250
_USUAL = EvaluateParams()
_SYSTEM = "system"  # which MLflow shows apart, below the curves


def experiment_name(part: str, dataset: str) -> str:
    """MLflow's experiment for a dataset of an experiment, in which all scores follow one convention."""
    return f"{part}/{dataset}"


@lru_cache(maxsize=100_000)
def metric_key(
    split: str,
    name: str,
    hd95: str = _USUAL.hd95,
    empty: str = _USUAL.empty,
    classes: str = _USUAL.classes,
    end: str = "",
) -> str:
    """The metric ``name`` of a history or of scores, ``METRIC`` or ``METRIC/CLASS``, such as ``test/DSC/liver``.

    Conventions that are not the usual ones stand behind the metric, as in ``test/HD95 max_directed drop``, so that no
    two conventions share a name, and then ``end``. Costs are called ``system/...``. A sign that MLflow refuses is
    called by its name in Unicode: ``<5mm`` becomes ``:less-than sign:5mm``.
    """
    metric, slash, name_of_class = name.partition("/")
    if split == COST:
        split = _SYSTEM
    elif _is_score(metric):
        metric = _with_conventions(metric, hd95, empty, classes)
    # Metrics are ours, and none has " at " in its name.
    return _cut(f"{split}/{_spelt(metric.replace('@', ' at '))}{end}{slash}{_spelt(name_of_class)}")


def param_key(name: str) -> str:
    """The name of a setting, such as ``train.epochs``."""
    return _cut(_spelt(name))


def _is_score(metric: str) -> bool:
    try:
        metric_named(split_name(metric)[0])
    except InputError:
        return False
    return True


def _with_conventions(metric: str, hd95: str, empty: str, classes: str) -> str:
    said = [metric]
    if metric.startswith("HD95") and hd95 != _USUAL.hd95:
        said.append(hd95)
    # A policy's metrics may bear its name already.
    if empty != _USUAL.empty and not split_name(metric)[0].endswith(empty):
        said.append(empty)
    if classes == "regions":  # of "both" the names of the metrics tell
        said.append(classes)
    return " ".join(said)


def _spelt(name: str) -> str:
    if not name.strip("."):  # which as a folder would be another one
        return "".join(map(_called, name))
    return re.sub(r"[^\w.\- ]", lambda found: _called(found[0]), name)


def _called(sign: str) -> str:
    return f":{unicodedata.name(sign, '').lower() or f'U+{ord(sign):04X}'}:"


def _cut(key: str) -> str:
    if len(key) <= LONGEST:
        return key
    end = f":cut {digest(key)}:"  # no sign is called so
    return key[: LONGEST - len(end)] + end
