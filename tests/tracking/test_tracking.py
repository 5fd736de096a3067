import json
import os
import sqlite3
from contextlib import closing, suppress

import pandas as pd
import pytest

from seglossbench import stages
from seglossbench.analysis.files import read_table
from seglossbench.errors import JobError
from seglossbench.experiment import Experiment
from seglossbench.files import digest
from seglossbench.records import (
    HistoryRow,
    note_divergence,
    run_in_progress,
    write_history,
)
from seglossbench.tracking.filling import fill
from seglossbench.tracking.store import Tracker
from tests.tracking.tracked import NAME, ROWS, curve, curve_of, finish, stored


def test_finished_runs_are_written_once_with_history_and_scores(runs, uri):
    finish(runs[0])
    tracker = Tracker(uri, NAME)
    assert fill(tracker, runs) == 1
    assert fill(tracker, runs) == 0
    client, (run,) = stored(uri)
    assert run.info.status == "FINISHED"
    assert run.data.metrics["test/DSC/ET"] == 0.75
    assert run.data.metrics["test/DSC"] == 0.5  # of ET 0.75 and ED 0.25
    assert curve(uri) == curve_of(runs[0]) == [(0, 1.0), (1, 0.5), (2, 1 / 3)]
    assert run.data.params["loss"] == runs[0].loss
    assert {file.path for file in client.list_artifacts(run.info.run_id)} == {
        *("history.csv", "settings.json"),
        runs[0].scores.name,
    }


def test_the_mean_of_the_store_is_that_of_the_tables(runs, uri):
    """Of distances geometric, with what other runs say of a distance of 0; a class that no test case has is in none."""
    scores = [("0", "4", "0"), ("2", "2", "0.5")]
    for run, values in zip(runs, scores, strict=True):
        rows = [f"{case},ET,HD95,{value}" for case, value in zip("abc", values, strict=True)]
        rows += [f"{case},NC,{cell}" for case in "abc" for cell in ("HD95,50", "status,truth_empty")]
        finish(run, scores="\n".join(["case,class,metric,value", *rows, ""]))
    fill(Tracker(uri, NAME), runs)
    found = {run.data.params["loss"]: run.data.metrics for run in stored(uri)[1]}
    wanted = [(0.25 * 4 * 0.25) ** (1 / 3), (2 * 2 * 0.5) ** (1 / 3)]
    for run, mean in zip(runs, wanted, strict=True):
        assert found[run.loss]["test/HD95"] == found[run.loss]["test/HD95/ET"] == pytest.approx(mean)
        assert "test/HD95/NC" not in found[run.loss]
    row = {"dataset": "brats_phantom", "network": "unet", "loss": runs[0].loss, "seed": "0", "metric": "HD95"}
    table = pd.DataFrame([{**row, "class": "*", "mean": 1.5}, {**row, "class": "\\*", "mean": 2.5}])
    assert fill(Tracker(uri, NAME), runs[:1], by_run=table) == 1
    assert fill(Tracker(uri, NAME), runs[:1], by_run=table) == 0
    (metrics,) = [run.data.metrics for run in stored(uri)[1] if run.data.params["loss"] == runs[0].loss]
    assert metrics["test/HD95"] == 1.5
    assert 2.5 in metrics.values()  # of a class that is called *


def test_one_number_stands_in_the_tables_in_dvc_and_in_mlflow(runs, uri):
    """The geometric mean of a loss over its seeds, and that of each of its runs."""
    experiment = Experiment.load(overrides={"experiment": "tiny", "track": {"uri": uri}})
    for number, run in enumerate(runs):
        head = ",".join(str(run.identity[name]) for name in ("dataset", "network", "loss", "seed"))
        rows = [
            f"{head},{case},ET,HD95,{value}" for case, value in zip("abc", (0, 2 + number, 4), strict=True)
        ]
        finish(run, scores="\n".join(["dataset,network,loss,seed,case,class,metric,value", *rows, ""]))
    folder = stages.analyse(experiment, experiment.report.parent / "analysis")
    list(stages.track(experiment))
    means, by_run = (read_table(folder / f"{name}.csv") for name in ("means", "by_run"))
    of_dvc = json.loads((folder / "metrics.json").read_text())
    children, parents = stored(uri)[1], stored(uri, "all seeds")[1]
    for number, run in enumerate(runs):
        wanted = (1 * (2 + number) * 4) ** (1 / 3)
        for table in (means, by_run):
            own = table[(table["loss"] == run.loss) & (table["metric"] == "HD95") & (table["class"] == "*")]
            assert own["mean"].item() == pytest.approx(wanted, rel=1e-5)
        assert of_dvc[run.dataset.name][run.network][run.loss]["HD95"]["mean"] == own["mean"].item()
        for tracked in (children, parents):
            (metrics,) = [each.data.metrics for each in tracked if each.data.params["loss"] == run.loss]
            assert metrics["test/HD95"] == own["mean"].item()


