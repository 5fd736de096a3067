"""Runs that were trained, as far as MLflow is concerned, and what it then has of them."""

from dataclasses import replace

from mlflow import MlflowClient

from seglossbench.records import (
    HistoryRow,
    read_history,
    run_in_progress,
    write_history,
)
from seglossbench.tracking.live import LiveTracker

NAME = "tiny/brats_phantom"
ROWS = [HistoryRow(epoch, 10 * epoch, "train", "loss", 1.0 / (epoch + 1)) for epoch in range(3)]
SCORES = (
    "dataset,network,loss,seed,case,class,metric,value\n"
    "d,n,l,0,a,ET,DSC,0.5\nd,n,l,0,b,ET,DSC,1\nd,n,l,0,a,ED,DSC,0.25\n"
    "d,n,l,0,b,ED,DSC,\nd,n,l,0,b,ED,status,both_empty\n"
)


def finish(run, rows=ROWS, scores=SCORES):
    with run_in_progress(run.folder, run.settings.model_dump(mode="json")) as folder:
        write_history(folder / "history.csv", rows)
    if scores:
        run.scores.parent.mkdir(parents=True)
        run.scores.write_text(scores)


def stored(uri, kind="run"):
    client = MlflowClient(uri)
    return client, client.search_runs(
        [client.get_experiment_by_name(NAME).experiment_id], f"tags.kind = '{kind}'"
    )


def live(uri, run, **options):
    """The tracker of a training whose MLflow is at ``uri``."""
    return LiveTracker(replace(run, track=run.track.model_copy(update={"uri": uri})), **options)


def curve(uri, key="train/loss"):
    client, (run,) = stored(uri)
    return [(metric.step, metric.value) for metric in client.get_metric_history(run.info.run_id, key)]


def curve_of(run, name="loss"):
    rows = read_history(run.folder / "history.csv")
    return [(row.epoch, row.value) for row in rows if (row.split, row.name) == ("train", name)]
