"""Commands about the runs of an experiment: train, evaluate, status."""

import json
import time
from pathlib import Path

import click

from seglossbench.cli.application import Settings, cli, pass_settings
from seglossbench.errors import InputError
from seglossbench.experiment import Run, plans
from seglossbench.jobs import planned_to_score


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