def test_rebuild_from_scratch_leaves_nothing_of_before(runs, uri, project):
    finish(runs[0])
    tracker = Tracker(uri, NAME)
    fill(tracker, runs)
    before = stored(uri)[1][0].info.run_id
    assert fill(tracker, runs, from_scratch=True) == 1
    (run,) = stored(uri)[1]
    assert run.info.run_id != before
    assert run.data.metrics["test/DSC"] == 0.5
    (parent,) = stored(uri, "all seeds")[1]
    with closing(sqlite3.connect(project / "mlflow.db")) as database:
        assert database.execute("SELECT COUNT(*) FROM runs").fetchone() == (2,)
    artifacts = project / "mlartifacts" / NAME
    assert [folder.name for folder in artifacts.iterdir()] == [run.info.run_id]
    assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id


def test_what_was_killed_before_its_tracker_could_say_so_is_made_equal(runs, uri):
    finish(runs[0])
    tracker = Tracker(uri, NAME)
    id = tracker.start(runs[0], 0.0)
    tracker.log_history(
        id, runs[0], [(row, 0.0) for row in [ROWS[0], ROWS[2], HistoryRow(2, 20, "train", "loss", 7.0)]]
    )
    tracker.client.set_tag(id, "mlflow.note.content", "look at this one")
    assert fill(tracker, runs) == 1
    assert curve(uri) == curve_of(runs[0])
    (run,) = stored(uri)[1]
    assert (run.info.status, run.data.tags["mlflow.note.content"]) == ("FINISHED", "look at this one")


def test_unfinished_runs_are_made_equal_too(runs, uri):
    with (
        suppress(ValueError),
        run_in_progress(runs[0].folder, runs[0].settings.model_dump(mode="json")) as folder,
    ):
        write_history(folder / "history.csv", ROWS[:2])
        raise ValueError("broken")
    assert fill(Tracker(uri, NAME), runs) == 1
    (run,) = stored(uri)[1]
    assert (run.info.status, run.data.tags["seglossbench.reason"]) == ("FAILED", "ValueError: broken")
    assert [step for step, _ in curve(uri)] == [0, 1]
    with run_in_progress(runs[0].folder, runs[0].settings.model_dump(mode="json")):
        assert fill(Tracker(uri, NAME), runs) == 0  # what trains is left to its own tracker


def test_scores_of_other_conventions_never_stand_side_by_side(runs, uri):
    finish(runs[0])
    fill(Tracker(uri, NAME), runs)
    runs[0].scores.write_text("case,class,metric,value\na,ET,HD95,3\n")
    assert fill(Tracker(uri, NAME), runs) == 1
    metrics = stored(uri)[1][0].data.metrics
    assert {key: value for key, value in metrics.items() if key.startswith("test/")} == pytest.approx(
        {"test/HD95": 3, "test/HD95/ET": 3}
    )


def test_a_run_that_cannot_be_written_keeps_no_other_from_it(runs, uri):
    finish(runs[0])
    finish(runs[1])
    (runs[0].folder / "history.csv").write_text("epoch,step\n1,2\n")
    with pytest.raises(
        JobError, match=f"{NAME}: not all runs could be written: {runs[0].id}: .*damaged history"
    ):
        fill(Tracker(uri, NAME), runs)
    assert len(stored(uri)[1]) == 1


def test_a_diverged_run_is_shown_as_such(runs, uri):
    with run_in_progress(runs[0].folder, runs[0].settings.model_dump(mode="json")) as folder:
        write_history(folder / "history.csv", [*ROWS, HistoryRow(3, 30, "train", "loss", float("nan"))])
        note_divergence(folder, 3, "loss is nan in epoch 3, step 30")
    assert [fill(Tracker(uri, NAME), runs) for _ in range(2)] == [1, 0]
    (run,) = stored(uri)[1]
    assert run.info.status == "FINISHED"
    assert run.data.tags["state"] == "DIVERGED"
    assert run.data.tags["seglossbench.reason"] == "loss is nan in epoch 3, step 30"


