"""Commands about the runs of an experiment: train, evaluate, report, status."""

import json
import time
from pathlib import Path
from typing import Any, get_args

import click

from seglossbench.cli.application import Settings, cli, pass_settings
from seglossbench.cli.scores import analysis_options, as_arguments, refuse_without_scores
from seglossbench.data.cases import Modality
from seglossbench.errors import InputError
from seglossbench.experiment import Run, plans
from seglossbench.jobs import mark_report, planned_to_score


@cli.command()
@click.argument("run", nargs=-1)
@click.option(
    "--planned", is_flag=True, help="RUNs are as the workflow planned them; params are not looked at."
)
@click.option("--score", is_flag=True, help="Score each RUN's test cases, too, as the workflow does.")
@click.option(
    "--from",
    "folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Train a run again from the settings in its folder.",
)
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    default=Path("again"),
    show_default=True,
    help="With --from: the folder of the new run.",
)
@pass_settings
def train(
    settings: Settings, run: tuple[str, ...], planned: bool, score: bool, folder: Path | None, into: Path
) -> None:
    """Train each RUN, one after the other, or go on with it where it was interrupted.

    \b
    Examples (an id, or how it begins, from seglossbench list):
      seglossbench train brats_phantom/unet/cwcd/seed0
      seglossbench train --from runs/brats_phantom/unet/cwcd/seed0-1f2e3d4c5b6a --into again
    """
    from seglossbench import stages

    if folder is not None:
        if run or planned or score:
            raise InputError(
                "--from: trains the run of that folder alone; leave out RUN, --planned and --score"
            )
        click.echo(stages.train_from(folder, into))
        return
    if not run:
        raise InputError("RUN: none given; seglossbench list shows the ids")
    work = stages.train_and_score if score else stages.train
    stages.train_all(_runs(settings, run, planned), work, planned=planned)


@cli.command()
@click.argument("run")
@click.option("--planned", is_flag=True, help="RUN is as the workflow planned it; params are not looked at.")
@pass_settings
def evaluate(settings: Settings, run: str, planned: bool) -> None:
    """Score the test cases of a trained RUN into its scores.csv.

    \b
    Example (an id, or how it begins, from seglossbench list):
      seglossbench evaluate brats_phantom/unet/cwcd/seed0
    """
    from seglossbench import stages

    if planned and settings.product is not None:
        stages.evaluate(planned_to_score(run, settings.product))
    else:
        stages.evaluate(*_runs(settings, (run,), planned))


def _runs(settings: Settings, ids: tuple[str, ...], planned: bool) -> list[Run]:
    if planned:
        return [plans.read(plans.place_of(id)) for id in ids]
    experiment = settings.experiment
    return [experiment.run(id) for id in ids]


@cli.command()
@click.option(
    "--scores",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Anybody's scores.csv; repeatable.",
)
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


@cli.command()
@click.option("--restore", is_flag=True, help="Copy into runs/ and scores/ what only the archive has.")
@pass_settings
def archive(settings: Settings, restore: bool) -> None:
    """Bring archive/, which DVC keeps, up to the experiment's finished runs and scores.

    What DVC removes from there, or brings back, changes nothing in runs/.

    \b
    Examples:
      seglossbench archive
      dvc pull && seglossbench archive --restore
    """
    from seglossbench.stages import archive

    if restore:
        click.echo(f"{archive.restore(settings.experiment)} runs restored")
    else:
        click.echo(f"{archive.archive(settings.experiment)} runs archived")


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
@click.option("--why", is_flag=True, help="Say of each run to be trained how it differs from a finished one.")
@click.option(
    "--watch",
    type=click.FloatRange(min=1),
    is_flag=False,
    flag_value=10.0,
    metavar="[SECONDS]",
    help="Show it anew every so many seconds, by default 10, until all is finished or Ctrl-C.",
)
@click.option("--json", "as_json", is_flag=True, help="Say it as JSON, a line, for programs.")
@pass_settings
def status(
    settings: Settings, estimate: bool, tflops: float, why: bool, watch: float | None, as_json: bool
) -> None:
    """Show what is done, what is running and until when, what failed, why and where its log is.

    Needs no data, except folders of yours (datasets.NAME.folder), whose files are part of what a run is. Hours come
    from finished runs, or else from steps that --estimate measured. The exit status is 0 where all runs are finished
    and scored, 3 where something failed, 4 where something is still to be done.

    \b
    Examples:
      seglossbench status --watch
      seglossbench --set experiment=papers status --estimate
      seglossbench status --why
    """
    from seglossbench import plan, stages

    experiment = settings.checked_experiment
    if why:
        found = stages.differences(experiment)
        click.echo("\n".join(map(str, found)) or "no run is to be trained whose names a finished one has")
        return
    if estimate:
        plan.measure(experiment, experiment.params.train.threads, experiment.params.train.device)
    while True:
        progress = stages.progress_of(experiment)
        if as_json:
            click.echo(json.dumps(progress.as_json(), ensure_ascii=False))
        else:
            title, *takes = plan.summary(experiment, tflops).splitlines()
            is_over = all(run.state.is_finished for run in progress.runs)
            lines = [title, *stages.describe(progress), *([] if is_over else ["", *takes])]
            if watch is not None:
                click.clear()
            click.echo("\n".join(lines))
        if watch is None or progress.exit_status == 0:
            raise click.exceptions.Exit(progress.exit_status)
        time.sleep(watch)


@cli.command()
@click.option("--because", required=True, help="Why the change changes no digit; it stands in adopted.yaml.")
@click.option(
    "--epochs", type=click.IntRange(min=1), default=2, show_default=True, help="How many are repeated."
)
@click.option("--without-replay", is_flag=True, help="Take your word for it; the report shows the reason.")
@pass_settings
def adopt(settings: Settings, because: str, epochs: int, without_replay: bool) -> None:
    """Accept a change of code that changes no digit, so that the runs that were trained before it keep their names.

    Of each network and loss concerned, the first epochs of one finished run are trained again and must give the same
    history to the last bit. What was accepted is added to adopted.yaml, a file for git.

    \b
    Examples:
      seglossbench status --why
      seglossbench adopt --because "batches were moved to a module of their own"
    """
    from seglossbench import stages

    for adoption in stages.adopt(settings.experiment, because, epochs, replays=not without_replay):
        shown = f"shown by {len(adoption.shown_by)} runs" if adoption.shown_by else "on your word"
        click.echo(f"adopted, {shown}: {', '.join(adoption.modules)}")


@cli.command()
@click.option("--remove", "removes", is_flag=True, help="Remove them, after a question.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_settings
def orphans(settings: Settings, removes: bool, yes: bool) -> None:
    """List what no experiment names any more, of former settings or code, with its size on the disk.

    \b
    Examples:
      seglossbench orphans
      seglossbench orphans --remove
    """
    from seglossbench import stages

    found = stages.unnamed(settings.params)
    for orphan in found.orphans:
        click.echo(f"{orphan.size / 1e6:>12,.1f} MB  {orphan.kind:<18}{orphan.place}")
    for why in found.not_asked:
        click.echo(f"not asked, and its datasets left out: {why}", err=True)
    total = sum(orphan.size for orphan in found.orphans)
    click.echo(f"{len(found.orphans)} named by no experiment, {total / 1e9:,.2f} GB")
    if removes and found.orphans and (yes or click.confirm("Remove all of these?")):
        stages.remove(found.orphans)
        click.echo(f"removed {total / 1e9:,.2f} GB")
