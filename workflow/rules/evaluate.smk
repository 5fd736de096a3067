# Scores of every run on its test cases.
def needed_to_score(wildcards):
    """The raw and prepared cases of a run, and the run itself, which needs no job where it is finished."""
    scores = Path(f"scores/{wildcards.run}/{wildcards.evaluation}.csv")
    run = find(SCORED, scores, lambda place: jobs.planned_to_score(wildcards.run, place))
    trained = [] if jobs.is_finished(run) else [JOB_OF[run.id].mark]
    return [*raw_of(run.dataset), ancient(run.dataset.prepared), *trained]


rule evaluate:
    input:
        needed_to_score,
    output:
        "scores/{run}/{evaluation}.csv",
    log:
        jobs.log_of("evaluate", "{run}/{evaluation}"),
    threads: 1
    message:
        "evaluate {wildcards.run}"
    shell:
        "{SEGLOSSBENCH} --log {log} --for {output} evaluate --planned {wildcards.run}"


rule evaluate_all:
    input:
        rules.train_all.input,
        [run.scores for run in EXPERIMENT.runs],
