"""Names of metrics and params as MLflow takes them: any class's name stays readable, and apart from every other."""

import re
import unicodedata

from seglossbench.files import digest

LONGEST = 250


def metric_key(split: str, name: str) -> str:
    """The metric ``name`` of a history or of scores, ``METRIC`` or ``METRIC/CLASS``, such as ``test/DSC/liver``.

    A sign that MLflow refuses is called by its name in Unicode: ``<5mm`` becomes ``:less-than sign:5mm``.
    """
    metric, slash, name_of_class = name.partition("/")
    # Metrics are ours, and none has " at " in its name.
    return _cut(f"{split}/{_spelt(metric.replace('@', ' at '))}{slash}{_spelt(name_of_class)}")


def param_key(name: str) -> str:
    """The name of a setting, such as ``train.epochs``."""
    return _cut(_spelt(name))


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
