# Contour and distance maps, computed once per case.
for dataset in EXPERIMENT.datasets:

    rule:
        name:
            f"maps_{dataset.name}"
        input:
            dataset.prepared,
        output:
            directory(dataset.maps),
        log:
            f"logs/maps/{dataset.maps.name}.log",
        params:
            dataset=dataset.name,
        threads: CORES
        message:
            f"maps {dataset.name}"
        shell:
            "{SEGLOSSBENCH} maps {params.dataset} --processes {threads} > {log} 2>&1"


rule maps_all:
    input:
        [dataset.maps for dataset in EXPERIMENT.datasets],
