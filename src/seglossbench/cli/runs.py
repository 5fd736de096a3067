"""Commands about the runs of an experiment: train, evaluate, track, report, status."""

from pathlib import Path

import click

from seglossbench.cli.application import Settings, cli, pass_settings


@cli.command()
@click.argument("run", nargs=-1, required=True)
@click.option(
    "--threads", type=click.IntRange(min=1), help="CPU threads; by default train.threads of the params."
)
@pass_settings
def train(settings: Settings, run: tuple[str, ...], threads: int | None) -> None:
    """Train each RUN, one after the other, or go on with it where it was interrupted.

    \b
    Example (an id from seglossbench list):
      seglossbench train brats_phantom/unet/cwcd/seed0-1f2e3d4c5b6a
    """
    from seglossbench import stages

    experiment = settings.experiment
    runs = [experiment.run(id) for id in run]
    stages.train_all(experiment, runs, threads or experiment.params.train.threads)


@cli.command()
@click.argument("run")
@click.option(
    "--threads", type=click.IntRange(min=1), help="CPU threads; by default train.threads of the params."
)
@pass_settings
def evaluate(settings: Settings, run: str, threads: int | None) -> None:
    """Score the test cases of a trained RUN into its scores.csv.

    \b
    Example (an id from seglossbench list):
      seglossbench evaluate brats_phantom/unet/cwcd/seed0-1f2e3d4c5b6a
    """
    from seglossbench import stages

    experiment = settings.experiment
    stages.evaluate(experiment, experiment.run(run), threads or experiment.params.train.threads)


@cli.command()
@click.option("--rebuild", is_flag=True, help="Remove what MLflow has of this experiment and fill it again.")
@click.option(
    "--mark",
    type=click.Path(path_type=Path),
    help="Say in this file what MLflow lacks, which is then no failure; for Snakemake.",
)
@pass_settings
def track(settings: Settings, rebuild: bool, mark: Path | None) -> None:
    """Make MLflow equal to the run folders, which are the truth.

    \b
    Examples:
      seglossbench track
      seglossbench track --rebuild
    """
    from seglossbench import stages

    experiment = settings.experiment
    said = stages.track_and_mark(experiment, mark) if mark else stages.track(experiment, rebuild=rebuild)
    for line in said:
        click.echo(line)


@cli.command()
@click.option(
    "--scores",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Anybody's scores.csv; repeatable.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="The folder; by default report.folder of the params."
)
@pass_settings
def report(settings: Settings, files: tuple[Path, ...], out: Path | None) -> None:
    """Make the tables, the figures and the page index.html, of the experiment or of given scores.

    \b
    Examples:
      seglossbench report
      seglossbench report --scores ours.csv --scores theirs.csv --out comparison
    """
    from seglossbench import stages

    if files:
        page = stages.report_scores(files, out or Path("reports"))
    else:
        experiment = settings.experiment
        page = stages.report(experiment, out or experiment.report.parent)
    click.echo(page)


@cli.command()
@click.option(
    "--estimate",
    is_flag=True,
    help="First measure a step of every network and dataset shape on this machine, once; a minute for each.",
)
@click.option(
    "--tflops",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    help="What a GPU sustains, for GPU hours from the counted operations.",
)
@pass_settings
def status(settings: Settings, estimate: bool, tflops: float) -> None:
    """Show runs, jobs, hours and disk of the experiment, and what is done, what is running, what failed and why.

    Needs no data, except folders of yours (datasets.NAME.folder), whose files are part of what a run is. Hours come
    from finished runs, or else from steps that --estimate measured.

    \b
    Examples:
      watch seglossbench status
      seglossbench --set experiment=papers status --estimate
    """
    from seglossbench import plan, stages

    experiment = settings.checked_experiment
    if estimate:
        plan.measure(experiment, experiment.params.train.threads, experiment.params.train.device)
    click.echo(stages.status(experiment, tflops))
