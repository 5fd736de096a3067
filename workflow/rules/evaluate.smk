# Scores of every run on its test cases.
rule evaluate:
    input:
        ancient("logs/trained/{run}"),  # a run never changes, whatever its mark's age
    output:
        "scores/{run}/{evaluation}.csv",
    log:
        "logs/evaluate/{run}/{evaluation}.log",
    threads: 1
    message:
        "evaluate {wildcards.run}"
    shell:
        "{SEGLOSSBENCH} evaluate --planned {wildcards.run} > {log} 2>&1"


rule evaluate_all:
    input:
        [run.scores for run in EXPERIMENT.runs],
