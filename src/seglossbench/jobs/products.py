"""What jobs make beside runs, and whether the experiment still makes it when their turn comes."""

from collections.abc import Iterator
from pathlib import Path

from seglossbench.errors import InputError
from seglossbench.experiment import Experiment
from seglossbench.jobs.marks import analysis_mark, log_of, report_mark


def products(experiment: Experiment) -> Iterator[tuple[str, Path, Path]]:
    """What there is to be made beside runs: in words, its place, and the log of its job."""
    downloads = {dataset.raw: dataset.name for dataset in experiment.datasets if not dataset.is_local_folder}
    for raw, name in downloads.items():
        yield f"download of {name}", raw, log_of("download", raw.name)
    for dataset in experiment.datasets:
        yield f"preparation of {dataset.name}", dataset.prepared, log_of("preprocess", dataset.prepared.name)
        yield f"maps of {dataset.name}", dataset.maps, log_of("maps", dataset.maps.name)
    for run in experiment.runs:
        yield f"scores of {run.id}", run.scores, log_of("evaluate", f"{run.id}/{run.scores.stem}")
    yield "analysis", analysis_mark(experiment), log_of("analyse", experiment.name)
    yield "report", report_mark(experiment), log_of("report", experiment.name)


def check_product(experiment: Experiment, product: Path) -> None:
    """Raise InputError if a job for ``product`` is no job of the experiment any more, so that it makes nothing else."""
    if product not in {one for _, one, _ in products(experiment)}:
        raise changed(product)


def changed(product: Path) -> InputError:
    """What to say where a job makes something else than it was queued for."""
    return InputError(
        f"{product}: the experiment does not make this any more, because params or code have changed since the job for "
        "it was queued; start snakemake again when it has ended: it makes its jobs anew"
    )
