"""The analysis of an experiment, or of anybody's scores: tidy tables, which all figures and pages read."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seglossbench import adopted
from seglossbench.data.facts import facts_of_prepared
from seglossbench.data.prepared import PreparedDataset
from seglossbench.errors import InputError
from seglossbench.evaluation.empty import policy_named
from seglossbench.experiment import Dataset, Experiment, Run
from seglossbench.files import digest
from seglossbench.records import state
from seglossbench.stages.preparation import split_of
from seglossbench.stages.run_table import missing, table_of_runs

if TYPE_CHECKING:
    import pandas as pd

    from seglossbench.analysis.whole import Options


def analyse(experiment: Experiment, out: Path) -> Path:
    """Write the tables of the experiment, of what is finished by now; returns the folder."""
    from seglossbench.analysis.claims import OF_THE_PAPERS, read_claims
    from seglossbench.analysis.files import write_tables
    from seglossbench.analysis.inputs import check_histories, load_scores
    from seglossbench.analysis.own_tables import read_columns
    from seglossbench.analysis.provenance import provenance_of
    from seglossbench.analysis.whole import Options
    from seglossbench.analysis.whole import analyse as analyse_tables

    scored = [run.scores for run in experiment.runs if run.scores.exists()]
    if not scored:
        raise InputError(f"experiment {experiment.name}: no scores yet; run snakemake --cores all")
    settings = experiment.params.analyse
    claims = read_claims(OF_THE_PAPERS)
    if settings.claims is not None:
        claims |= read_claims(Path(settings.claims))
    patients: dict[tuple[str, str], str] = {}
    modalities: dict[tuple[str, str], str] = {}
    sizes: dict[tuple[str, str], float] = {}
    for dataset in experiment.datasets:
        _add_facts(dataset, patients, modalities, sizes)
    scores = load_scores(scored)
    columns = {"modality": modalities} if modalities else {}
    if settings.cases is not None:
        columns |= read_columns(Path(settings.cases), scores)[0]
        patients |= columns.pop("patient", {})
    options = Options(
        decides=settings.decides,
        baseline=settings.baseline,
        claims=claims,
        all_claims=True,
        patients=patients,
        columns=columns,
        sizes=sizes,
        scopes={d.name: "these phantoms only" for d in experiment.datasets if d.params.phantom is not None},
        missing=missing(experiment.runs),
        absent_scored=_absent_scored(experiment),
    )
    tables = analyse_tables(
        scores,
        options,
        check_histories(histories(experiment.runs)),
        table_of_runs(experiment.runs),
    )
    by_dial = _by_dial(experiment, tables, options)
    if len(by_dial):
        tables["dials"] = by_dial
    about = {
        "experiment": experiment.name,
        "scored": [str(file) for file in scored],
        "params": experiment.params.model_dump(mode="json"),
        "changed": _flat(experiment.params.model_dump(mode="json", exclude_defaults=True)),
        "adopted": [adoption.model_dump(mode="json") for adoption in adopted.read()],
        "datasets": {dataset.name: _about(dataset) for dataset in experiment.datasets},
    }
    write_tables(out, tables, provenance_of(about, tables, options))
    return out


def _absent_scored(experiment: Experiment) -> list[str]:
    """The datasets whose policy for empty masks scores a class that the truth lacks."""
    return [
        dataset.name
        for dataset in experiment.datasets
        if policy_named(dataset.evaluate.empty).scores_absent_classes
    ]


def _about(dataset: Dataset) -> dict[str, Any]:
    """Where a dataset is from, under which licence, and how its cases are divided, where that is known here."""
    from seglossbench.acquisition import sources

    found: dict[str, Any] = {"version": dataset.data["version"], "prepared": dataset.prepared.name}
    if dataset.params.phantom is not None:
        found["licence"] = "drawn by this program"
    elif dataset.params.source is not None:
        source = sources.find(dataset.params.source)
        found["licence"] = f"{source.licence.name} ({source.licence.url})"
        found["citation"] = source.citation
    try:
        split = split_of(dataset, PreparedDataset(dataset.prepared))
    except (InputError, OSError):
        return found
    parts = {"train": split.train, "validation": split.validation, "test": split.test}
    found["split"] = {
        "method": split.method,
        **{name: len(cases) for name, cases in parts.items()},
        "digest": digest({name: list(cases) for name, cases in parts.items()}),
    }
    return found


def _flat(params: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Nested params by their whole names, such as ``train.epochs``."""
    found: dict[str, Any] = {}
    for key, value in params.items():
        inner = _flat(value, f"{above}{key}.") if isinstance(value, Mapping) else {f"{above}{key}": value}
        found |= inner
    return found


