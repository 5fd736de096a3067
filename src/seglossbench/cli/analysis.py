"""Commands about what scores say: analyse, plan."""

from pathlib import Path
from typing import Any

import click

from seglossbench.cli.application import Settings, cli, pass_settings
from seglossbench.cli.scores import analysis_options, as_arguments, refuse_without_scores, scores_option
from seglossbench.errors import InputError


@cli.command()
@scores_option
@click.option(
    "--out", type=click.Path(path_type=Path), help="The folder; by default analysis, beside the report."
)
@analysis_options
@pass_settings
def analyse(settings: Settings, /, files: tuple[Path, ...], out: Path | None, **options: Any) -> None:
    """Say what holds: tables of means, differences, ranks, stability and claims, with intervals and tests.

    Of the experiment, by its params alone, or of given scores, which need no params. docs/statistics.md says how.

    \b
    Examples:
      seglossbench analyse
      seglossbench analyse --scores ours.csv --scores theirs.csv --out analysis
    """
    from seglossbench import stages, standalone

    if files:
        folder = out or Path("analysis")
        for line in standalone.analyse_scores(files, folder, **as_arguments(options)):
            click.echo(line, err=True)
    else:
        refuse_without_scores(options)
        experiment = settings.experiment
        folder = stages.analyse(experiment, out or experiment.report.parent / "analysis")
    click.echo(folder / "answers.csv")


def _hours(context: click.Context, parameter: click.Parameter, text: str | None) -> float | None:
    """Hours from ``200h`` or ``200``."""
    if text is None:
        return None
    try:
        hours = float(text.removesuffix("h"))
    except ValueError:
        hours = 0.0
    if not 0 < hours < float("inf"):
        raise click.BadParameter(f"{text!r}: expected GPU hours, as 200h")
    return hours


@cli.command()
@click.option(
    "--power",
    is_flag=True,
    help="The smallest differences that more seeds or cases would resolve, as ranges.",
)
@click.option(
    "--stop",
    "planned",
    type=click.IntRange(min=2),
    metavar="SEEDS",
    help="Whether the best loss is settled by now, of so many SEEDS planned before looking.",
)
@scores_option
@click.option("--decides", help="The metric whose mean over the classes decides; by default DSC.")
@click.option(
    "--budget",
    metavar="HOURS",
    callback=_hours,
    help="GPU hours, as 200h: which cuts bring the experiment under them, and what each saves.",
)
@click.option(
    "--tflops",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    help="With --budget: what a GPU sustains.",
)
@click.argument("experiment_name", metavar="[EXPERIMENT]", required=False)
@pass_settings
def plan(
    settings: Settings,
    power: bool,
    planned: int | None,
    files: tuple[Path, ...],
    decides: str | None,
    budget: float | None,
    tflops: float,
    experiment_name: str | None,
) -> None:
    """Say what an experiment would take, cut to a budget, or what more runs would tell, from those that are finished.

    EXPERIMENT is by default that of params.yaml. A budget asks for no data and no run.

    \b
    Examples:
      seglossbench plan papers --budget 200h
      seglossbench plan --power
      seglossbench plan --stop 10
      seglossbench plan --power --scores pilot.csv
    """
    from seglossbench import stages

    if not power and planned is None and budget is None:
        raise InputError("plan: say what of: --budget HOURS, --power, --stop SEEDS")
    if experiment_name is not None:
        settings = settings.of_experiment(experiment_name)
    if budget is not None:
        from seglossbench.plan.budget import proposal

        for line in proposal(settings.experiment, budget, tflops):
            click.echo(line)
        if not power and planned is None:
            return
    experiment = None if files else settings.experiment
    for line in stages.plan_from_scores(experiment, files, decides=decides, power=power, planned=planned):
        click.echo(line)
