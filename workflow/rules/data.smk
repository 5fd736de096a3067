# Download and preparation of every dataset of the experiment.
for dataset in EXPERIMENT.datasets:
    if not dataset.is_local_folder:

        rule:
            name:
                f"download_{dataset.name}"
            output:
                directory(dataset.raw),
            log:
                f"logs/download/{dataset.raw.name}.log",
            params:
                dataset=dataset.name,
            message:
                f"download {dataset.name}"
            shell:
                "{SEGLOSSBENCH} download {params.dataset} > {log} 2>&1"

    rule:
        name:
            f"preprocess_{dataset.name}"
        input:
            [] if dataset.is_local_folder else dataset.raw,
        output:
            directory(dataset.prepared),
        log:
            f"logs/preprocess/{dataset.prepared.name}.log",
        params:
            dataset=dataset.name,
        threads: workflow.cores or 1
        message:
            f"preprocess {dataset.name}"
        shell:
            "{SEGLOSSBENCH} preprocess {params.dataset} --processes {threads} > {log} 2>&1"


rule data_all:
    input:
        [dataset.prepared for dataset in EXPERIMENT.datasets],
