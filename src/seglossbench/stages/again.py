"""A run trained again from the settings in its folder, whatever params say today."""

import json
from pathlib import Path

from pydantic import ValidationError

from seglossbench.data.prepared import PreparedDataset
from seglossbench.data.splits import PARTS, Split
from seglossbench.errors import InputError
from seglossbench.experiment import RunSettings, identity
from seglossbench.experiment.plans import use_plugins
from seglossbench.experiment.runs import run_roots
from seglossbench.files import write_json
from seglossbench.records import DATA, note_divergence, run_in_progress, state


def train_from(folder: Path, into: Path) -> Path:
    """Train a run again by the present code on the cases that it had, into a folder of its own, which is returned.

    Raises InputError where its settings cannot be read, its prepared cases are gone or the folder is taken.
    """
    from seglossbench.training.claiming import claim_devices
    from seglossbench.training.device import describe_device, limit_threads
    from seglossbench.training.run import Prepared, train_over

    settings, cases = _recorded(folder)
    if state(into).is_finished:
        raise InputError(f"{into}: holds a finished run already; name another folder by --into")
    prepared = PreparedDataset(Path("data/prepared") / settings.prepared)
    _check(prepared, cases)
    train_cases, validation, test = (tuple(cases[part]) for part in PARTS)
    split = Split(train_cases, validation, test)
    limit_threads(settings.train.threads)
    with (
        claim_devices(settings.train.device, settings.train.devices, settings.train.runs_per_gpu) as devices,
        run_in_progress(into, settings.model_dump(mode="json"), describe_device(*devices)) as running,
    ):
        write_json(running / DATA, cases)
        data = Prepared(settings, prepared.folder, split, Path("data/maps") / settings.stored)
        trained = train_over(devices, data, running, lambda rows: None, str(into))
        if trained.divergence is not None:
            note_divergence(running, trained.divergence.epoch, trained.divergence.reason)
    return into


def _recorded(folder: Path) -> tuple[RunSettings, dict[str, dict[str, str]]]:
    """The settings of a run, with the present code, and the prepared cases of each part."""
    try:
        text = (folder / "settings.json").read_bytes()
        use_plugins(json.loads(text))
        settings = RunSettings.model_validate_json(text)
        cases = json.loads((folder / DATA).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror}; give the folder of a run") from None
    except InputError:
        raise
    except (ValidationError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{folder}: cannot be read as the settings of a run: {reason}") from None
    return settings.model_copy(update={"code": identity.code_of(run_roots(settings))}), cases


def _check(prepared: PreparedDataset, cases: dict[str, dict[str, str]]) -> None:
    for part, places in cases.items():
        for name, place in places.items():
            there = prepared.cases[name].folder.name if name in prepared.cases else "not there"
            if there != place:
                raise InputError(
                    f"{prepared.folder}: case {name} of {part} was {place}, and is {there}; prepare the data as it was"
                )
