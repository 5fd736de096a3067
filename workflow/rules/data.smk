# Download and preparation of every dataset of the experiment.
for dataset in EXPERIMENT.datasets:
    # Datasets of one source that differ in how they are read or prepared share its raw folder.
    is_first = dataset.raw not in {other.raw for other in EXPERIMENT.datasets[: EXPERIMENT.datasets.index(dataset)]}
    if is_first and not dataset.is_local_folder:

        rule:
            name:
                f"download_{word(dataset.name)}"
            output:
                directory(dataset.raw),
            log:
                f"logs/download/{dataset.raw.name}.log",
            params:
                dataset=literal(dataset.name),
            message:
                f"download {shown(dataset.name)}"
            shell:
                # The reason of a failure, such as a licence that is not accepted, is for the console, too.
                "{SEGLOSSBENCH} download -- {params.dataset:q} > {log} 2>&1 || (tail -n 1 {log} >&2; exit 1)"

    rule:
        name:
            f"preprocess_{word(dataset.name)}"
        input:
            [] if dataset.is_local_folder else dataset.raw,
        output:
            directory(dataset.prepared),
        log:
            f"logs/preprocess/{dataset.prepared.name}.log",
        params:
            dataset=literal(dataset.name),
        threads: CORES
        message:
            f"preprocess {shown(dataset.name)}"
        shell:
            "{SEGLOSSBENCH} preprocess --processes {threads} -- {params.dataset:q} > {log} 2>&1"


rule data_all:
    input:
        [dataset.prepared for dataset in EXPERIMENT.datasets],
