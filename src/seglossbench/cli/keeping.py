"""Commands about what becomes of finished runs: archive, adopt, orphans."""

import click

from seglossbench.cli.application import Settings, cli, pass_settings


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
