"""The status of an experiment: states, values, time left, failures with their logs, and what the exit status says."""

import json
from contextlib import suppress

import pytest

from seglossbench import cli
from seglossbench.experiment import Experiment
from seglossbench.jobs import log_of
from seglossbench.records import HistoryRow, run_in_progress, write_history
from seglossbench.stages import describe, notify, progress_of
from tests.conftest import finish

SCORES = "dataset,network,loss,seed,case,class,metric,value\nd,n,l,0,a,WT,DSC,0.5\n"


@pytest.fixture
def experiment(project):
    return Experiment.load(overrides={"experiment": "tiny", "train": {"epochs": 10}})


def rows(epochs, seconds=30.0):
    for epoch in range(epochs):
        yield HistoryRow(epoch, epoch, "train", "loss", 1 / (epoch + 1))
        yield HistoryRow(epoch, epoch, "validation", "DSC", epoch / 10)
        yield HistoryRow(epoch, epoch, "cost", "seconds", seconds)


def settings_of(run):
    return run.settings.model_dump(mode="json")


def test_the_screen_has_states_values_time_left_and_failures_with_their_logs(experiment):
    done, failed, running, waiting = experiment.runs
    finish(done, SCORES)
    with suppress(ValueError), run_in_progress(failed.folder, settings_of(failed)):
        raise ValueError("no such thing")
    with run_in_progress(running.folder, settings_of(running), "a GPU") as folder:
        write_history(folder / "history.csv", rows(4))
        progress = progress_of(experiment)
    by_id = {run.id: run for run in progress.runs}
    told = by_id[running.id]
    assert (told.epoch, told.train_loss, told.dsc, told.seconds_left) == (4, 0.25, 0.3, 180.0)
    assert progress.seconds_left is None, "nobody has trained this dataset and network to the end"
    screen = "\n".join(describe(progress))
    assert f"RUNNING {running.id}: epoch 4 of 10, loss 0.25, DSC 0.3, 3.0 min left (a GPU)" in screen
    assert f"FAILED {failed.id}: ValueError: no such thing\n    log: logs/train/{failed.id}.log" in screen
    assert "brats_phantom\n  unet  ce_dice  ●\n  unet  rrw_ce   ✗\n" in screen
    assert "amos_phantom\n  unet  ce_dice  ▶\n  unet  rrw_ce   ·\n" in screen
    assert "a sign per seed: ● DONE, ▶ RUNNING, ✗ FAILED, · NOT_LAUNCHED" in screen
    assert progress.exit_status == 3
    assert by_id[waiting.id].epoch is None


def test_time_is_left_by_what_finished_runs_took_and_as_many_at_a_time_as_run(experiment):
    for run, seconds in zip(experiment.runs, (100, 300, None, 40), strict=True):
        if seconds:
            finish(run, SCORES)
            outcome = run.folder / "outcome.json"
            outcome.write_text(json.dumps(json.loads(outcome.read_text()) | {"seconds": seconds}))
    progress = progress_of(experiment)
    assert (progress.seconds_left, progress.exit_status) == (40.0, 4)
    finish(experiment.runs[2])
    assert "○ DONE, not scored" in "\n".join(describe(progress_of(experiment)))
    assert progress_of(experiment).exit_status == 4
    experiment.runs[2].scores.parent.mkdir(parents=True)
    experiment.runs[2].scores.write_text(SCORES)
    assert progress_of(experiment).exit_status == 0


def test_a_failed_preparation_is_told_and_one_that_runs_is_not(experiment):
    said = {0: "seglossbench: no such folder\n", 1: "still at it\n"}
    for place, dataset in enumerate(experiment.datasets):
        log = log_of("preprocess", dataset.prepared.name)
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(said[place])
    (failed,) = progress_of(experiment).failed
    assert (failed.what, failed.reason) == ("preparation of brats_phantom", "no such folder")


def test_the_command_speaks_json_and_its_exit_status_tells(experiment, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["--set", "experiment=tiny", "status", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert (ended.value.code, told["states"], len(told["runs"])) == (4, {"NOT_LAUNCHED": 4}, 4)
    for run in Experiment.load(overrides={"experiment": "tiny"}).runs:
        finish(run, SCORES)
    with pytest.raises(SystemExit) as ended:
        cli.main(["--set", "experiment=tiny", "status", "--watch", "5"])  # and it does not wait
    assert ended.value.code == 0


def test_a_notice_is_sent_and_one_that_fails_touches_nothing(project, capfd):
    def load(**commands):
        return Experiment.load(overrides={"experiment": "tiny", "notify": commands})

    finish(load().runs[0], SCORES)
    notify(
        load(on_finish='echo "$SEGLOSSBENCH_MESSAGE; $SEGLOSSBENCH_REPORT" > told', on_failure="touch wrong")
    )
    assert (
        project / "told"
    ).read_text() == "experiment tiny: 1 of 4 runs finished; reports/tiny/index.html\n"
    assert not (project / "wrong").exists()
    notify(load(on_failure="exit 7"), [])
    assert "notify.on_failure: Command 'exit 7' returned non-zero exit status 7" in capfd.readouterr().err
    notify(load())
