"""What must be right before hours are spent: by the params alone, and by all that is known once the data is there."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seglossbench.acquisition import sources
from seglossbench.data.layouts import Layout, index_cases
from seglossbench.data.prepared import PreparedDataset
from seglossbench.data.splits import Split, Splittable, read_parts, split_cases
from seglossbench.errors import InputError
from seglossbench.experiment import Dataset, Experiment, Run
from seglossbench.params import NO_MAPS_OF_SLICES
from seglossbench.params.networks import check_determinism, check_patch, nondeterministic_on_cuda
from seglossbench.registry import LAYOUTS
from seglossbench.vocabulary.architectures import CATALOGUE

if TYPE_CHECKING:
    from torch import nn

    from seglossbench.losses import Loss

# splits that name no case for it themselves
NEVER_VALIDATION = ("alternating", "even_odd", "k_fold", "hold_out")


@dataclass(frozen=True)
class _Known:
    """What is known of a dataset before its download: how many axes its cases have, and whether it can have regions.

    ``cases`` are there where the data is.
    """

    axes: int | None
    has_regions: bool
    cases: Sequence[Splittable] = ()


def check_experiment(experiment: Experiment) -> None:
    """Raise InputError for what would stop a run later and can be told without torch, mostly without the data, too.

    These are splits, patches that fit neither the data nor the scope of the maps, scores that are not defined, and
    regions that are not there.
    """
    for dataset in experiment.datasets:
        check_dataset(experiment, dataset)


def check_dataset(experiment: Experiment, dataset: Dataset) -> None:
    """``check_experiment`` for the runs of one dataset."""
    known = _known(dataset)
    _check_split(dataset, known.cases)
    checked: set[tuple[str, str]] = set()
    for run in experiment.runs:
        if run.dataset.name != dataset.name:
            continue
        if (run.part, run.network) not in checked:
            _check_patches(run, known.axes)
            _check_network(run)
            check_scoring(run, known.has_regions)
        checked.add((run.part, run.network))


def _known(dataset: Dataset) -> _Known:
    params = dataset.params
    with suppress(InputError, OSError, ValueError):
        # not prepared yet, or damaged, which its own jobs will tell
        prepared = PreparedDataset(dataset.prepared)
        cases = tuple(prepared.cases.values())
        return _Known(len(cases[0].geometry.spacing_mm), bool(prepared.regions), cases)
    if dataset.raw.is_dir():
        index = index_cases(dataset.raw, params, gather_problems=True)
        # What is wrong with cases is for the preparation to tell, and no split can be told from those that are left.
        axes = 2 if index.cases and index.cases[0].labels.suffix == ".png" else 3
        return _Known(axes, bool(index.regions), () if index.problems else index.cases)
    has_regions = params.regions is not None
    if params.phantom is not None:
        return _Known(3, has_regions or _layout(params.layout).has_regions)
    usual = sources.find(params.source).usual if params.source else None
    may_have_regions = params.layout == "auto" or _layout(params.layout).has_regions
    return _Known(len(usual.shape) if usual else None, has_regions or may_have_regions)


def _layout(name: str) -> Layout:
    layout: Layout = LAYOUTS.load(name)
    return layout


def _check_split(dataset: Dataset, cases: Sequence[Splittable]) -> None:
    if cases:
        check_validation(dataset, split_cases(cases, dataset.params, dataset.name))
        return
    params = dataset.params
    if params.split_file is not None:
        try:
            read_parts(Path(params.split_file), params)
        except InputError as error:
            raise InputError(f"datasets.{dataset.name}.split_file: {error}") from None
    elif params.split in NEVER_VALIDATION and params.validation_fraction == 0:
        check_validation(dataset, Split(train=(), validation=(), test=()))


def check_validation(dataset: Dataset, split: Split) -> None:
    """Raise InputError where the best epoch is wanted and no case can tell which it is."""
    if dataset.train.keeps_best and not split.validation:
        raise InputError(
            f"datasets.{dataset.name}: train.checkpoint: {dataset.train.checkpoint} needs cases for validation; raise "
            "validation_fraction, or take checkpoint: last"
        )


def _check_patches(run: Run, axes: int | None) -> None:
    sizes = len(run.train.patch_size)
    if axes is not None and sizes > axes:
        raise InputError(
            f"train.patch_size: has {sizes} sizes, but the cases of {run.dataset.name} are images; give two"
        )
    if axes == 3 and sizes == 2 and run.settings.maps.scope == "volume":
        raise InputError(f"{run.dataset.name} with {run.network}: {NO_MAPS_OF_SLICES}")


def _check_network(run: Run) -> None:
    network = (run.settings.architecture, run.settings.options)
    patch, windows = run.train.patch_size, run.settings.predict.window_size
    try:
        check_patch("train.patch_size", *network, patch)
        if windows is not None and len(windows) == len(patch):
            check_patch("evaluate.predict.window_size", *network, windows, trained=patch)
        architecture = run.settings.architecture
        check_determinism(run.network, architecture, nondeterministic_on_cuda(architecture), run.train)
    except InputError as error:
        raise InputError(f"{run.dataset.name} with {run.network}: {error}") from None


def check_runs(experiment: Experiment, dataset: Dataset, channels: int, classes: int) -> None:
    """Build every loss and network of a dataset's runs once; raises InputError that names the key at fault."""
    from seglossbench import losses, networks

    built: set[str] = set()
    for run in experiment.runs:
        if run.dataset.name != dataset.name:
            continue
        settings = run.settings
        loss = f"losses.{run.loss}: {settings.terms}"
        network = f"networks.{run.network}: {settings.architecture} {settings.options} {run.train.patch_size}"
        if loss not in built:
            try:
                _try_loss(losses.build(settings.terms, voxels_per_class=[1] * classes), classes)
            except InputError as error:
                raise InputError(f"losses.{run.loss}: {error}") from None
        if network not in built:
            made = networks.build(
                run.network,
                {"architecture": settings.architecture, **settings.options},
                patch_size=run.train.patch_size,
                in_channels=channels,
                out_channels=classes,
                seed=run.seed,
            )
            if settings.architecture not in CATALOGUE:
                operations = _traced(made, (run.train.batch_size, channels, *run.train.patch_size))
                check_determinism(f"networks.{run.network}", settings.architecture, operations, run.train)
        built |= {loss, network}


