"""How much an experiment is before it runs: its runs, jobs, hours of training and disk, from what one step costs here.

No data need be there: what is known of a public dataset stands in the catalogue of sources. Costs of steps are measured
by ``measure`` and kept in ``logs/step_costs.json``; all else here reads and multiplies, so that the Snakefile may ask.
"""

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from seglossbench.acquisition.sources import Usual, find
from seglossbench.data.prepared import PreparedDataset
from seglossbench.errors import InputError
from seglossbench.experiment import Dataset, Experiment, Run
from seglossbench.files import digest, write_json
from seglossbench.jobs import train_jobs
from seglossbench.records import duration_seconds

COSTS = Path("logs/step_costs.json")
TFLOPS = 10.0  # that a GPU sustains on such networks, for want of one to measure
FORWARD = 1 / 3  # of a step's operations
PREDICTION_BYTES = 0.01  # per voxel of a label map in a .nii.gz


@dataclass(frozen=True)
class Part:
    """The runs of one dataset and network: how many, and the seconds of one, of which ``scoring`` predict cases."""

    dataset: str
    network: str
    runs: int
    seconds: float
    scoring: float
    operations: float
    source: str


def expected(dataset: Dataset) -> Usual | None:
    """What is known of a dataset: as prepared, else as its phantom or source says, else nothing."""
    with suppress(InputError, OSError, ValueError):
        # a folder that is damaged stops its own jobs, not all of them
        return _as_prepared(PreparedDataset(dataset.prepared))
    phantom, source = dataset.params.phantom, dataset.params.source
    if phantom is not None:
        channels, classes = {"brats": (4, 4), "amos": (1, 16), "pengwin": (1, 13), "discs": (1, 2)}[
            phantom.layout
        ]
        return Usual(
            cases=phantom.training + phantom.test,
            channels=channels,
            classes=classes,
            shape=phantom.shape,
            test=phantom.test,
        )
    return find(source).usual if source else None


