"""Commands about what may be named in params: list, check-plugin."""

from pathlib import Path
from typing import Any

import click

from seglossbench import plugins
from seglossbench.acquisition import sources
from seglossbench.cli.application import Settings, cli, pass_settings
from seglossbench.errors import JobError
from seglossbench.modules import is_file
from seglossbench.params import use_plugins
from seglossbench.registry import ALL, ARCHITECTURES, LAYOUTS, LOSSES, SPLITS, TERMS
from seglossbench.vocabulary.architectures import describe_architectures
from seglossbench.vocabulary.metrics import describe_metrics

REGISTRIES = {"terms": TERMS, "architectures": ARCHITECTURES, "layouts": LAYOUTS, "splits": SPLITS}
OF_PARAMS = ("runs", "datasets", "networks", "experiments")
KINDS = (*REGISTRIES, "losses", "metrics", "plugins", "sources")


@cli.command("list")
@click.argument("what", default="runs", type=click.Choice([*OF_PARAMS, *KINDS]))
@pass_settings
def list_(settings: Settings, what: str) -> None:
    """List the runs of the experiment, or what may be named in it, which needs no params.

    Losses are those of the params, and the compounds that have a name without them.

    \b
    Examples:
      seglossbench list
      seglossbench list losses
      seglossbench list terms
      seglossbench list plugins
      seglossbench list sources
    """
    if what == "experiments":
        files = sorted((settings.params.parent / "experiments").glob("*.yaml"))
        click.echo("\n".join(file.stem for file in files))
    elif what == "sources":
        click.echo(sources.format_table())
    elif what == "runs":
        click.echo("\n".join(run.id for run in settings.checked_experiment.runs))
    elif what in OF_PARAMS:
        click.echo("\n".join(_of_params(settings, what)))
    else:
        use_plugins(settings.params, settings.overrides)
        click.echo(_described(settings, what))


def _described(settings: Settings, what: str) -> str:
    if what == "metrics":
        return describe_metrics()
    if what == "architectures":
        return describe_architectures()
    if what == "plugins":
        return "\n".join(_added()) or "none: no file in plugins of the params, and no installed package"
    if what == "losses":
        own = _of_params(settings, what) if settings.params.exists() else []
        return "\n".join([*own, LOSSES.describe()])
    return REGISTRIES[what].describe()


def _added() -> list[str]:
    """What files of one's own and installed packages add, by who does."""
    added = sorted(
        (origin, kind.kind, name, kind)
        for kind in ALL
        for name in kind
        if (origin := kind.origins.get(name)) is not None
    )
    return [
        f"{origin}: {words} {name}: {kind.signature(name).summary}" for origin, words, name, kind in added
    ]


def _of_params(settings: Settings, what: str) -> list[str]:
    experiment = settings.checked_experiment
    tables: list[dict[str, Any]] = [getattr(part.params, what) for part in experiment.parts]
    table = {name: entry for part in tables for name, entry in part.items()}
    chosen = {name for part in experiment.parts for name in getattr(part.params.grid, what)}
    lines = [f"{'*' if name in chosen else ' '} {name}" for name in table]
    return [*lines, f"(* in experiment {experiment.name})"]


@cli.command("check-plugin")
@click.argument("plugin")
@click.option(
    "--on",
    "folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A folder of a dataset, which a layout is checked on.",
)
@pass_settings
def check_plugin(settings: Settings, plugin: str, folder: Path | None) -> None:
    """Check a loss, network, metric, layout or split of yours as ours are checked: exit status 1 if anything is wrong.

    PLUGIN is its name, or the file that registers it.

    \b
    Examples:
      seglossbench check-plugin examples/my_loss.py
      seglossbench check-plugin rrw
    """
    from seglossbench.conformance import check_named, format_outcomes

    use_plugins(settings.params, settings.overrides)
    if is_file(plugin):
        plugins.use([plugin])
        found = [(name, [kind]) for kind, name, _ in plugins.names_in(Path(plugin).absolute())]
        outcomes = [outcome for name, kinds in found for outcome in check_named(name, kinds, folder)]
    else:
        outcomes = check_named(plugin, folder=folder)
    click.echo(format_outcomes(outcomes))
    if wrong := [outcome for outcome in outcomes if outcome.wrong]:
        raise JobError(
            f"{plugin}: {len(wrong)} of {len(outcomes)} checks failed, the first: {wrong[0].check}"
        )