def _traced(network: "nn.Module", shape: Sequence[int]) -> tuple[str, ...]:
    """Its operations without a deterministic CUDA kernel; none are known of one that asks for values as it runs."""
    import torch

    from seglossbench.conformance.determinism import without_deterministic_kernel

    try:
        return without_deterministic_kernel(network.to("meta"), torch.empty(*shape, device="meta"))
    except (RuntimeError, NotImplementedError):
        return ()


def _try_loss(loss: "Loss", classes: int) -> None:
    """Compute a loss once, so that a value that fits no data of these classes is found; raises InputError."""
    import torch

    from seglossbench.maps import Truth

    labels = torch.arange(4**3).reshape(1, 4, 4, 4) % classes
    loss(torch.zeros(1, classes, 4, 4, 4), Truth(labels, classes))


def check_scoring(run: Run, has_regions: bool) -> None:
    """Raise InputError if a run's cases cannot be scored as params ask for."""
    from seglossbench.evaluation.empty import policy_named
    from seglossbench.evaluation.metrics import metrics_named

    settings = run.evaluate
    wanted = {
        "evaluate.metrics": settings.metrics,
        "train.validation_metrics": run.train.validation_metrics,
    }
    for key, names in wanted.items():
        scored = [metric.name for metric in metrics_named(names, settings.hd95) if metric.kind]
        try:
            policy_named(settings.empty).check(scored)
        except InputError as error:
            reason = str(error).removeprefix("metrics: ")
            raise InputError(f"{key}: {reason} (evaluate.empty: {settings.empty})") from None
    if settings.classes != "labels" and not has_regions:
        raise InputError(
            f"evaluate.classes: dataset {run.dataset.name} has no regions; give datasets.{run.dataset.name}.regions, "
            "or take classes: labels"
        )
