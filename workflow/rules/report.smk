# MLflow's view of the finished runs, and the report of the experiment.
from seglossbench.code import code_version


rule track:
    input:
        rules.evaluate_all.input,
        ancient(rules.track_store.output),
    output:
        touch(EXPERIMENT.tracked),
    log:
        "logs/track.log",
    message:
        "bring MLflow up to the runs"
    shell:
        "{SEGLOSSBENCH} track > {log} 2>&1"


rule report:
    input:
        rules.evaluate_all.input,
        rules.track.output,
    output:
        EXPERIMENT.report,
    log:
        "logs/report.log",
    params:
        code=code_version("reporting", "statistics"),
    message:
        "report {EXPERIMENT.name}"
    shell:
        "{SEGLOSSBENCH} report > {log} 2>&1"
