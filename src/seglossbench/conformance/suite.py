"""All checks of what has a name, and their outcomes as a table."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch

from seglossbench.conformance import datasets, devices, losses, metrics, networks
from seglossbench.conformance.datasets import LayoutOn
from seglossbench.conformance.networks import Candidate
from seglossbench.errors import InputError, nearest
from seglossbench.losses import build
from seglossbench.registry import ARCHITECTURES, LAYOUTS, LOSSES, METRICS, SPLITS, TERMS, Registry

Subject = TypeVar("Subject")
CHECKED = (TERMS, LOSSES, ARCHITECTURES, METRICS, LAYOUTS, SPLITS)


@dataclass(frozen=True)
class Outcome:
    """One check of one thing: what was wrong, in a line; nothing where all is right."""

    thing: str
    check: str
    wrong: str = ""


def check_named(name: str, kinds: Iterable[Registry] = CHECKED, folder: Path | None = None) -> list[Outcome]:
    """The outcomes of all checks of everything that has a name; ``folder`` holds a dataset, which layouts need.

    Raises InputError where nothing that can be checked has the name.
    """
    holders = [kind for kind in kinds if kind in CHECKED and name in kind]
    if not holders:
        known = [known for kind in CHECKED for known in kind]
        raise InputError(f"nothing that can be checked is called {name!r}; {nearest(name, known)}")
    return [outcome for kind in holders for outcome in _outcomes(kind, name, folder)]


def check_device(device: torch.device) -> list[Outcome]:
    """The outcomes of all checks of a device, before trainings on it are trusted."""
    checks = devices.CHECKS if device.type == "cpu" else devices.CHECKS_OF_GPUS
    return _checked(str(device), checks, device)


def _outcomes(kind: Registry, name: str, folder: Path | None) -> list[Outcome]:
    thing = f"{kind.kind} {name}"
    if kind in (TERMS, LOSSES):
        spec = {name: 1.0} if kind is TERMS else LOSSES.load(name)
        return _checked(thing, losses.CHECKS, build(spec))
    if kind is ARCHITECTURES:
        return _checked(thing, networks.CHECKS, Candidate(name))
    if kind is METRICS:
        return _checked(thing, metrics.CHECKS, name)
    if kind is SPLITS:
        return _checked(thing, datasets.SPLIT_CHECKS, name)
    if folder is None:
        raise InputError(f"layout {name!r} is checked on a dataset that has it; give its folder by --on")
    return _checked(thing, datasets.LAYOUT_CHECKS, LayoutOn(name, folder))


def _checked(thing: str, checks: Sequence[Callable[[Subject], None]], subject: Subject) -> list[Outcome]:
    return [Outcome(thing, check.__name__.replace("_", " "), _wrong(check, subject)) for check in checks]


def _wrong(check: Callable[[Subject], None], subject: Subject) -> str:
    try:
        check(subject)
    except AssertionError as error:
        return " ".join(str(error).split()) or "does not hold"
    except Exception as error:  # a plug-in may fail in any way, each of which is an outcome
        return f"{type(error).__name__}: {' '.join(str(error).split())}"
    return ""


def format_outcomes(outcomes: Sequence[Outcome]) -> str:
    """A text table, a line for each check."""
    things = max(len(outcome.thing) for outcome in outcomes)
    checks = max(len(outcome.check) for outcome in outcomes)
    return "\n".join(
        f"{outcome.thing:<{things}}  {outcome.check:<{checks}}  {outcome.wrong or 'right'}".rstrip()
        for outcome in outcomes
    )
