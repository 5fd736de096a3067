"""Commands about MLflow: track, ui."""

from pathlib import Path

import click

from seglossbench.cli.application import Settings, cli, pass_settings


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
    "--host", default="127.0.0.1", show_default=True, help="Who may look: by default this machine alone."
)
@click.option("--port", type=click.IntRange(1, 65535), default=5000, show_default=True)
@pass_settings
def ui(settings: Settings, host: str, port: int) -> None:
    """Show the runs in MLflow's pages: a link for each dataset, to losses, networks and scores, best first.

    Of a file or database a server is started, until Ctrl-C; of a server that is there already only the links are given.

    \b
    Examples:
      seglossbench ui
      MLFLOW_TRACKING_URI=http://mlflow.example.org seglossbench ui
    """
    from seglossbench import stages

    experiment = settings.experiment
    for line in stages.links(experiment, f"http://{host}:{port}"):
        click.echo(line)
    stages.serve(experiment, host, port)
