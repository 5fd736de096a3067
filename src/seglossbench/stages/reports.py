"""The report of an experiment, or of anybody's scores."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seglossbench.data.facts import facts_of_prepared
from seglossbench.data.prepared import PreparedDataset
from seglossbench.errors import InputError
from seglossbench.experiment import Experiment
from seglossbench.params import Params
from seglossbench.records import (
    failure,
    library_versions,
    read_history,
    state,
)
from seglossbench.stages.evaluation import scored_classes
from seglossbench.stages.preparation import split_of

if TYPE_CHECKING:
    from seglossbench.reporting.page import Facts


def report(experiment: Experiment, out: Path) -> Path:
    """The report of the experiment, of what is finished by now; returns its page."""
    import pandas as pd

    from seglossbench.reporting.inputs import load_scores
    from seglossbench.reporting.page import write_report
    from seglossbench.reporting.published import of_dataset

    scored = [run.scores for run in experiment.runs if run.scores.exists()]
    if not scored:
        raise InputError(f"experiment {experiment.name}: no scores yet; run snakemake --cores all")
    histories = [
        pd.DataFrame(read_history(run.folder / "history.csv")).assign(**run.identity)
        for run in experiment.runs
        if state(run.folder).is_finished
    ]
    published = {
        dataset.name: found
        for dataset in experiment.datasets
        if (
            found := of_dataset(
                experiment, dataset, split_of(dataset, PreparedDataset(dataset.prepared)).test
            )
        )
    }
    return write_report(
        out, load_scores(scored), pd.concat(histories), _facts(experiment), published=published
    )


def report_scores(files: Sequence[Path], out: Path) -> Path:
    """The report of anybody's scores; returns its page."""
    import pandas as pd

    from seglossbench.reporting.inputs import load_scores
    from seglossbench.reporting.page import Facts, write_report

    return write_report(
        out, load_scores(files), pd.DataFrame(), Facts(experiment=" + ".join(map(str, files)))
    )


def _facts(experiment: Experiment) -> "Facts":
    """What the report says beside the numbers."""
    from seglossbench.reporting import page

    datasets = []
    for dataset in experiment.datasets:
        settings = experiment.part_with(dataset).params.evaluate
        prepared = PreparedDataset(dataset.prepared)
        split = split_of(dataset, prepared)
        datasets.append(
            page.Dataset(
                name=dataset.name,
                train=len(split.train),
                validation=len(split.validation),
                test=len(split.test),
                skipped=tuple(f"{name}: {why}" for name, why in prepared.skipped.items()),
                split=split,
                cases=tuple(facts_of_prepared(prepared)),
                classes=tuple(scored_classes(prepared, settings.classes)),
                phantom=dataset.params.phantom is not None,
                distance_unit=prepared.distance_unit,
            )
        )
    return page.Facts(
        experiment=experiment.name,
        runs=tuple(
            page.Run(
                **{key: str(value) for key, value in run.identity.items()},
                state=state(run.folder),
                reason=failure(run.folder),
            )
            for run in experiment.runs
        ),
        datasets=tuple(datasets),
        hd95=_of_parts(experiment, lambda params: params.evaluate.hd95),
        empty_policy=_of_parts(experiment, lambda params: params.evaluate.empty),
        conventions={
            "Weights": _of_parts(
                experiment, lambda params: f"{params.train.checkpoint} epoch of {params.train.epochs}"
            ),
            "Maps": _of_parts(
                experiment,
                lambda params: f"scope {params.maps.scope}, distances in {params.maps.distance_units}",
            ),
        },
        versions=library_versions(),
    )


def _of_parts(experiment: Experiment, convention: Callable[[Params], str]) -> str:
    """What all parts of the experiment follow, or else what each of them follows."""
    by_part = {part.name: convention(part.params) for part in experiment.parts}
    if len(set(by_part.values())) == 1:
        return next(iter(by_part.values()))
    return "; ".join(f"{name}: {value}" for name, value in by_part.items())
