"""What the commands about anybody's scores ask alike: which scores, and how they are to be analysed."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import click

from seglossbench.errors import InputError

Command = TypeVar("Command", bound=Callable[..., Any])

scores_option = click.option(
    "--scores",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Anybody's scores.csv; repeatable.",
)
_OPTIONS = (
    click.option("--decides", help="The metric whose mean over the classes decides; by default DSC."),
    click.option("--baseline", help="The loss beside which costs are told; by default the first."),
    click.option(
        "--claims",
        type=click.Path(path_type=Path),
        help="Claims of your own, in YAML like analysis/claims.yaml.",
    ),
    click.option(
        "--cases",
        type=click.Path(path_type=Path),
        help="A table with the columns case, patient and others of yours.",
    ),
    click.option(
        "--sizes",
        type=click.Path(path_type=Path),
        help="A table with the columns class and size, for claim A3.",
    ),
    click.option(
        "--absent",
        type=click.Choice(["excluded", "scored"]),
        default="excluded",
        show_default=True,
        help="Whether a case counts in the mean of a class that its truth lacks.",
    ),
    click.option(
        "--penalty",
        "penalties",
        multiple=True,
        metavar="METRIC=VALUE",
        help="What a missed class without a distance, or an infinite one, counts as; by default the largest in the "
        "scores.",
    ),
)
_USUAL: Mapping[str, Any] = {"absent": "excluded", "penalties": ()}


def analysis_options(command: Command) -> Command:
    """Give a command the options of an analysis of scores, which it takes as keyword arguments."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def as_arguments(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options as ``standalone.analyse_scores`` takes them; raises InputError for a penalty that is none."""
    given = dict(options)
    scored = given.pop("absent") == "scored"
    return given | {"absent_scored": scored, "penalties": dict(map(_penalty, given.pop("penalties")))}


def refuse_without_scores(options: Mapping[str, Any]) -> None:
    """Raise InputError for the first option that was given for an experiment, whose params say it."""
    for name, value in options.items():
        if value not in (None, _USUAL.get(name)):
            said = "--penalty" if name == "penalties" else f"--{name}"
            raise InputError(
                f"{said}: goes with --scores; for an experiment say it in params, section analyse"
            )


def _penalty(text: str) -> tuple[str, float]:
    """A metric and its value above 0; raises InputError that shows the form."""
    metric, _, value = text.rpartition("=")
    with suppress(ValueError):
        if metric and 0 < float(value) < float("inf"):
            return metric, float(value)
    raise InputError(f"--penalty: {text!r} is not of the form METRIC=VALUE, such as HD95=373.13")
