"""From what, by what and when the tables of an analysis were made."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from seglossbench.analysis.whole import Options
from seglossbench.records import now, provenance


def provenance_of(
    about: Mapping[str, Any], tables: Mapping[str, pd.DataFrame], options: Options
) -> dict[str, Any]:
    """From what, by what and when the tables were made."""
    return {
        **about,
        "made": now(),
        "by": provenance(),
        "decides": options.decides,
        "baseline": options.baseline,
        "claims": list(options.claims),
        "absent_classes_scored": list(options.absent_scored),
        "tables": {name: len(table) for name, table in tables.items()},
    }
