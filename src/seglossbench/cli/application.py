"""The program: its options, its settings, and how an error ends it."""

import atexit
import gc
import shlex
import signal
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from seglossbench import __version__
from seglossbench.acquisition import sources
from seglossbench.cli.log import open_log, tell_error
from seglossbench.errors import InputError, InputErrors, JobError, Stopped, nearest
from seglossbench.experiment import Experiment
from seglossbench.jobs import check_product
from seglossbench.params import merge, parse_value


class Settings:
    """What the options before the command say; the experiment is loaded when a command asks for it."""

    def __init__(self, params: Path, overrides: Sequence[str], product: Path | None = None) -> None:
        self.params = params
        self.overrides = dict(_assignment(text) for text in overrides)
        self.product = product

    @property
    def experiment(self) -> Experiment:
        """The experiment with all its datasets and runs; raises InputError if it does not make the product."""
        experiment = Experiment.load(self.params, self.overrides)
        if self.product is not None:
            check_product(experiment, self.product)
        return experiment

    def of_experiment(self, name: str) -> "Settings":
        """The same for another experiment."""
        others = Settings(self.params, (), self.product)
        others.overrides = {**self.overrides, "experiment": name}
        return others

    @property
    def checked_experiment(self) -> Experiment:
        """The experiment, after a look for all that would stop a run of it later."""
        from seglossbench.stages import check_experiment

        experiment = self.experiment
        check_experiment(experiment)
        return experiment

    def experiment_with(self, dataset: str, changes: Mapping[str, Any]) -> Experiment | None:
        """The experiment with changes of one of its datasets; none if only the catalogue of sources knows that name."""
        if not self.params.exists():
            sources.find(dataset, "download")
            return None
        experiment = self.experiment
        if dataset in sources.sources() and dataset not in experiment.params.datasets:
            return None
        experiment.dataset(dataset)  # an unknown name is an error before it could become a new entry
        return Experiment.load(self.params, merge(self.overrides, {"datasets": {dataset: changes}}))


def _assignment(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals:
        raise InputError(f"--set {text}: expected KEY=VALUE, such as --set experiment=own_data")
    return key, parse_value(value, f"--set {key}")


class Commands(click.Group):
    """A group that names the nearest command when one is misspelt."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """As click does it, with a message of ours."""
        if args and self.get_command(ctx, args[0]) is None:
            raise click.UsageError(f"no command {args[0]!r}; {nearest(args[0], self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)


pass_settings = click.make_pass_decorator(Settings)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="seglossbench")
@click.option(
    "--params",
    type=click.Path(path_type=Path),
    default=Path("params.yaml"),
    show_default=True,
    help="The params.",
)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Overrides a key of the params, such as train.epochs=3; repeatable.",
)
@click.option(
    "--log", type=click.Path(path_type=Path), help="Say all to this file, and an error to the console, too."
)
@click.option(
    "--for",
    "product",
    type=click.Path(path_type=Path),
    help="Stop unless this file or folder is still one that the experiment makes; given by jobs that waited.",
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def cli(
    context: click.Context,
    params: Path,
    overrides: tuple[str, ...],
    log: Path | None,
    product: Path | None,
    debug: bool,
) -> None:
    """Benchmark and reproduce boundary-aware segmentation losses.

    The whole experiment is `snakemake --cores all`; these commands are its stages, one by one.

    \b
    Examples:
      seglossbench list
      seglossbench status
      seglossbench --set experiment=own_data --set data_root=PATH preprocess own
      seglossbench --set train.epochs=3 --set "grid.losses=[ce, cwcd]" list
      seglossbench report --scores scores.csv --out my_report
    """
    if log is not None:
        open_log(
            log,
            f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S %z} {shlex.join(['seglossbench', *sys.argv[1:]])}",
        )
    context.obj = Settings(params, overrides, product)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its status."""
    _look_for_less_garbage()
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = cli.main(words, prog_name="seglossbench", standalone_mode=False)
    except (KeyboardInterrupt, click.Abort) as error:  # click makes the one of the other
        stopped = error.__cause__
        by = f"stopped by {stopped.number.name}" if isinstance(stopped, Stopped) else "interrupted"
        tell_error(f"seglossbench: {by}; run the same command again to go on")
        sys.exit(128 + (stopped.number if isinstance(stopped, Stopped) else signal.SIGINT))
    except Exception as error:
        if "--debug" in words:
            raise
        if isinstance(error, click.ClickException):
            error = InputError(error.format_message())
        is_input = isinstance(error, InputError)
        if not isinstance(error, InputError | JobError):
            error = JobError(f"{type(error).__name__}: {error} (--debug before the command shows where)")
        lines = error.lines if isinstance(error, InputErrors) else (str(error),)
        for line in lines:
            tell_error(f"seglossbench: {' '.join(line.split())}")
        sys.exit(2 if is_input else 1)
    sys.exit(status if isinstance(status, int) else 0)


def _look_for_less_garbage() -> None:
    """Spare Python the search of all that it holds, which is imported code: a quarter of a start, and all of an end.

    What is young is searched as ever, so that the garbage of a step, which holds memory, does not live longer.
    """
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, 1000)
    atexit.register(gc.freeze)
