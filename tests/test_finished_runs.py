"""The runs that benchmarks fabricate are taken for finished ones by all who look at them."""

from benchmarks import finished_runs
from seglossbench.experiment import Experiment
from seglossbench.records import read_history
from seglossbench.stages import progress_of, track
from seglossbench.stages.archive import archive


def test_fabricated_runs_are_finished_scored_tracked_and_archived(project):
    from mlflow import MlflowClient

    uri = f"sqlite:///{project}/mlflow.db"
    experiment = Experiment.load(overrides={"experiment": "tiny", "track": {"uri": uri}})
    finished_runs.finish(experiment, epochs=3)
    progress = progress_of(experiment)
    assert (progress.exit_status, progress.runs[0].seconds) == (0, 3600.0)
    assert [line for line in track(experiment) if "written" in line] == [
        f"2 runs of tiny/{name} written to MLflow" for name in ("brats_phantom", "amos_phantom")
    ]
    client = MlflowClient(uri)
    known = client.get_experiment_by_name("tiny/amos_phantom")
    stored = {
        run.data.tags["loss"]: run for run in client.search_runs([known.experiment_id], "tags.kind = 'run'")
    }
    for run in experiment.runs[2:]:
        told = client.get_metric_history(stored[run.loss].info.run_id, "train/loss")
        rows = [row for row in read_history(run.folder / "history.csv") if row.name == "loss"]
        assert [(point.step, point.value) for point in told] == [(row.epoch, row.value) for row in rows]
    assert archive(experiment) == 4
