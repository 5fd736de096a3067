# The trainings, each of which scores its run at once, while all that this needs is in memory. A run that is finished has
# no job. An interrupted one goes on when its job is started again.
UNFINISHED = [job for job in TRAIN_JOBS.values() if not all(map(jobs.is_finished, job.runs))]

# A mark without its runs is one of a run whose folder was removed, which is to be trained again.
if workflow.is_main_process:
    for job in UNFINISHED:
        job.mark.unlink(missing_ok=True)
        jobs.write_plans(job)
    for job in TRAIN_JOBS.values():
        if not all(run.scores.exists() for run in job.runs):
            jobs.write_plans(job)


rule train:
    input:
        lambda wildcards: raw_of(job_of(wildcards).runs[0].dataset),  # which has the truth
        lambda wildcards: ancient(job_of(wildcards).runs[0].dataset.prepared),
        lambda wildcards: ancient(job_of(wildcards).runs[0].dataset.maps),
    output:
        touch("logs/trained/{job}"),
    log:
        jobs.log_of("train", "{job}"),
    params:
        runs=lambda wildcards: [run.id for run in job_of(wildcards).runs],
    threads: lambda wildcards: PLACE.threads(job_of(wildcards).runs[0].train)
    resources:
        gpu=lambda wildcards: PLACE.gpu(job_of(wildcards).runs[0].train),
    message:
        "train {params.runs}"
    shell:
        "{SEGLOSSBENCH} --log {log} train --planned --score {params.runs}"


def job_of(wildcards):
    """The job of the wildcards of rule train, as it was when the workflow was started."""
    return find(TRAIN_JOBS, wildcards.job, jobs.planned)


rule train_all:
    input:
        [job.mark for job in UNFINISHED],
