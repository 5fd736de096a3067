"""The scores of a run."""

from seglossbench.data.prepared import PreparedDataset, prediction_file
from seglossbench.errors import InputError
from seglossbench.experiment import Run
from seglossbench.files import atomic_file
from seglossbench.records import state
from seglossbench.stages.checking import check_scoring
from seglossbench.stages.preparation import split_of
from seglossbench.stages.training import predict, train
from seglossbench.vocabulary.metrics import OF_REGIONS


def evaluate(run: Run) -> None:
    """Score the predictions of a finished run against the raw truth, in the raw space, into its scores.csv."""
    import pandas as pd

    from seglossbench.evaluation.scores import score_files

    if not state(run.folder).is_finished:
        raise InputError(f"{run.id}: not trained yet ({state(run.folder)}); run seglossbench train {run.id}")
    if not all(weights.predictions.exists() for weights in run.weights):
        from seglossbench.training.device import limit_threads

        limit_threads(run.train.threads)
        predict(run)
    prepared = PreparedDataset(run.dataset.prepared)
    check_scoring(run, bool(prepared.regions))
    settings = run.evaluate
    cases = [prepared.cases[name] for name in split_of(run.dataset, prepared).test]
    tables = []
    for weights in run.weights:
        for besides, kind in kinds_scored(settings.classes).items():
            found = score_files(
                [
                    (case.name, run.dataset.raw / case.truth, prediction_file(weights.predictions, case))
                    for case in cases
                ],
                classes=scored_classes(prepared, kind),
                metrics=settings.metrics,
                empty=settings.empty,
                hd95=settings.hd95,
                identity=run.identity,
            )
            tables.append(found.assign(metric=found["metric"] + besides + weights.besides))
    with atomic_file(run.scores) as temporary:
        pd.concat(tables).to_csv(temporary, index=False)


def train_and_score(run: Run) -> None:
    """Train a run and score it, unless that is done: in a process that has in memory what both need."""
    train(run)
    if not run.scores.exists():
        evaluate(run)


def scored_classes(prepared: PreparedDataset, kind: str) -> dict[str, tuple[int, ...]]:
    """The raw label values of every class (of ``labels``) or of every region (of ``regions``)."""
    values = prepared.label_values
    if kind == "labels":
        return {name: (values[name],) for name in prepared.foreground}
    return {region: tuple(values[name] for name in classes) for region, classes in prepared.regions.items()}


def kinds_scored(wanted: str) -> dict[str, str]:
    """Whether labels or regions are scored, by how the names of their scores end; ``both`` has regions besides."""
    return {"": "labels", OF_REGIONS: "regions"} if wanted == "both" else {"": wanted}
