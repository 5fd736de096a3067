# The trainings. An interrupted run keeps its working folder and goes on when its job is started again.
from seglossbench.experiment import plans
from seglossbench.records import sync_mark

# Snakemake removes the outputs of a failed or interrupted job, and a finished run must survive that: so its outputs are
# marks, which say what the run folders say whenever the workflow is read, but for the jobs' own readings of it.
if workflow.is_main_process:
    for run in EXPERIMENT.runs:
        sync_mark(run.folder, run.trained)
        if not run.scores.exists():
            plans.write(run)  # from which its jobs learn what it is, whatever is edited while they wait


for batch in EXPERIMENT.train_jobs():
    rule_name = f"train_{batch[0].name}" + (f"_and_{len(batch) - 1}_more" if len(batch) > 1 else "")
    if workflow.is_rule(rule_name):  # names that differ in what a rule's name cannot have, such as a-b and a_b
        rule_name += f"_{batch[0].id[-12:]}"

    rule:
        name:
            rule_name
        input:
            batch[0].dataset.prepared,
            batch[0].dataset.maps,
        output:
            touch([run.trained for run in batch]),
        log:
            f"logs/train/{batch[0].id}.log",
        params:
            runs=[run.id for run in batch],
        threads: batch[0].train.threads
        resources:
            gpu=0 if batch[0].train.device == "cpu" else 1,
        message:
            f"train {', '.join(run.id for run in batch)}"
        shell:
            "{SEGLOSSBENCH} train --planned {params.runs} > {log} 2>&1"


rule train_all:
    input:
        [run.trained for run in EXPERIMENT.runs],