def plan_from_scores(
    experiment: Experiment | None,
    files: Sequence[Path] = (),
    *,
    decides: str | None = None,
    power: bool = False,
    planned: int | None = None,
) -> list[str]:
    """What more seeds and cases would resolve, and whether ``planned`` seeds are needed to the end, in lines."""
    from seglossbench.analysis.arrays import cubes_of
    from seglossbench.analysis.inputs import load_scores
    from seglossbench.analysis.planning import in_lines, resolvable, settled
    from seglossbench.analysis.whole import decisive

    patients: dict[tuple[str, str], str] = {}
    absent_scored: list[str] = []
    if experiment is not None:
        absent_scored = _absent_scored(experiment)
        files = [run.scores for run in experiment.runs if run.scores.exists()]
        decides = decides or experiment.params.analyse.decides
        for dataset in experiment.datasets:
            _add_facts(dataset, patients, {}, {})
        if not files:
            raise InputError(f"experiment {experiment.name}: no scores yet; run snakemake --cores all")
    scores = load_scores(files)
    metric = decisive(scores, decides)
    cubes = cubes_of(scores, patients, absent_scored=absent_scored)
    lines = in_lines(resolvable(cubes, metric)) if power else []
    return lines + (settled(cubes, metric, planned) if planned is not None else [])


def histories(runs: Sequence[Run]) -> "pd.DataFrame":
    """The histories of the finished runs with their costs, without what is a class's own.

    Raises InputError for a damaged history.
    """
    import pandas as pd

    found = []
    for run in runs:
        if not state(run.folder).is_finished:
            continue
        file = run.folder / "history.csv"
        try:
            rows = pd.read_csv(file, dtype={"split": str, "name": str})
            rows = rows[~rows["name"].str.contains("/")]
        except (OSError, KeyError, ValueError):
            raise InputError(f"{file}: damaged history; remove the run's folder to train it again") from None
        found.append(rows.assign(**run.identity))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def _by_dial(
    experiment: Experiment, tables: Mapping[str, "pd.DataFrame"], options: "Options"
) -> "pd.DataFrame":
    """What the dials of the experiment's phantoms do; no rows where none is turned."""
    from seglossbench.analysis.dials import Setting, dials
    from seglossbench.params import PhantomParams

    fields = PhantomParams.model_fields
    neutral = {name: fields[name].default for name in PhantomParams.DIALS}
    set_to = {}
    for dataset in experiment.datasets:
        phantom = dataset.params.phantom
        if phantom is not None:
            own_maps = ", ".join(f"{key}: {value}" for key, value in dataset.params.maps.items())
            other = digest(
                [phantom.model_dump(mode="json", exclude=set(neutral)), dataset.train.model_dump(mode="json")]
            )
            set_to[dataset.name] = Setting(phantom.dials, form=own_maps, kind=other)
    baselines = experiment.params.analyse.gain_over or [options.baseline or experiment.runs[0].loss]
    return dials(set_to, neutral, tables, options.decides or "DSC", baselines)


def _add_facts(
    dataset: Dataset,
    patients: dict[tuple[str, str], str],
    modalities: dict[tuple[str, str], str],
    sizes: dict[tuple[str, str], float],
) -> None:
    """The patients and, where there are several, modalities of a dataset's cases, and the mean size of its classes.

    Its cases may be gone.
    """
    try:
        prepared = PreparedDataset(dataset.prepared)
        facts = facts_of_prepared(prepared)
    except (InputError, OSError):
        return
    if len({case.modality for case in facts}) > 1:
        modalities |= {(dataset.name, case.case): case.modality for case in facts}
    of_class: dict[str, list[float]] = {}
    for case in facts:
        patients[dataset.name, case.case] = case.patient
        of_regions = {
            region: sum(case.class_sizes_mm[name] for name in names)
            for region, names in prepared.regions.items()
        }
        for name, size in (of_regions | dict(case.class_sizes_mm)).items():
            of_class.setdefault(name, []).extend([size] if size > 0 else [])
    sizes |= {(dataset.name, name): sum(of) / len(of) for name, of in of_class.items() if of}
