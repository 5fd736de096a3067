"""Commands about datasets: download, check-data, preprocess, maps."""

from pathlib import Path

import click
import yaml

from seglossbench.acquisition import sources
from seglossbench.cli.application import Settings, cli, pass_settings
from seglossbench.errors import InputError, JobError, nearest
from seglossbench.params import DatasetParams, load


@cli.command()
@click.argument("dataset")
@click.option("--accept-licence", is_flag=True, help="Accept the licence of a public dataset, once for all.")
@click.option("--origin", help="A folder, an archive or an address that serves in place of the download.")
@click.option(
    "--route", type=click.Choice(["auto", "http", "kaggle", "synapse", "git"]), help="The way to get it."
)
@pass_settings
def download(
    settings: Settings, dataset: str, accept_licence: bool, origin: str | None, route: str | None
) -> None:
    """Get DATASET and unpack it under data/raw; a folder of your own is only looked at.

    DATASET is one of the params, or a public one by its name in `seglossbench list sources`. An interrupted
    download goes on where it stopped.

    \b
    Examples:
      seglossbench download topomortar --accept-licence
      seglossbench download brats2020 --accept-licence --origin ~/BraTS2020_TrainingData.zip
    """
    from seglossbench import stages
    from seglossbench.acquisition import licences

    changes = {key: value for key, value in {"origin": origin, "route": route}.items() if value}
    known = settings.experiment_with(dataset, changes)
    chosen = known.dataset(dataset) if known else None
    params = chosen.params if chosen else DatasetParams.model_validate({"source": dataset, **changes})
    if params.source is not None:
        source = sources.find(params.source, "download")
        click.echo(source.describe())
        if accept_licence:
            licences.accept(params.source, source.licence)
    if chosen:
        index = stages.download(chosen)
        click.echo(f"{chosen.raw}: {len(index.cases)} labelled cases in the layout {index.layout}")
    else:
        click.echo(stages.download_source(dataset, params))
    if changes:
        text = yaml.safe_dump({"datasets": {dataset: changes}}, default_flow_style=True).strip()
        click.echo(f"To use it so in an experiment, say in its params: {text}")


@cli.command("check-data")
@click.argument("dataset")
@click.option(
    "--on",
    "folder",
    type=click.Path(path_type=Path),
    help="Check this folder, as the params of DATASET say that it is read.",
)
@click.option(
    "--processes", type=click.IntRange(min=1), default=1, show_default=True, help="Cases at a time."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The folder; by default data in report.folder of the params.",
)
@pass_settings
def check_data(
    settings: Settings, dataset: str, folder: Path | None, processes: int, out: Path | None
) -> None:
    """Read every case of DATASET and tell what is wrong: exit status 1 if anything is.

    Found are files that cannot be read or hold NaN, images and labels that do not lie in the same space, unknown and
    empty labels, missing modalities and partners, and cases that come twice. Also writes what the cases are like.

    \b
    Examples:
      seglossbench check-data brats_phantom --processes 2
      seglossbench check-data own --on /data/mine
    """
    from seglossbench.data.checking import format_problems
    from seglossbench.inspection.data_check import write_check

    if folder is None:
        experiment = settings.experiment
        chosen = experiment.dataset(dataset)
        raw, params, reports = chosen.raw, chosen.params, Path(experiment.params.report.folder)
    else:
        known = load(settings.params, settings.overrides)
        if dataset not in known.datasets:
            raise InputError(
                f"no dataset {dataset!r} in the params; {nearest(dataset, tuple(known.datasets))}"
            )
        raw, params, reports = folder, known.datasets[dataset], Path(known.report.folder)
    problems, outcome = write_check(dataset, raw, params, out or reports / "data", processes)
    if problems:
        click.echo(format_problems(problems, raw))
        raise JobError(outcome)
    click.echo(outcome)


@cli.command()
@click.argument("dataset")
@click.option(
    "--processes", type=click.IntRange(min=1), default=1, show_default=True, help="Cases at a time."
)
@pass_settings
def preprocess(settings: Settings, dataset: str, processes: int) -> None:
    """Turn the raw cases of DATASET into arrays under data/prepared.

    \b
    Example:
      seglossbench preprocess brats_phantom --processes 2
    """
    from seglossbench import stages

    experiment = settings.experiment
    for problem in stages.preprocess(experiment, experiment.dataset(dataset), processes):
        click.echo(f"left out {problem.case}: {problem}")


@cli.command()
@click.argument("dataset")
@click.option(
    "--processes", type=click.IntRange(min=1), default=1, show_default=True, help="Cases at a time."
)
@pass_settings
def maps(settings: Settings, dataset: str, processes: int) -> None:
    """Compute the contour and distance maps of DATASET once, under data/maps.

    \b
    Example:
      seglossbench maps brats_phantom --processes 2
    """
    from seglossbench import stages

    experiment = settings.experiment
    stages.cache_maps(experiment, experiment.dataset(dataset), processes)
