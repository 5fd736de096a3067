"""What must be right before hours are spent: the losses, networks and scores of all runs of a dataset."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from seglossbench.errors import InputError
from seglossbench.experiment import Dataset, Experiment, Run

if TYPE_CHECKING:
    from seglossbench.losses import Loss


def check_runs(
    experiment: Experiment, dataset: Dataset, channels: int, classes: int, regions: Mapping[str, object]
) -> None:
    """Build every loss and network of a dataset's runs once; raises InputError that names the key at fault."""
    from seglossbench import losses, networks

    built: set[tuple[str, str, str]] = set()  # a network may be called like a loss
    for run in experiment.runs:
        if run.dataset.name != dataset.name:
            continue
        part = experiment.part_of(run)
        check_scoring(part, run, regions)
        if (part.name, "loss", run.loss) not in built:
            try:
                _try_loss(losses.build(part.params.losses[run.loss]), classes)
            except InputError as error:
                raise InputError(f"losses.{run.loss}: {error}") from None
        if (part.name, "network", run.network) not in built:
            networks.build(
                run.network,
                run.settings["network_settings"],
                patch_size=run.dataset.train.patch_size,
                in_channels=channels,
                out_channels=classes,
                seed=run.seed,
            )
        built |= {(part.name, "loss", run.loss), (part.name, "network", run.network)}


def _try_loss(loss: "Loss", classes: int) -> None:
    """Compute a loss once, so that a value that fits no data of these classes is found; raises InputError."""
    import torch

    from seglossbench.maps import Truth

    labels = torch.arange(4**3).reshape(1, 4, 4, 4) % classes
    loss(torch.zeros(1, classes, 4, 4, 4), Truth(labels, classes))


def check_scoring(part: Experiment, run: Run, regions: Mapping[str, object]) -> None:
    """Raise InputError if a run's cases cannot be scored as params ask for."""
    from seglossbench.evaluation.empty import policy_named
    from seglossbench.evaluation.metrics import metrics_named

    settings = part.params.evaluate
    wanted = {
        "evaluate.metrics": settings.metrics,
        "train.validation_metrics": run.dataset.train.validation_metrics,
    }
    for key, names in wanted.items():
        scored = [metric.name for metric in metrics_named(names, settings.hd95) if metric.kind]
        try:
            policy_named(settings.empty).check(scored)
        except InputError as error:
            reason = str(error).removeprefix("metrics: ")
            raise InputError(f"{key}: {reason} (evaluate.empty: {settings.empty})") from None
    if settings.classes == "regions" and not regions:
        raise InputError(
            f"evaluate.classes: dataset {run.dataset.name} has no regions; give datasets.{run.dataset.name}.regions, "
            "or take classes: labels"
        )
