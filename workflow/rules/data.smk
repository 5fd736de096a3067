# Download and preparation of every dataset of the experiment. What a name's digest stands for never changes, so that
# the age of a folder says nothing, here and in all that follows: ancient(). Data come before trainings, for these leave
# cores idle one after the other when something that takes all of them has its turn among them.
rule download:
    output:
        directory("data/raw/{raw}"),
    log:
        jobs.log_of("download", "{raw}"),
    params:
        dataset=lambda wildcards: find(DOWNLOADS, wildcards.raw, not_made("data/raw")).name,
    priority: 1
    message:
        "download {params.dataset}"
    shell:
        "{SEGLOSSBENCH} --log {log} --for {output} download -- {params.dataset:q}"


rule preprocess:
    input:
        lambda wildcards: raw_of(find(PREPARED, wildcards.prepared, not_made("data/prepared"))),
    output:
        directory("data/prepared/{prepared}"),
    log:
        jobs.log_of("preprocess", "{prepared}"),
    params:
        dataset=lambda wildcards: PREPARED[wildcards.prepared].name,
    threads: CORES
    priority: 1
    message:
        "preprocess {params.dataset}"
    shell:
        "{SEGLOSSBENCH} --log {log} --for {output} preprocess --processes {threads} -- {params.dataset:q}"


def raw_of(dataset):
    """The raw folder as an input of Snakemake's, unless it is the user's, in which Snakemake makes nothing."""
    return [] if dataset.is_local_folder else [ancient(dataset.raw)]


rule data_all:
    input:
        [ancient(dataset.prepared) for dataset in EXPERIMENT.datasets],
