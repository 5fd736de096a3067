"""The command line: words become function calls here and nowhere else.

An error is one line on stderr: exit status 2 for bad input, 1 for a failed job; ``--debug`` shows the traceback.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import yaml

from seglossbench import __version__
from seglossbench.acquisition import sources
from seglossbench.errors import InputError, JobError, nearest
from seglossbench.experiment import Experiment
from seglossbench.params import DatasetParams, load, merge


class Settings:
    """What the options before the command say; the experiment is loaded when a command asks for it."""

    def __init__(self, params: Path, overrides: Sequence[str]) -> None:
        self.params = params
        self.overrides = dict(_assignment(text) for text in overrides)

    @property
    def experiment(self) -> Experiment:
        """The experiment with all its datasets and runs."""
        return Experiment.load(self.params, self.overrides)

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
    return key, yaml.safe_load(value)


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
    help="Overrides a top-level key of the params; repeatable.",
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def cli(context: click.Context, params: Path, overrides: tuple[str, ...], debug: bool) -> None:
    """Benchmark and reproduce boundary-aware segmentation losses.

    The whole experiment is `snakemake --cores all`; these commands are its stages, one by one.

    \b
    Examples:
      seglossbench list
      seglossbench status
      seglossbench --set experiment=own_data --set data_root=PATH preprocess own
      seglossbench report --scores scores.csv --out my_report
    """
    context.obj = Settings(params, overrides)


@cli.command("list")
@click.argument(
    "what",
    default="runs",
    type=click.Choice(["runs", "datasets", "networks", "losses", "experiments", "sources"]),
)
@pass_settings
def list_(settings: Settings, what: str) -> None:
    """List the runs of the experiment, or what may be named in it.

    \b
    Examples:
      seglossbench list
      seglossbench list losses
      seglossbench list sources
    """
    if what == "experiments":
        files = sorted((settings.params.parent / "experiments").glob("*.yaml"))
        click.echo("\n".join(file.stem for file in files))
        return
    if what == "sources":
        click.echo(sources.format_table())
        return
    experiment = settings.experiment
    if what == "runs":
        lines = [run.id for run in experiment.runs]
    else:
        tables: list[dict[str, Any]] = [getattr(part.params, what) for part in experiment.parts]
        table = {name: entry for part in tables for name, entry in part.items()}
        chosen = {name for part in experiment.parts for name in getattr(part.params.grid, what)}
        lines = [f"{'*' if name in chosen else ' '} {name}" for name in table]
        lines.append(f"(* in experiment {experiment.name})")
    click.echo("\n".join(lines))


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
    from seglossbench.reporting.data_check import write_check

    if folder is None:
        experiment = settings.experiment
        chosen = experiment.dataset(dataset)
        raw, params, reports = chosen.raw, chosen.params, experiment.report.parent
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

    for problem in stages.preprocess(settings.experiment.dataset(dataset), processes):
        click.echo(f"left out {problem.case}: {problem}")


@cli.command()
@click.argument("dataset")
@pass_settings
def maps(settings: Settings, dataset: str) -> None:
    """Compute the contour and distance maps of DATASET once, under data/maps.

    \b
    Example:
      seglossbench maps brats_phantom
    """
    from seglossbench import stages

    experiment = settings.experiment
    stages.cache_maps(experiment, experiment.dataset(dataset))


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
@click.option("--create-store", is_flag=True, help="Only create the store, before parallel jobs write to it.")
@click.option("--rebuild", is_flag=True, help="Remove what MLflow has of this experiment and fill it again.")
@pass_settings
def track(settings: Settings, create_store: bool, rebuild: bool) -> None:
    """Bring MLflow up to the run folders, which are the truth.

    \b
    Examples:
      seglossbench track
      seglossbench track --rebuild
    """
    from seglossbench.tracking.store import Tracker

    experiment = settings.experiment
    for part in experiment.parts:
        tracker = Tracker(part.params.track.uri, part.name)
        tracker.create_store()
        if not create_store:
            written = tracker.rebuild(part.runs, from_scratch=rebuild)
            click.echo(f"{written} runs of {part.name} written to {part.params.track.uri}")


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

    Needs no data. Hours come from finished runs, or else from steps that --estimate measured.

    \b
    Examples:
      watch seglossbench status
      seglossbench --set experiment=papers status --estimate
    """
    from seglossbench import plan, stages

    experiment = settings.experiment
    if estimate:
        plan.measure(experiment, experiment.params.train.threads, experiment.params.train.device)
    click.echo(stages.status(experiment, tflops))


