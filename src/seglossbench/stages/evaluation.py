"""The scores of a run."""

from seglossbench.data.prepared import PreparedDataset
from seglossbench.errors import InputError
from seglossbench.experiment import Run
from seglossbench.files import atomic_file
from seglossbench.records import state
from seglossbench.stages.checking import check_scoring
from seglossbench.stages.preparation import split_of
from seglossbench.stages.training import predict


def evaluate(run: Run) -> None:
    """Score the predictions of a finished run against the raw truth, in the raw space, into its scores.csv."""
    from seglossbench.evaluation.scores import score_files
    from seglossbench.prediction import prediction_file

    if not state(run.folder).is_finished:
        raise InputError(f"{run.id}: not trained yet ({state(run.folder)}); run seglossbench train {run.id}")
    if not run.predictions.exists():
        from seglossbench.training.device import limit_threads

        limit_threads(run.train.threads)
        predict(run)
    prepared = PreparedDataset(run.dataset.prepared)
    check_scoring(run, bool(prepared.regions))
    settings = run.evaluate
    cases = [prepared.cases[name] for name in split_of(run.dataset, prepared).test]
    scores = score_files(
        [(case.name, run.dataset.raw / case.truth, prediction_file(run.predictions, case)) for case in cases],
        classes=scored_classes(prepared, settings.classes),
        metrics=settings.metrics,
        empty=settings.empty,
        hd95=settings.hd95,
        identity=run.identity,
    )
    with atomic_file(run.scores) as temporary:
        scores.to_csv(temporary, index=False)


def scored_classes(prepared: PreparedDataset, wanted: str) -> dict[str, tuple[int, ...]]:
    """The raw label values of every class, or of every region, that is scored."""
    values = prepared.label_values
    if wanted == "labels":
        return {name: (values[name],) for name in prepared.foreground}
    return {region: tuple(values[name] for name in classes) for region, classes in prepared.regions.items()}
