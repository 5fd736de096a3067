# Contour and distance maps, computed once per case.
rule maps:
    input:
        lambda wildcards: ancient(find(MAPS, wildcards.maps, not_made("data/maps")).prepared),
    output:
        directory("data/maps/{maps}"),
    log:
        jobs.log_of("maps", "{maps}"),
    params:
        dataset=lambda wildcards: MAPS[wildcards.maps].name,
    threads: CORES
    priority: 1
    message:
        "maps {params.dataset}"
    shell:
        "{SEGLOSSBENCH} --log {log} --for {output} maps --processes {threads} -- {params.dataset:q}"


rule maps_all:
    input:
        [ancient(dataset.maps) for dataset in EXPERIMENT.datasets],
