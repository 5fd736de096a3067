"""The report of an experiment, or of anybody's scores."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seglossbench.data.facts import facts_of_prepared
from seglossbench.data.layouts import index_cases
from seglossbench.data.prepared import PreparedDataset, prediction_file
from seglossbench.errors import InputError
from seglossbench.evaluation.empty import policy_named
from seglossbench.experiment import Dataset, Experiment, Run
from seglossbench.files import write_text
from seglossbench.params import MapsParams
from seglossbench.records import State, failure, state, versions_of
from seglossbench.stages.analysis import analyse, histories
from seglossbench.stages.evaluation import kinds_scored, scored_classes
from seglossbench.stages.preparation import split_of
from seglossbench.vocabulary.tables import COST

if TYPE_CHECKING:
    import pandas as pd

    from seglossbench.inspection.scans import Scans
    from seglossbench.reporting.page import Dataset as DatasetFacts
    from seglossbench.reporting.page import Facts

METRICS = "metrics.json"


def report(experiment: Experiment, out: Path | None = None, *, analysed: bool = False) -> Path:
    """The report of the experiment, of what is finished by now, into its folder or ``out``; returns its page.

    The tables of its analysis lie beside the page, and so do its means as ``metrics.json``, for DVC. They are made
    anew, unless they are ``analysed`` already.
    """
    from seglossbench.analysis.files import read_analysis
    from seglossbench.analysis.inputs import load_scores
    from seglossbench.data.published import of_dataset
    from seglossbench.reporting import index
    from seglossbench.reporting.page import write_report

    scored = [run.scores for run in experiment.runs if run.scores.exists()]
    if not scored:
        raise InputError(f"experiment {experiment.name}: no scores yet; run snakemake --cores all")
    datasets = [_facts_of(experiment, dataset) for dataset in experiment.datasets]
    published = {
        dataset.name: found
        for dataset, facts in zip(experiment.datasets, datasets, strict=True)
        if facts.split and (found := of_dataset(experiment, dataset, facts.split.test))
    }
    facts = _facts(experiment, datasets)
    folder = out or experiment.report.parent
    if not (analysed and (folder / "analysis" / "provenance.json").exists()):
        analyse(experiment, folder / "analysis")
    write_text(folder / METRICS, (folder / "analysis" / METRICS).read_text(encoding="utf-8"))
    tables, provenance = read_analysis(folder / "analysis")
    page = write_report(
        folder,
        load_scores(scored),
        curves(experiment.runs),
        facts,
        published=published,
        tables=tables,
        provenance=provenance,
        scans=_scans(experiment),
        are_checked=True,
    )
    if out is None:
        index.enter(
            page,
            title=experiment.name,
            experiment=experiment.name,
            finished=sum(State(run.state).is_finished for run in facts.runs),
            runs=len(facts.runs),
            datasets=[dataset.name for dataset in datasets],
        )
    return page


def _scans(experiment: Experiment) -> "Scans":
    """The files of the test cases and their predictions; raw data or prepared cases may be gone."""
    from seglossbench.inspection.scans import Scan, Scans

    found, missing = {}, {}
    for dataset in experiment.datasets:
        try:
            prepared = PreparedDataset(dataset.prepared)
            index = index_cases(dataset.raw, dataset.params)
            images = {case.name: case.images for case in index.cases}
            classes = scored_classes(prepared, kinds_scored(dataset.evaluate.classes)[""])
            for name in split_of(dataset, prepared).test:
                case = prepared.cases[name]
                file = prediction_file(Path(), case).name
                truth = dataset.raw / case.truth
                scan = Scan(truth, images.get(name, ()), index.channels, case.modality, classes, file)
                found[dataset.name, name] = scan
        except InputError as error:
            missing[dataset.name] = str(error)
    runs = {
        (run.dataset.name, run.network, run.loss, str(run.seed)): run.predictions for run in experiment.runs
    }
    return Scans(found, runs, missing)


def curves(runs: Sequence[Run]) -> "pd.DataFrame":
    """The histories of the finished runs, of which a report draws what is no class's own and no cost.

    Raises InputError for a damaged history.
    """
    found = histories(runs)
    return found if found.empty else found[found["split"] != COST].reset_index(drop=True)


def _facts_of(experiment: Experiment, dataset: Dataset) -> "DatasetFacts":
    """What the report says of a dataset, or why it can say nothing: its prepared cases may be gone."""
    from seglossbench.reporting import page

    settings = dataset.evaluate
    hd95 = settings.hd95 if "HD95" in settings.metrics else ""
    try:
        prepared = PreparedDataset(dataset.prepared)
        split = split_of(dataset, prepared)
    except InputError as error:
        return page.Dataset(
            dataset.name,
            0,
            0,
            0,
            distance_unit="",
            hd95=hd95,
            empty_policy=settings.empty,
            missing=str(error),
        )
    return page.Dataset(
        name=dataset.name,
        train=len(split.train),
        validation=len(split.validation),
        test=len(split.test),
        skipped=tuple(f"{name}: {why}" for name, why in prepared.skipped.items()),
        split=split,
        cases=tuple(facts_of_prepared(prepared)),
        patients_by=prepared.patients_by,
        classes=tuple(
            dict.fromkeys(
                name
                for kind in kinds_scored(settings.classes).values()
                for name in scored_classes(prepared, kind)
            )
        ),
        phantom=dataset.params.phantom is not None,
        distance_unit="voxels" if policy_named(settings.empty).in_voxels else prepared.distance_unit,
        hd95=hd95,
        empty_policy=settings.empty,
    )


def _facts(experiment: Experiment, datasets: Sequence["DatasetFacts"]) -> "Facts":
    """What the report says beside the numbers."""
    from seglossbench.reporting import page

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
        conventions={
            "Weights": _of_parts(experiment, _weights),
            "Maps": _of_parts(experiment, _maps),
        },
        versions=versions_of(run.folder for run in experiment.runs if state(run.folder).is_finished),
    )


def _weights(part: Experiment) -> str:
    """Which epoch's weights are scored; with the runs that it holds for where datasets or networks differ in it."""
    return _by_value(
        (f"{run.train.checkpoint} epoch of {run.train.epochs}", f"{run.dataset.name} {run.network}")
        for run in part.runs
    )


def _maps(part: Experiment) -> str:
    """How the maps of the truth are made; with the datasets that it holds for where they differ in it."""
    return _by_value((_of_maps(dataset.map_settings), dataset.name) for dataset in part.datasets)


def _of_maps(maps: MapsParams) -> str:
    words = f"scope {maps.scope}, distances in {maps.distance_units}, contour kernel {maps.contour_kernel}"
    released = "; of a class that is absent from a patch or alone in it, as paper B's code was run"
    return words + released if maps.degenerate == "released" else words


def _by_value(pairs: Iterable[tuple[str, str]]) -> str:
    """A value that all names share, or else each value with its names."""
    names_of: dict[str, dict[str, None]] = {}
    for value, name in pairs:
        names_of.setdefault(value, {})[name] = None
    if len(names_of) == 1:
        return next(iter(names_of))
    return ", ".join(f"{value} ({', '.join(names)})" for value, names in names_of.items())


def _of_parts(experiment: Experiment, convention: Callable[[Experiment], str]) -> str:
    """What all parts of the experiment follow, or else what each of them follows."""
    by_part = {part.name: convention(part) for part in experiment.parts}
    if len(set(by_part.values())) == 1:
        return next(iter(by_part.values()))
    return "; ".join(f"{name}: {value}" for name, value in by_part.items())
