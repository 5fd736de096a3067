"""What Snakemake is told of an experiment, without Snakemake; with it in test_workflow.py."""

import os

import pytest

from seglossbench import jobs
from seglossbench.errors import InputError, JobError
from seglossbench.experiment import Experiment
from seglossbench.records import note_divergence, run_in_progress, working_folder
from tests.conftest import finish


@pytest.fixture
def experiment(project):
    return Experiment.load(overrides={"experiment": "tiny", "train": {"runs_per_job": 2}})


def fail(run, error):
    with run_in_progress(run.folder, {}):
        raise error


def write_log(log, text, age=0):
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(text)
    os.utime(log, (log.stat().st_atime, log.stat().st_mtime - age))


def test_a_job_of_several_runs_is_named_by_all_of_them(experiment):
    one, other = jobs.train_jobs(experiment)
    assert one.runs == experiment.runs[:2]
    assert one.id.startswith(f"{one.runs[0].id}+1-")
    assert other.id != one.id
    assert jobs.TrainJob(one.runs[:1]).id == one.runs[0].id
    assert jobs.TrainJob((one.runs[0], other.runs[0])).id != one.id


def test_diverged_runs_are_finished_too(experiment):
    run = experiment.runs[0]
    assert not jobs.is_finished(run)
    with run_in_progress(run.folder, {}) as folder:
        note_divergence(folder, 3, "loss is nan")
    assert jobs.is_finished(run)


@pytest.mark.parametrize(
    "change",
    [
        {"evaluate": {"metrics": ["DSC"]}},
        {"grid": {"losses": ["rrw_ce"]}},
        {"report": {"folder": "elsewhere"}},
        {
            "datasets": {
                "brats_phantom": {"published": {"format": "topomortar", "folder": "x", "source": "y"}}
            }
        },
    ],
)
def test_what_a_report_shows_decides_whether_it_is_made_again(project, change):
    for mark in (jobs.report_mark, jobs.analysis_mark):
        before, same, after = (
            mark(Experiment.load(overrides={"experiment": "tiny", **changes})) for changes in ({}, {}, change)
        )
        assert before == same
        assert before != after


def test_a_job_that_waited_while_params_or_code_changed_is_told_so(project, experiment):
    other = Experiment.load(overrides={"experiment": "tiny", "losses": {"rrw_ce": {"rrw": 2.0}}})
    dataset = experiment.datasets[0]
    for product in (dataset.raw, dataset.prepared, dataset.maps, experiment.runs[0].scores):
        jobs.check_product(experiment, product)
    jobs.check_product(other, dataset.maps)
    for product in (experiment.runs[1].scores, jobs.report_mark(experiment)):
        with pytest.raises(InputError, match="have changed since the job for it was queued; start snakemake"):
            jobs.check_product(other, product)


def test_a_waiting_job_is_what_it_was_planned_to_be(experiment):
    job = jobs.train_jobs(experiment)[0]
    jobs.write_plans(job)
    # Params are edited, and somebody else starts with them.
    edited = Experiment.load(overrides={"experiment": "tiny", "evaluate": {"metrics": ["HD"]}})
    for other in jobs.train_jobs(edited):
        jobs.write_plans(other)
    assert [run.id for run in jobs.planned(job.id).runs] == [run.id for run in job.runs]
    assert jobs.planned(job.id).mark == job.mark
    run, anew = experiment.runs[0], edited.runs[0]
    assert jobs.planned_to_score(anew.id, anew.scores).id == run.id
    with pytest.raises(InputError, match="have changed since the job for it was queued"):
        jobs.planned_to_score(run.id, run.scores)
    with pytest.raises(InputError, match="no such job was planned; start snakemake again"):
        jobs.planned(f"{job.runs[0].id}+7-0123456789ab")


def test_failures_are_what_this_calls_jobs_did_not_make(experiment):
    (_, broken, killed, _), (dataset, _) = experiment.runs, experiment.datasets
    one, other = jobs.train_jobs(experiment)
    finish(one.runs[0])
    with pytest.raises(ValueError, match="a broken scan"):
        fail(broken, ValueError("a broken scan"))
    write_log(jobs.log_of("train", one.id), "epoch 1\nseglossbench: 1 of 2 runs failed: long story")
    write_log(jobs.log_of("train", other.id), "epoch 1 of 9")
    write_log(jobs.log_of("preprocess", dataset.prepared.name), "seglossbench: of the call before", age=60)
    write_log(jobs.log_of("maps", dataset.maps.name), "")
    dataset.maps.mkdir(parents=True)
    since = jobs.start_of_call() - 30
    found = {failed.what: failed for failed in jobs.failures(experiment, since)}
    assert list(found) == [broken.id, *(run.id for run in other.runs)]
    assert found[broken.id].reason == "ValueError: a broken scan"
    assert found[killed.id].reason.startswith("ended without a word")
    text = jobs.describe_failures(experiment, list(found.values()))
    assert f"  {broken.id}: ValueError: a broken scan\n    log: {jobs.log_of('train', one.id)}" in text
    assert jobs.failures(experiment, since + 60) == []


def test_a_run_that_its_training_could_not_score_is_told(experiment):
    one, other = jobs.train_jobs(experiment)
    for run in (*one.runs, *other.runs):
        finish(run, "" if run in (one.runs[1], other.runs[0]) else "scores")
    log = jobs.log_of("train", one.id)
    write_log(log, f"seglossbench: 1 of 2 runs failed: {one.runs[1].id}: InputError: no truth")
    # Killed before it scored, which is left for the end.
    write_log(jobs.log_of("train", other.id), "epoch 9 of 9")
    (failed,) = jobs.failures(experiment, jobs.start_of_call() - 30)
    assert (failed.what, failed.log) == (f"scores of {one.runs[1].id}", log)
    assert failed.reason.endswith("no truth")
    assert jobs.left_unscored(experiment, jobs.start_of_call()) == [one.runs[1], other.runs[0]]


def test_what_failed_by_itself_is_not_tried_again_in_the_same_call(experiment):
    own, starved, _, _ = experiment.runs
    jobs.start_of_call()
    for run, error in ((own, ValueError("a broken scan")), (starved, MemoryError())):
        with pytest.raises(type(error)):
            fail(run, error)
    with pytest.raises(JobError, match=f"{own.id}: not tried again .*ValueError: a broken scan"):
        jobs.check_may_try(own)
    jobs.check_may_try(starved)
    os.utime("logs/.started", (0, (working_folder(own.folder) / "failure.json").stat().st_mtime))
    jobs.check_may_try(own)


def test_a_finished_run_that_shared_a_job_with_a_failed_one_is_left_to_be_scored(experiment):
    first, second, _, _ = experiment.runs
    finish(first)
    finish(second)
    since = jobs.start_of_call()
    write_log(jobs.log_of("evaluate", f"{second.id}/{second.scores.stem}"), "seglossbench: tried and failed")
    assert jobs.left_unscored(experiment, since) == [first]
    first.scores.parent.mkdir(parents=True)
    first.scores.touch()
    assert jobs.left_unscored(experiment, since) == []
