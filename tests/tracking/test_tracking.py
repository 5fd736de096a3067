import pytest
from mlflow import MlflowClient

from seglossbench.experiment import Experiment
from seglossbench.records import HistoryRow, note_divergence, run_in_progress, write_history
from seglossbench.reporting import load_scores
from seglossbench.statistics.means import fold_status
from seglossbench.statistics.summaries import summarise
from seglossbench.tracking.live import LiveTracker
from seglossbench.tracking.store import Tracker, metric_name
from seglossbench.vocabulary.tables import MEAN

ROWS = [HistoryRow(epoch, 10 * epoch, "train", "loss", 1.0 / (epoch + 1)) for epoch in range(3)]


@pytest.fixture
def runs(project):
    return Experiment.load(overrides={"experiment": "tiny"}).runs


def finish(run):
    with run_in_progress(run.folder, run.settings) as folder:
        write_history(folder / "history.csv", ROWS)
    run.scores.parent.mkdir(parents=True)
    run.scores.write_text(
        "dataset,network,loss,seed,case,class,metric,value\n"
        "d,n,l,0,a,ET,DSC,0.5\nd,n,l,0,b,ET,DSC,1\nd,n,l,0,a,ED,DSC,0.25\n"
        "d,n,l,0,b,ED,DSC,\nd,n,l,0,b,ED,status,both_empty\n"
    )


def stored(project):
    client = MlflowClient(f"sqlite:///{project}/mlflow.db")
    return client, client.search_runs([client.get_experiment_by_name("tiny").experiment_id])


def test_finished_runs_are_written_once_with_history_and_scores(runs, project):
    finish(runs[0])
    tracker = Tracker(f"sqlite:///{project}/mlflow.db", "tiny")
    assert tracker.rebuild(runs) == 1
    assert tracker.rebuild(runs) == 0
    client, (run,) = stored(project)
    assert run.info.status == "FINISHED"
    assert run.data.metrics["test/DSC/ET"] == 0.75
    assert run.data.metrics["test/DSC"] == 0.5  # of ET 0.75 and ED 0.25
    history = client.get_metric_history(run.info.run_id, "train/loss")
    assert [(metric.step, metric.value) for metric in history] == [(0, 1.0), (1, 0.5), (2, 1 / 3)]
    assert run.data.params["loss"] == runs[0].loss
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == [runs[0].scores.name]


def test_the_mean_of_the_store_is_that_of_the_report_where_no_test_case_has_a_class(runs, project):
    finish(runs[0])
    with runs[0].scores.open("a") as file:
        for case in "ab":  # only claimed
            file.write(f"d,n,l,0,{case},NC,DSC,0\nd,n,l,0,{case},NC,status,truth_empty\n")
    Tracker(f"sqlite:///{project}/mlflow.db", "tiny").rebuild(runs)
    (run,) = stored(project)[1]
    summaries = summarise(fold_status(load_scores([runs[0].scores])))
    assert run.data.metrics["test/DSC"] == summaries.set_index("class").loc[MEAN, "mean"] == 0.5
    assert "test/DSC/NC" not in run.data.metrics


def test_rebuild_from_scratch_leaves_the_run_folders_truth_alone(runs, project):
    finish(runs[0])
    tracker = Tracker(f"sqlite:///{project}/mlflow.db", "tiny")
    tracker.rebuild(runs)
    before = stored(project)[1][0].info.run_id
    assert tracker.rebuild(runs, from_scratch=True) == 1
    (run,) = stored(project)[1]
    assert run.info.run_id != before
    assert run.data.metrics["test/DSC"] == 0.5


def test_a_live_run_is_continued_and_completed_later(runs, project):
    uri = f"sqlite:///{project}/mlflow.db"
    live = LiveTracker(uri, "tiny", runs[0])
    live(ROWS[:2])
    live.finish("FAILED")
    resumed = LiveTracker(uri, "tiny", runs[0])
    resumed(ROWS[2:])
    resumed.finish("FINISHED")
    assert resumed.id == live.id
    finish(runs[0])
    assert Tracker(uri, "tiny").rebuild(runs) == 1
    client, (run,) = stored(project)
    assert len(client.get_metric_history(run.info.run_id, "train/loss")) == 3
    assert run.data.metrics["test/DSC"] == 0.5


def test_a_server_that_is_away_costs_a_warning_and_no_training(runs, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    live = LiveTracker("http://127.0.0.1:9", "tiny", runs[0])
    live(ROWS)
    with pytest.warns(UserWarning, match="MLflow cannot be reached, so the training went on without it"):
        live.finish("FINISHED")


def test_a_diverged_run_is_shown_as_such(runs, project):
    with run_in_progress(runs[0].folder, runs[0].settings) as folder:
        write_history(folder / "history.csv", [*ROWS, HistoryRow(3, 30, "train", "loss", float("nan"))])
        note_divergence(folder, 3, "loss is nan in epoch 3, step 30")
    Tracker(f"sqlite:///{project}/mlflow.db", "tiny").rebuild(runs)
    (run,) = stored(project)[1]
    assert run.info.status == "FINISHED"
    assert run.data.tags["seglossbench.state"] == "DIVERGED"
    assert run.data.tags["seglossbench.reason"] == "loss is nan in epoch 3, step 30"


def test_names_that_mlflow_would_refuse_are_changed():
    assert metric_name("test", "NSD@1mm/NCR/NET") == "test/NSD at 1mm/NCR/NET"
    assert metric_name("test", "DSC/a,b") == "test/DSC/a_b"
