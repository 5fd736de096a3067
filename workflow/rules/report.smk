# MLflow's view of the finished runs, and the report of the experiment.
from seglossbench.experiment.identity import report_version
from seglossbench.files import digest
from seglossbench.tracking import marks

# No training and no report waits for MLflow. What it lacks is told at the end, and the next call tries again.
TRACKED = marks.mark_of(EXPERIMENT)
if workflow.is_main_process:
    marks.sync_mark(EXPERIMENT)

    @atexit.register
    def tell_what_mlflow_lacks():
        if problem := marks.problem_of(TRACKED):
            options = [f"--set {shlex.quote(f'{key}={json.dumps(value)}')}" for key, value in config.items()]
            print(problem, "To fill it, as no report needs:", *["seglossbench", *options, "track"], file=sys.stderr)


rule track:
    input:
        rules.evaluate_all.input,
    output:
        TRACKED,
    log:
        "logs/track.log",
    message:
        "make MLflow equal to the runs"
    shell:
        "{SEGLOSSBENCH} track --mark {output} > {log} 2>&1"


rule report:
    input:
        rules.evaluate_all.input,
    output:
        EXPERIMENT.report,
    log:
        "logs/report.log",
    params:
        code=report_version(),
        # What is on the page and in no run's scores: titles, the order of the runs, and which scores were published.
        content=digest(
            [
                EXPERIMENT.name,
                [run.id for run in EXPERIMENT.runs],
                [
                    dataset.params.published and dataset.params.published.model_dump(mode="json")
                    for dataset in EXPERIMENT.datasets
                ],
            ]
        ),
    message:
        "report {EXPERIMENT.name}"
    shell:
        "{SEGLOSSBENCH} report > {log} 2>&1"
