"""The command that tries the machine: doctor."""

import click

from seglossbench.cli.application import cli
from seglossbench.errors import JobError


@cli.command()
@click.option("--gpu", is_flag=True, help="Try the GPU; exit status 1 where there is none.")
def doctor(gpu: bool) -> None:
    """Try whether this machine's device can be trusted with trainings: exit status 1 if anything is wrong.

    Losses, gradients and networks are compared with the CPU's, small trainings are run twice, stopped and gone on
    with, in every precision, and steps are watched for what makes a GPU wait. Takes a minute or two.

    \b
    Examples:
      seglossbench doctor
      seglossbench doctor --gpu
    """
    import torch

    from seglossbench.conformance import check_device, format_outcomes
    from seglossbench.machine import allowed_cpus
    from seglossbench.training.device import describe_device

    there = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if gpu and there == "cpu":
        raise JobError(
            "no GPU: nothing was tried, and nothing is proven of one (seglossbench doctor tries the CPU)"
        )
    device = torch.device(there if gpu else "cpu")
    click.echo(f"torch {torch.__version__}, {describe_device(device)}, {allowed_cpus()} CPUs for this job")
    outcomes = check_device(device)
    click.echo(format_outcomes(outcomes))
    if wrong := [outcome for outcome in outcomes if outcome.wrong]:
        raise JobError(
            f"{device}: {len(wrong)} of {len(outcomes)} checks failed, the first: {wrong[0].check}"
        )