@cli.command()
@click.argument("truth", type=click.Path(path_type=Path))
@click.argument("prediction", type=click.Path(path_type=Path))
@click.option(
    "--regions", help="Classes and regions to score, such as 'WT=1,2,4 TC=1,4 ET=4'; by default every label."
)
@click.option(
    "--metrics", default="DSC,HD,HD95,ASSD,NSD@1mm", show_default=True, help="Metrics, split by commas."
)
@click.option("--hd95", type=click.Choice(["pooled", "max_directed"]), default="pooled", show_default=True)
@click.option(
    "--empty",
    type=click.Choice(["drop", "inf", "diagonal", "brats", "paper_a_released"]),
    default="diagonal",
    show_default=True,
    help="What an empty mask scores.",
)
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("scores.csv"), show_default=True)
def score(
    truth: Path,
    prediction: Path,
    regions: str | None,
    metrics: str,
    hd95: str,
    empty: str,
    workers: int,
    out: Path,
) -> None:
    """Score PREDICTION against TRUTH: two files, or two folders whose files are paired by name. No params are needed.

    \b
    Examples:
      seglossbench score truth.nii.gz prediction.nii.gz
      seglossbench score labelsTs predictions --regions "WT=1,2,4 TC=1,4 ET=4" --out scores.csv
    """
    from seglossbench import stages

    stages.score(
        truth, prediction, regions, metrics.split(","), hd95=hd95, empty=empty, workers=workers, out=out
    )
    click.echo(out)


@cli.command("diagnose-maps")
@click.argument("labels", type=click.Path(path_type=Path))
@click.option("--mm", is_flag=True, help="Distances in mm by the file's voxel size; by default in voxels.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("reports/diagnosis"), show_default=True)
def diagnose_maps(labels: Path, mm: bool, out: Path) -> None:
    """Show where the region-wise maps of a label map LABELS can push a prediction away from the truth.

    Writes maps.png, maps.pdf and maps.csv: the boundary, active-contour and rectified maps side by side.

    \b
    Example:
      seglossbench diagnose-maps labelsTr/case.nii.gz --out diagnosis
    """
    from seglossbench import stages

    click.echo(stages.diagnose_maps(labels, out, in_mm=mm))
    click.echo(out / "maps.png")


@cli.command("verify-parity")
@click.argument("folder", type=click.Path(path_type=Path))
def verify_parity(folder: Path) -> None:
    """Compare the losses and contours here with golden .npz files of the papers' released code; exit 1 on a miss.

    \b
    Example:
      seglossbench verify-parity tests/golden
    """
    from seglossbench.losses import parity

    rows = parity.verify(folder)
    click.echo(parity.format_table(rows))
    missed = [row.value for row in rows if not row.passed]
    if missed:
        raise JobError(f"{folder}: {len(missed)} of {len(rows)} values do not agree: {', '.join(missed)}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = cli.main(words, prog_name="seglossbench", standalone_mode=False)
    except Exception as error:
        if "--debug" in words:
            raise
        if isinstance(error, click.ClickException):
            error = InputError(error.format_message())
        is_input = isinstance(error, InputError)
        if not isinstance(error, InputError | JobError):
            error = JobError(f"{type(error).__name__}: {error} (--debug before the command shows where)")
        click.echo(f"seglossbench: {' '.join(str(error).split())}", err=True)
        sys.exit(2 if is_input else 1)
    except (KeyboardInterrupt, click.Abort):
        click.echo("seglossbench: interrupted; run the same command again to go on", err=True)
        sys.exit(130)
    sys.exit(status if isinstance(status, int) else 0)
