"""Licences are shown and accepted once: by an option, which is remembered under data/, or by a key in the params."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from seglossbench.acquisition.sources import Licence
from seglossbench.errors import InputError
from seglossbench.files import write_json

REMEMBERED = Path("data/licences.json")


def accept(source: str, licence: Licence) -> None:
    """Remember that the licence of a source was accepted."""
    entry = {
        "licence": licence.name,
        "url": licence.url,
        "accepted": datetime.now(UTC).isoformat("T", "seconds"),
    }
    write_json(REMEMBERED, {**_accepted(), source: entry})


def require(source: str, licence: Licence, dataset: str) -> None:
    """Raise InputError that says how to accept, unless just this licence was accepted before."""
    entry = _accepted().get(source, {})
    if (entry.get("licence"), entry.get("url")) != (licence.name, licence.url):
        raise InputError(
            f"{dataset}: the licence of {source}, {licence.name} ({licence.url}), is not accepted yet; read it, then "
            f"run seglossbench download {dataset} --accept-licence, or set datasets.{dataset}.accept_licence: true"
        )


def _accepted() -> dict[str, dict[str, Any]]:
    if not REMEMBERED.exists():
        return {}
    try:
        return dict(json.loads(REMEMBERED.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        raise InputError(
            f"{REMEMBERED}: not the file of accepted licences; remove it and accept again"
        ) from None
