"""What a job is told, as a file: the run whole, so that no edit of params while it waits makes it another one."""

import json
from collections.abc import Mapping
from json import JSONDecodeError
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from seglossbench import plugins
from seglossbench.errors import InputError, JobError
from seglossbench.experiment import identity
from seglossbench.experiment.runs import Run, run_roots
from seglossbench.files import write_text

FOLDER = Path("logs/plans")
_PLAN = TypeAdapter(Run)


def place_of(id: str) -> Path:
    """Where the plan of the run of that id lies."""
    return FOLDER / f"{id}.json"


def write(run: Run) -> Path:
    """Write the plan of a run, unless it is there already, and return its place."""
    place = place_of(run.id)
    text = _PLAN.dump_json(run, indent=1).decode() + "\n"
    if not place.is_file() or place.read_text(encoding="utf-8") != text:
        write_text(place, text)
    return place


def use_plugins(settings: Mapping[str, Any]) -> None:
    """Let the files that the settings of a run name be known, before these are read; raises InputError as ``use``."""
    plugins.use(settings.get("plugins", ()))


def read(place: Path) -> Run:
    """The run of a plan.

    Raises JobError that names a module where other code would run than was planned, and InputError for a damaged plan.
    """
    try:
        plan = place.read_bytes()
        use_plugins(json.loads(plan)["settings"])
        run = _PLAN.validate_json(plan)
    except FileNotFoundError:
        raise InputError(f"{place}: no such plan; snakemake writes it when it starts") from None
    except (ValidationError, KeyError, TypeError, JSONDecodeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{place}: damaged plan: {reason}; start snakemake again, which writes it anew"
        ) from None
    planned, present = run.settings.code, identity.code_of(run_roots(run.settings))
    if edited := sorted(
        name for name in planned.keys() | present.keys() if planned.get(name) != present.get(name)
    ):
        others = f" and {len(edited) - 1} more modules" if len(edited) > 1 else ""
        raise JobError(
            f"{run.id}: {edited[0]}{others} was edited after this run was planned, so it would be another run; "
            "start snakemake again, or take the edit back"
        )
    return run
