# The report of the experiment, and MLflow's view of the finished runs.
from seglossbench.stages import notify
from seglossbench.tracking import marks

# No training and no report waits for MLflow. What it lacks is told at the end, and the next call tries again.
TRACKED = marks.mark_of(EXPERIMENT) if is_asked_for("track") else Path("logs/tracked/by another job")
if workflow.is_main_process:
    marks.sync_mark(EXPERIMENT)

    @atexit.register
    def tell_what_mlflow_lacks():
        if problem := marks.problem_of(TRACKED):
            print(problem, "To fill it, as no report needs:", "seglossbench", *OPTIONS, "track", file=sys.stderr)


# The page itself is no output, because a report that fails leaves the former one as it was; its mark is a copy, of links.
REPORTED = jobs.report_mark(EXPERIMENT) if is_asked_for("report") or is_asked_for("track") else Path("logs/reported/by another job")
if workflow.is_main_process and not EXPERIMENT.report.exists():
    jobs.remove_mark(REPORTED)


rule track:
    input:
        all_scores,
        REPORTED,  # with the analysis, whose means and intervals MLflow shows
    output:
        TRACKED,
    log:
        jobs.log_of("track", EXPERIMENT.name),
    message:
        "make MLflow equal to the runs"
    shell:
        "{SEGLOSSBENCH} --log {log} track --mark {output}"


# What holds, as tables alone: snakemake --cores all analyse
WITH_TABLES = any(map(is_asked_for, ("analyse", "report", "track")))
ANALYSED = jobs.analysis_mark(EXPERIMENT) if WITH_TABLES else Path("logs/analysed/by another job")
if workflow.is_main_process and not (EXPERIMENT.report.parent / "analysis" / "provenance.json").exists():
    ANALYSED.unlink(missing_ok=True)


rule analyse:
    input:
        all_scores,
    output:
        touch(ANALYSED),
    log:
        jobs.log_of("analyse", EXPERIMENT.name),
    message:
        "analyse {EXPERIMENT.name}"
    shell:
        "{SEGLOSSBENCH} --log {log} --for {output} analyse"


rule report:
    input:
        all_scores,
        ANALYSED,
    output:
        report(
            directory(REPORTED),
            caption="../report/report.rst",
            htmlindex="index.html",
            category="Report",
            labels={"experiment": EXPERIMENT.name},
        ),
    log:
        jobs.log_of("report", EXPERIMENT.name),
    params:
        experiment=EXPERIMENT.name,
    message:
        "report {EXPERIMENT.name}"
    shell:
        "{SEGLOSSBENCH} --log {log} --for {output} report --analysed --mark {output}"


if workflow.is_main_process and not IS_DRY:
    STARTED = jobs.start_of_call()


onerror:
    # The other jobs went on (keep-going in the profiles), and what they came to is reported all the same. Whoever stopped
    # the call by hand wants it to end.
    failed = jobs.failures(EXPERIMENT, STARTED)
    if not workflow.scheduler.running and not workflow.scheduler.open_jobs:
        # Some runs may be trained and have no scores, as they shared a job with one that failed.
        for run in jobs.left_unscored(EXPERIMENT, STARTED):
            log = jobs.log_of("evaluate", f"{run.id}/{run.scores.stem}")
            shell("{SEGLOSSBENCH} --log {log} evaluate {run.id} || true")
        if any(run.scores.exists() for run in EXPERIMENT.runs):
            log = jobs.log_of("report", EXPERIMENT.name)
            shell("{SEGLOSSBENCH} --log {log} report && echo 'The report of what there is: {EXPERIMENT.report}' >&2 || true")
            log = jobs.log_of("track", EXPERIMENT.name)
            shell("{SEGLOSSBENCH} --log {log} track --mark {TRACKED} || true")
    if failed:
        print(jobs.describe_failures(EXPERIMENT, failed), file=sys.stderr)
    notify(EXPERIMENT, failed)


onsuccess:
    notify(EXPERIMENT)
