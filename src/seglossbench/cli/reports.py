"""The command report, of an experiment or of anybody's scores."""

from pathlib import Path
from typing import Any, get_args

import click

from seglossbench.cli.application import Settings, cli, pass_settings
from seglossbench.cli.scores import analysis_options, as_arguments, refuse_without_scores, scores_option
from seglossbench.data.cases import Modality
from seglossbench.errors import InputError
from seglossbench.jobs import mark_report


@cli.command()
@scores_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The folder; by default the experiment's in report.folder of the params, or reports/scores.",
)
@click.option(
    "--truth", type=click.Path(path_type=Path), help="With --scores: the folder of the true label maps."
)
@click.option(
    "--predictions",
    multiple=True,
    metavar="LOSS=FOLDER",
    help="With --truth: predictions to be drawn; repeatable. Of several runs DATASET/NETWORK/LOSS/SEED=FOLDER.",
)
@click.option("--images", type=click.Path(path_type=Path), help="With --truth: the folder of the images.")
@click.option(
    "--modality",
    type=click.Choice(get_args(Modality)),
    help="Of the images; by default as a dataset.json says.",
)
@click.option(
    "--regions",
    help="With --truth: the labels of the classes, as of score, which writes them beside its table.",
)
@click.option(
    "--mark", type=click.Path(path_type=Path), help="Leave a copy of the folder there; for Snakemake."
)
@click.option(
    "--analysed", is_flag=True, help="Take the tables of analyse as they are, and do not make them anew."
)
@analysis_options
@pass_settings
def report(
    settings: Settings,
    /,
    files: tuple[Path, ...],
    out: Path | None,
    truth: Path | None,
    predictions: tuple[str, ...],
    images: Path | None,
    modality: Modality | None,
    regions: str | None,
    mark: Path | None,
    analysed: bool,
    **options: Any,
) -> None:
    """Make the tables, the figures and the page index.html, of the experiment or of given scores.

    Scores are our scores.csv, nnU-Net's summary.json, or a folder of TopoMortar's published LOSS/SEED.csv. Predictions
    are drawn where their files are named, truth and images by the names of the cases.

    \b
    Examples:
      seglossbench report
      seglossbench report --scores ours.csv --scores theirs.csv --out comparison
      seglossbench report --scores ce/summary.json --scores dice/summary.json --out nnunet
      seglossbench report --scores ce.csv --truth labelsTs --images imagesTs --predictions ce=predictions
    """
    of_files = {
        "truth": truth,
        "predictions": predictions,
        "images": images,
        "modality": modality,
        "regions": regions,
    }
    if files:
        from seglossbench import standalone

        pictures = None
        if truth is not None and predictions:
            pictures = standalone.Files(truth, predictions, images, regions, modality)
        elif given := [name for name, value in of_files.items() if value]:
            raise InputError(f"--{given[0]}: pictures need both --truth FOLDER and --predictions LOSS=FOLDER")
        click.echo(standalone.report_scores(files, out, pictures, **as_arguments(options)))
        return
    if given := [name for name, value in of_files.items() if value]:
        raise InputError(
            f"--{given[0]}: goes with --scores; an experiment's own predictions are drawn anyway"
        )
    refuse_without_scores(options)
    from seglossbench import stages

    experiment = settings.experiment
    click.echo(stages.report(experiment, out, analysed=analysed))
    if mark is not None:
        mark_report(experiment, mark)
