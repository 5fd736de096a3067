# Contour and distance maps, computed once per case.
for dataset in EXPERIMENT.datasets:

    rule:
        name:
            f"maps_{word(dataset.name)}"
        input:
            dataset.prepared,
        output:
            directory(dataset.maps),
        log:
            f"logs/maps/{dataset.maps.name}.log",
        params:
            dataset=literal(dataset.name),
        threads: CORES
        message:
            f"maps {shown(dataset.name)}"
        shell:
            "{SEGLOSSBENCH} maps --processes {threads} -- {params.dataset:q} > {log} 2>&1"


rule maps_all:
    input:
        [dataset.maps for dataset in EXPERIMENT.datasets],
