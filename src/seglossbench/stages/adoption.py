"""Changes of code and of settings: why runs would be trained anew, and which changes are shown to change no digit."""

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from seglossbench import adopted
from seglossbench.adopted import Adoption, Change
from seglossbench.data.prepared import PreparedDataset
from seglossbench.errors import InputError, JobError
from seglossbench.experiment import Experiment, Run, RunSettings
from seglossbench.records import devices_of, read_history, state
from seglossbench.vocabulary.tables import COST


@dataclass(frozen=True)
class Difference:
    """What differs between a run that is to be trained and the nearest finished one of the same names."""

    run: Run
    former: Path
    settings: Mapping[str, tuple[Any, Any]]
    code: Mapping[str, Change]

    def __str__(self) -> str:
        said = [f"{key}: {old!r} -> {new!r}" for key, (old, new) in self.settings.items()]
        for module, change in self.code.items():
            what = "is new" if change.before is None else "is gone" if change.after is None else "was edited"
            said.append(f"{module} {what}")
        shown = "; ".join(said[:6]) + (f"; {len(said) - 6} more" if len(said) > 6 else "")
        return f"{self.run.id}: unlike {self.former.name}: {shown}"


def differences(experiment: Experiment) -> list[Difference]:
    """Of every run that is not finished, and of whose names another is, what differs from the nearest of those."""
    found = []
    for run in experiment.runs:
        if state(run.folder).is_finished:
            continue
        former = [difference for folder in _of_same_names(run) if (difference := _difference(run, folder))]
        if former:
            found.append(min(former, key=lambda one: (len(one.settings), len(one.code))))
    return found


def _of_same_names(run: Run) -> list[Path]:
    return sorted(
        folder
        for folder in run.folder.parent.glob(f"seed{run.seed}-*")
        if folder.suffix != ".running" and state(folder).is_finished
    )


def _difference(run: Run, folder: Path) -> Difference | None:
    with suppress(OSError, ValidationError):  # of a version that kept its settings in another form
        former = RunSettings.model_validate_json((folder / "settings.json").read_bytes())
        old, new = _flat(former.by_value()), _flat(run.settings.by_value())
        return Difference(
            run,
            folder,
            {key: (old.get(key), new.get(key)) for key in {**old, **new} if old.get(key) != new.get(key)},
            _changes(former.code, run.settings.code),
        )
    return None


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, Change]:
    return {
        module: Change(before=before.get(module), after=after.get(module))
        for module in sorted({**before, **after})
        if before.get(module) != after.get(module)
    }


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat


def adopt(experiment: Experiment, because: str, epochs: int, *, replays: bool = True) -> list[Adoption]:
    """Accept the changes of code since finished runs, so that these keep their names; returns what was written.

    Of every network and loss concerned, the first ``epochs`` of one finished run are trained again by the present code
    and must give the same history to the last bit; without ``replays``, ``because`` has to do.
    Raises InputError where there is nothing to adopt, and JobError where a digit differs.
    """
    candidates = [one for one in differences(experiment) if one.code and not one.settings]
    if not candidates:
        raise InputError(
            f"experiment {experiment.name}: nothing to adopt: no run differs from a finished one in its code alone "
            "(seglossbench status --why)"
        )
    shown: list[str] = []
    if replays:
        for one in {(one.run.network, one.run.loss): one for one in candidates}.values():
            replay(one, epochs)
            shown.append(f"{one.run.folder.parent.relative_to('runs')}/{one.former.name}")
    adoptions = [
        Adoption(
            date=date.today().isoformat(),
            because=because,
            modules=changes,
            shown_by=tuple(shown),
            epochs=epochs if replays else 0,
        )
        for changes in _merged([one.code for one in candidates])
    ]
    for adoption in adoptions:
        adopted.add(adoption)
    return adoptions


def _merged(changes: Sequence[Mapping[str, Change]]) -> list[dict[str, Change]]:
    """All changes in as few groups as say one thing of each module."""
    groups: list[dict[str, Change]] = []
    for change in changes:
        for group in groups:
            if all(group.get(module, one) == one for module, one in change.items()):
                group |= change
                break
        else:
            groups.append(dict(change))
    return groups


def replay(one: Difference, epochs: int) -> None:
    """Train the first epochs of a run by the present code; raises JobError where its history is another.

    Its prepared data and maps must be there as the present code makes them (``snakemake maps_all``), else InputError.
    """
    from seglossbench.maps.store import read_index
    from seglossbench.stages.preparation import split_of
    from seglossbench.training.claiming import claim_device
    from seglossbench.training.device import describe_device, limit_threads
    from seglossbench.training.loop import train
    from seglossbench.training.run import training_of

    run = one.run
    limit_threads(run.train.threads)
    prepared = PreparedDataset(run.dataset.prepared)
    with (
        claim_device(run.train.device, run.train.runs_per_gpu) as device,
        tempfile.TemporaryDirectory() as folder,
    ):
        here, there = describe_device(device), devices_of(one.former)
        if here != there:
            raise JobError(
                f"{one.former}: was trained on {there}, and this is {here}, where the same code may give other digits; "
                "adopt there, or say --without-replay"
            )
        split = split_of(run.dataset, prepared)
        training = training_of(run.settings, prepared, split, read_index(run.dataset.maps), device)
        train(training, Path(folder), lambda rows: None, title=f"replay {run.id}", epochs=epochs)
        rows = [
            [row for row in read_history(place / "history.csv") if row.split != COST and row.epoch < epochs]
            for place in (one.former, Path(folder))
        ]
    for old, new in zip(*rows, strict=False):
        if repr(old) != repr(new):
            raise JobError(
                f"{run.id}: the present code gives other digits than {one.former.name}: {new.split} {new.name} of "
                f"epoch {new.epoch} is {new.value!r}, and was {old.value!r}; nothing was adopted"
            )
    if len(rows[0]) != len(rows[1]):
        raise JobError(
            f"{run.id}: the present code writes another history than {one.former.name}; nothing was adopted"
        )