def _as_prepared(prepared: PreparedDataset) -> Usual:
    cases = list(prepared.cases.values())
    shapes = zip(*(case.shape for case in cases), strict=True)
    return Usual(
        cases=len(cases),
        channels=len(prepared.channels),
        classes=len(prepared.classes),
        shape=tuple(sorted(sizes)[len(sizes) // 2] for sizes in shapes),
        test=sum(case.official == "test" for case in cases) or None,
    )


def summary(experiment: Experiment, tflops: float = TFLOPS) -> str:
    """Runs, jobs, hours and disk of an experiment, in lines; without measurements, how to make them."""
    lines = [
        f"experiment {experiment.name}: {len(experiment.runs)} runs in {len(train_jobs(experiment))} jobs"
    ]
    known = {dataset.name: expected(dataset) for dataset in experiment.datasets}
    lines += _padded(experiment, known)
    parts = list(_parts(experiment, known))
    if not parts:
        return "\n".join(
            [*lines, "how long it takes: seglossbench status --estimate measures a step of each"]
        )
    for part in parts:
        lines.append(
            f"  {part.dataset:<16}{part.network:<16}{part.runs:>5} runs of {_time(part.seconds)}"
            f"{f', {_time(part.scoring)} of it scoring' if part.scoring else ''} ({part.source})"
        )
    total = sum(part.runs * part.seconds for part in parts)
    operations = sum(part.runs * part.operations for part in parts)
    lines.append(
        f"training in all: about {_time(total)} on this machine, one run at a time; about "
        f"{operations / tflops / 3.6e15:,.0f} GPU hours at {tflops:g} TFLOP/s"
    )
    unknown = len(experiment.runs) - sum(part.runs for part in parts)
    if unknown:
        lines.append(
            f"not in it: {unknown} runs whose step has no measurement: seglossbench status --estimate"
        )
    return "\n".join([*lines, _disk(experiment, known)])


def measure(experiment: Experiment, threads: int, device_name: str) -> None:
    """Measure a step of every network and dataset shape that has no measurement of this device, and keep it."""
    from tqdm import tqdm

    from seglossbench.errors import JobError
    from seglossbench.training.device import choose_device, describe_device, limit_threads
    from seglossbench.training.step_cost import measure_step

    limit_threads(threads)
    device = choose_device(device_name)
    here = describe_device(device)
    costs = _costs()
    missing = {
        key: (run, dataset)
        for key, run, dataset in _cost_keys(experiment)
        if costs.get(key, {}).get("device") != here
    }
    for key, (run, dataset) in tqdm(missing.items(), desc="measure a step", unit="network"):
        try:
            cost = measure_step(
                run.network,
                {"architecture": run.settings.architecture, **run.settings.options},
                run.train,
                channels=dataset.channels,
                classes=dataset.classes,
                device=device,
            )
        except JobError as error:
            tqdm.write(f"{run.dataset.name} {run.network}: {error}")
            continue
        costs[key] = asdict(cost)
        write_json(COSTS, costs)  # after each, for they take seconds


def _parts(experiment: Experiment, known: Mapping[str, Usual | None]) -> Iterator[Part]:
    costs = _costs()
    groups: dict[tuple[str, str, str], list[Run]] = {}
    for run in experiment.runs:
        groups.setdefault((run.part, run.dataset.name, run.network), []).append(run)
    for runs in groups.values():
        run = runs[0]
        finished = [duration_seconds(one.folder) for one in runs if one.folder.exists()]
        dataset = known[run.dataset.name]
        cost = costs.get(cost_key(run, dataset)) if dataset else None
        steps = run.train.epochs * run.train.steps_per_epoch
        predicted = windows(run, dataset) if dataset else 0.0
        share = FORWARD * predicted / run.train.batch_size  # a window costs what a patch's forward pass does
        if finished:
            seconds = sum(finished) / len(finished)
            operations = cost["operations"] * (steps + share) if cost else 0.0
            yield Part(
                run.dataset.name, run.network, len(runs), seconds, 0, operations, "as finished runs took"
            )
        elif cost:
            yield Part(
                run.dataset.name,
                run.network,
                len(runs),
                cost["seconds"] * (steps + share),
                cost["seconds"] * share,
                cost["operations"] * (steps + share),
                f"{cost['seconds']:.3g} s a step, measured at {'x'.join(map(str, cost['measured_patch']))}",
            )


def windows(run: Run, dataset: Usual) -> float:
    """Windows that a run predicts: of validation and test cases whenever they are due, of the test at its end."""
    train, predict = run.train, run.evaluate.predict
    window = predict.window_size or train.patch_size
    per_case = math.prod(dataset.shape[len(window) :])  # slices, where a 2D network sees a volume
    for size, edge in zip(dataset.shape, window, strict=False):
        per_case *= (
            max(1, math.ceil((size - edge) / max(1, int(edge * (1 - predict.overlap)))) + 1)
            if size > edge
            else 1
        )
    trained, tested = _cases(run.dataset, dataset)
    validated = run.dataset.params.validation_fraction * trained * (train.epochs // train.validate_every)
    scored = tested * (len(run.weights) + (train.epochs // train.test_every if train.test_every else 0))
    return per_case * (validated + scored) * (2 ** len(window) if predict.flips else 1)


def _cases(dataset: Dataset, known: Usual) -> tuple[float, float]:
    """About how many cases are for training and validation, and for test."""
    params = dataset.params
    shares = {"hold_out": params.test_fraction, "k_fold": 1 / params.folds}
    test = known.cases * shares.get(params.split, 1 / 2)
    if known.test is not None and params.split in ("auto", "official", "file"):
        test = known.test
    return known.cases - test, test


def _padded(experiment: Experiment, known: Mapping[str, Usual | None]) -> list[str]:
    """A line for each dataset and patch size that is wider than the dataset's usual case, with the share of padding."""
    networks: dict[tuple[str, tuple[int, ...]], dict[str, None]] = {}
    for run in experiment.runs:
        networks.setdefault((run.dataset.name, run.train.patch_size), {})[run.network] = None
    lines = []
    for (dataset, patch), names in networks.items():
        usual = known[dataset]
        if usual is None:
            continue
        inside = [min(edge, size) for edge, size in zip(patch, usual.shape, strict=False)]
        padding = 1 - math.prod(inside) / math.prod(patch)
        if padding > 0:
            sizes = ["x".join(map(str, shape)) for shape in (patch, usual.shape)]
            lines.append(
                f"  {dataset}: patches of {sizes[0]} ({', '.join(names)}) are wider than a usual case of {sizes[1]}: "
                f"{padding:.0%} of them is padding"
            )
    return lines


def _disk(experiment: Experiment, known: Mapping[str, Usual | None]) -> str:
    """The space that all will take, in a line."""
    raw = prepared = maps = predictions = 0.0
    for dataset in experiment.datasets:
        usual = known[dataset.name]
        if usual is None:
            continue
        voxels = usual.cases * math.prod(usual.shape)
        raw += (find(dataset.params.source).size_gb or 0) if dataset.params.source else 0
        prepared += voxels * (2 * usual.channels + 1) / 1e9
        maps += voxels * 3 / 1e9 * (dataset.map_settings.scope == "volume")
    costs = _costs()
    weights = 0.0
    for run in experiment.runs:
        usual = known[run.dataset.name]
        if usual is None:
            continue
        weights += 4 * costs.get(cost_key(run, usual), {}).get("weights", 0) / 1e9
        predictions += _cases(run.dataset, usual)[1] * math.prod(usual.shape) * PREDICTION_BYTES / 1e9
    parts = {"raw": raw, "prepared": prepared, "maps": maps, "weights": weights, "predictions": predictions}
    said = ", ".join(f"{name} {size:,.1f}" for name, size in parts.items() if size >= 0.05)
    total = sum(parts.values())
    return f"disk in all: about {total:,.0f} GB ({said})" if total >= 1 else "disk in all: under 1 GB"


def _cost_keys(experiment: Experiment) -> Iterator[tuple[str, Run, Usual]]:
    """Every step to be measured, once, with a run and the dataset that it is of."""
    known = {dataset.name: expected(dataset) for dataset in experiment.datasets}
    seen = set()
    for run in experiment.runs:
        dataset = known[run.dataset.name]
        if dataset is not None and (key := cost_key(run, dataset)) not in seen:
            seen.add(key)
            yield key, run, dataset


def cost_key(run: Run, dataset: Usual) -> str:
    """What decides the cost of a run's step on a device, as one word."""
    train = run.train
    shape = [train.patch_size, train.batch_size, dataset.channels, dataset.classes]
    how = train.model_dump(mode="json", include={"precision", "compile", "deterministic"})
    return digest([run.settings.architecture, run.settings.options, shape, how])


def _costs() -> dict[str, dict[str, Any]]:
    """The measurements so far; a damaged file counts as none."""
    try:
        return dict(json.loads(COSTS.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _time(seconds: float) -> str:
    """A duration in the unit that suits it."""
    for size, unit in ((86400 * 365, "years"), (86400 * 2, "days"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:.0f} s"
