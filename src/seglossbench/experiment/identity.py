"""Which modules make a result: what decides its digits is in its name, and what only watches is not."""

import ast
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from seglossbench.adopted import as_named
from seglossbench.code import PACKAGE, closure
from seglossbench.files import digest
from seglossbench.registry import (
    ARCHITECTURES,
    LAYOUTS,
    MAPS,
    METRICS,
    PHANTOMS,
    SPLITS,
    STORED_MAPS,
    TERMS,
)
from seglossbench.vocabulary.metrics import CATALOGUE, metric_named

WATCHERS = frozenset(
    f"seglossbench.{name}"
    for name in (
        # What results are called, where they lie, and how files are written and found again.
        *(
            "adopted",
            "checksums",
            "code",
            "errors",
            "experiment",
            "files",
            "folders",
            "jobs",
            "machine",
            "names",
            "parallel",
            "records",
        ),
        # Settings, which count by their values, and what they may name, which counts by the code it stands for.
        *("acquisition", "modules", "params", "plugins", "registry", "signatures", "vocabulary"),
        # What is told, measured and checked while a run trains.
        *(
            "training.clock",
            "training.parity",
            "training.progress",
            "training.prefetch",
            "training.step_cost",
            "training.checkpoints",
            "training.claiming",
        ),
        *("data.checking", "data.facts", "data.published", "losses.diagnosis", "losses.parity"),
        # Scores and their means, which decide a training only where its settings say so: then their modules are roots.
        *("evaluation", "statistics"),
        # What stands above a training.
        *("drawing", "inspection", "analysis", "conformance", "tracking", "reporting", "plan"),
        *("stages", "standalone", "cli"),
    )
)
"""Modules that carry no digits, with all below them; tests hold the list to what a training loads."""


CACHING = "seglossbench.maps.caching"


def code_of(roots: Iterable[str]) -> dict[str, str]:
    """Every module that the roots execute and that carries digits, with the fingerprint under which it is named.

    A root is a module's name or a file of the user's. Changes that were adopted (``seglossbench adopt``) are undone.
    """
    return as_named(_closure(tuple(sorted(set(roots)))))


def code_version(roots: Iterable[str]) -> str:
    """A digest of ``code_of``."""
    return digest(code_of(roots))


@cache
def _closure(roots: tuple[str, ...], without: frozenset[str] = WATCHERS) -> dict[str, str]:
    # The package's own __init__ tells its version, which names no result.
    return {name: code for name, code in closure(roots, without).items() if name != PACKAGE}


def phantom_roots(layout: str) -> list[str]:
    """What draws a phantom."""
    return [PHANTOMS.module(layout)]


def case_roots() -> list[str]:
    """What prepares a case, whatever finds its files."""
    return ["seglossbench.data.preparation.preprocessing"]


def preparation_roots(layout: str) -> list[str]:
    """What finds the cases of a dataset and prepares them; by any layout, where that is still to be found out."""
    layouts = LAYOUTS.own if layout == "auto" else [layout]
    return [*case_roots(), *(LAYOUTS.module(name) for name in layouts)]


def split_roots(split: str) -> list[str]:
    """What divides the cases of a dataset."""
    return [SPLITS.module(name) for name in (SPLITS.own if split == "auto" else [split])]


def map_roots(names: Iterable[str]) -> list[str]:
    """What computes these maps of the truth."""
    return [MAPS.module(name) for name in names]


def storage_roots() -> list[str]:
    """What computes and stores the maps of whole volumes."""
    return [CACHING, *(STORED_MAPS.module(name) for name in STORED_MAPS)]


def training_roots(architecture: str, terms: Iterable[str]) -> list[str]:
    """What trains a network with a loss, from prepared cases and maps."""
    return [
        "seglossbench.training.run",
        ARCHITECTURES.module(architecture),
        *(TERMS.module(term) for term in terms),
    ]


def decision_roots() -> list[str]:
    """What decides by scores which weights are kept, or drawn anew: the mean DSC of validation."""
    scores = ("seglossbench.evaluation.overlap", "seglossbench.evaluation.empty")
    return [*scores, "seglossbench.statistics.means", "seglossbench.statistics.scales"]


def prediction_roots() -> list[str]:
    """What predicts whole volumes with a trained network."""
    return ["seglossbench.prediction"]


def metric_roots(names: Iterable[str]) -> list[str]:
    """What computes those metrics that are not ours."""
    return [
        METRICS.module(name)
        for name in names
        if metric_named(name) and name in METRICS and name not in CATALOGUE
    ]


def scoring_version(metrics: Iterable[str]) -> dict[str, str]:
    """Every module that predicts and scores, with its fingerprint."""
    roots = [*prediction_roots(), "seglossbench.evaluation.scores", *metric_roots(metrics)]
    return as_named(_closure(tuple(sorted(set(roots))), WATCHERS - {"seglossbench.evaluation"}))


def maps_read(terms: Mapping[str, Any]) -> tuple[str, ...]:
    """The truth's maps that a loss reads, as its terms declare; all maps, where a term does not say it plainly."""
    read: set[str] = set()
    for name, given in terms.items():
        signature = TERMS.signature(name)
        declared = signature.declared.get("maps", ())
        if declared is None and "map" in signature.parameters:  # the one that its parameter names
            chosen = given.get("map") if isinstance(given, Mapping) else None
            declared = [chosen or ast.literal_eval(signature.parameters["map"].default)]
        read |= set(MAPS) if declared is None else set(declared) & set(MAPS)
    return tuple(sorted(read))


def report_version() -> str:
    """The version of all code that makes tables and a report out of scores and histories."""
    return digest(_closure(("seglossbench.stages.reports",), frozenset()))
