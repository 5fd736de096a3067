"""The log of a command: all that it says goes to a file, and why it failed to the console, too."""

import itertools
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import click

_consoles: list[TextIO] = []


def open_log(file: Path, title: str) -> None:
    """Let all that this process and its children say go to ``file``, under a title.

    ``file`` becomes a link to ``NAME.1.log``, or ``NAME.2.log`` for the second call and so on, because Snakemake
    removes what it takes for the log before it starts a job.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    for number in itertools.count(1):
        place = file.with_name(f"{file.stem}.{number}{file.suffix}")
        with suppress(FileExistsError):
            log = place.open("x", encoding="utf-8")
            break
    file.unlink(missing_ok=True)
    file.symlink_to(place.name)
    sys.stdout.flush()
    sys.stderr.flush()
    _consoles.append(os.fdopen(os.dup(2), "w", encoding="utf-8"))
    with log:
        log.write(f"{title}\n")
        log.flush()
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)


def tell_error(line: str) -> None:
    """Say a line on stderr, and on the console where that is a log."""
    for stream in [sys.stderr, *_consoles]:
        click.echo(line, file=stream)
