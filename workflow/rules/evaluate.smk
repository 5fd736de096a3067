# Scores of finished runs on their test cases, by conventions that they were not scored by when they were trained.
def needed_to_score(wildcards):
    """The raw and prepared cases of a run, and the run itself, which needs no job where it is finished."""
    run = run_of(wildcards)
    trained = [JOB_OF[run.id].mark] if run.id in JOB_OF and not jobs.is_finished(run) else []
    return [*raw_of(run.dataset), ancient(run.dataset.prepared), *trained]


def run_of(wildcards):
    """The run of the wildcards of rule evaluate, as it was when the workflow was started."""
    scores = Path(f"scores/{wildcards.run}/{wildcards.evaluation}.csv")
    return find(SCORED, scores, lambda place: jobs.planned_to_score(wildcards.run, place))


def must_predict(wildcards):
    """Whether the scores need a network; where the run is still to be trained, its training predicts."""
    run = run_of(wildcards)
    return jobs.is_finished(run) and not all(weights.predictions.exists() for weights in run.weights)


rule evaluate:
    input:
        needed_to_score,
    output:
        report(
            "scores/{run}/{evaluation}.csv",
            caption="../report/scores.rst",
            category="Scores",
            labels={"run": "{run}"},
        ),
    log:
        jobs.log_of("evaluate", "{run}/{evaluation}"),
    threads: lambda wildcards: run_of(wildcards).train.threads if must_predict(wildcards) else 1
    resources:
        gpu=lambda wildcards: PLACE.gpu(run_of(wildcards).train) if must_predict(wildcards) else 0,
    message:
        "evaluate {wildcards.run}"
    shell:
        "{SEGLOSSBENCH} --log {log} --for {output} evaluate --planned {wildcards.run}"


def all_scores(wildcards):
    """The marks of the trainings, which score their runs, and the scores of all other runs that are not there yet.

    What is made by its name once is the same for ever: the marks of tables and pages name all scores, and thousands that
    are there need not be looked through. Only snakemake --report wants them.
    """
    trained = {run.id for job in UNFINISHED for run in job.runs}
    others = [run.scores for run in EXPERIMENT.runs if run.id not in trained]
    if "--report" not in sys.argv:
        others = [scores for scores in others if not scores.exists()]
    return [*(job.mark for job in UNFINISHED), *others]


rule evaluate_all:
    input:
        all_scores,
