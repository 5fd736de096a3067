"""The whole experiment: snakemake --cores all. What is run is said in params.yaml and experiments/."""

include: "workflow/rules/experiment.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/maps.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/report.smk"


# Above what snakemake --report collects.
report: "workflow/report/workflow.rst"


rule all:
    default_target: True
    input:
        rules.report.output,
        rules.track.output,