def test_start_and_end_are_those_of_the_training(runs, uri):
    finish(runs[0])
    os.utime(runs[0].folder)
    provenance = runs[0].folder / "provenance.json"
    text = provenance.read_text()
    for call in ("started", "ended"):
        year = "2001" if call == "started" else "2002"
        text = pd.Series([text]).str.replace(rf'"{call}": "\d+', f'"{call}": "{year}', regex=True)[0]
    provenance.write_text(text)
    fill(Tracker(uri, NAME), runs)
    (run,) = stored(uri)[1]
    assert [pd.Timestamp(ms, unit="ms").year for ms in (run.info.start_time, run.info.end_time)] == [
        2001,
        2002,
    ]


def test_a_parent_has_the_means_of_the_analysis_above_its_seeds(runs, uri):
    finish(runs[0])
    row = {"dataset": "brats_phantom", "network": "unet", "loss": "ce_dice", "metric": "DSC"}
    means = pd.DataFrame(
        [
            {**row, "class": "*", "mean": 0.5, "lo": 0.4, "hi": 0.625},
            {**row, "class": "ET", "mean": 0.75, "lo": float("nan"), "hi": float("nan")},
            {**row, "class": "*", "mean": 9, "lo": 9, "hi": 9, "loss": "rrw_ce"},
        ]
    )
    assert fill(Tracker(uri, NAME), runs, means) == 1
    (parent,) = stored(uri, "all seeds")[1]
    (run,) = stored(uri)[1]
    assert parent.data.metrics == {
        "test/DSC": 0.5,
        "test/DSC low": 0.4,
        "test/DSC high": 0.625,
        "test/DSC/ET": 0.75,
    }
    assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert run.info.run_name.startswith("ce_dice · unet · seed 0 · ")
    assert (parent.data.params["loss"], parent.data.tags["state"]) == ("ce_dice", "1 DONE")
    fill(Tracker(uri, NAME), runs, means.assign(mean=0.25))
    (other,) = stored(uri, "all seeds")[1]
    (run,) = stored(uri)[1]
    assert other.data.metrics["test/DSC"] == 0.25
    assert run.data.tags["mlflow.parentRunId"] == other.info.run_id


def test_a_run_says_what_it_is_by_which_conventions_and_on_which_data(runs, uri):
    finish(runs[0])
    fill(Tracker(uri, NAME), runs)
    (run,) = stored(uri)[1]
    told = {key: run.data.params[f"evaluate.{key}"] for key in ("hd95", "empty", "classes")}
    assert told == {"hd95": "pooled", "empty": "diagonal", "classes": "labels"}
    tags = run.data.tags
    assert (tags["dataset"], tags["network"], tags["loss"], tags["seed"]) == (
        "brats_phantom",
        "unet",
        "ce_dice",
        "0",
    )
    assert (tags["experiment"], tags["digest"]) == ("tiny", runs[0].settings.id)
    assert tags["commit"] == tags["mlflow.source.git.commit"] != ""
    assert tags["mlflow.user"] == runs[0].folder.owner()
    (data,) = run.inputs.dataset_inputs
    assert (data.dataset.name, data.dataset.source_type) == ("brats_phantom", "phantom")
    assert data.dataset.digest == digest(runs[0].dataset.data["version"])


def test_a_database_gets_what_a_server_gets(runs, uri, tmp_path_factory):
    rows = [HistoryRow(0, 0, "train", name, float(name)) for name in ("nan", "inf", "-inf", "1.5")]
    finish(
        runs[0],
        [*rows, *rows[:1], HistoryRow(1, 1, "train", "1.5", 0.25), HistoryRow(1, 1, "cost", "seconds", 2)],
    )
    fill(Tracker(uri, NAME), runs)
    other = f"sqlite:///{tmp_path_factory.mktemp('server')}/mlflow.db"
    as_server = Tracker(other, NAME)
    as_server.database = None  # so that all goes by MLflow's calls
    fill(as_server, runs)
    told = []
    for place in (uri, other):
        for kind in ("run", "all seeds"):
            client, (run,) = stored(place, kind)
            curves = {
                key: [
                    (m.timestamp, m.step, repr(m.value))
                    for m in client.get_metric_history(run.info.run_id, key)
                ]
                for key in run.data.metrics
                if not key.startswith("test")  # whose time is when they were written
            }
            tags = {key: value for key, value in run.data.tags.items() if key != "mlflow.parentRunId"}
            about = (run.info.status, run.info.start_time, run.info.end_time, run.info.run_name)
            told.append((curves, tags, run.data.params, repr(sorted(run.data.metrics.items())), about))
            told[-1] += ([data.to_dictionary() for data in run.inputs.dataset_inputs],)
    assert told[:2] == told[2:]
    assert [(step, value) for _, step, value in told[0][0]["train/1.5"]] == [(0, "1.5"), (1, "0.25")]
