"""The whole analysis: from scores, histories and runs to every table, each under the name of its file."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from seglossbench.analysis import placing
from seglossbench.analysis.arrays import cubes_of
from seglossbench.analysis.best import best_losses
from seglossbench.analysis.by_case import by_case
from seglossbench.analysis.by_run import by_run
from seglossbench.analysis.cases import cases
from seglossbench.analysis.claims import Claim
from seglossbench.analysis.comparing import Evidence
from seglossbench.analysis.cubes import ALL, Cubes
from seglossbench.analysis.curves import curves, curves_of_runs
from seglossbench.analysis.differences import differences
from seglossbench.analysis.judging import COLUMNS as ANSWERS
from seglossbench.analysis.judging import judge
from seglossbench.analysis.means import means, seed_gaps
from seglossbench.analysis.measures import measure_of
from seglossbench.analysis.notices import notices
from seglossbench.analysis.parts import part_means
from seglossbench.analysis.run_numbers import of_runs
from seglossbench.analysis.sensitivity import interactions, sensitivity, subgroups
from seglossbench.analysis.stability import stability, stability_pairs
from seglossbench.errors import InputError, nearest
from seglossbench.vocabulary.metrics import in_order, split_name
from seglossbench.vocabulary.tables import HISTORIES, IDENTITY, STATUS

Sizes = Mapping[tuple[str, str], float]


@dataclass(frozen=True)
class Options:
    """What an analysis is told beside its data.

    ``decides`` is the metric named before looking, by default the DSC or else the first; ``baseline`` the loss beside
    which costs are told. ``patients`` are by (dataset, case), as are the values of each of ``columns`` that part the
    cases; ``sizes`` of classes by (dataset, class). ``scopes`` say what a verdict on a dataset is of only, ``missing``
    which runs of a (dataset, loss) are not there. Claims that concern no loss of the scores are left out unless
    ``all_claims``. ``absent_scored`` and ``penalties`` are those of ``cubes_of``.
    """

    decides: str | None = None
    baseline: str | None = None
    claims: Mapping[str, Claim] = field(default_factory=dict)
    all_claims: bool = False
    patients: Mapping[tuple[str, str], str] = field(default_factory=dict)
    columns: Mapping[str, Mapping[tuple[str, str], str]] = field(default_factory=dict)
    sizes: Sizes = field(default_factory=dict)
    scopes: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[tuple[str, str], str] = field(default_factory=dict)
    absent_scored: Collection[str] = ()
    penalties: Mapping[str, float] = field(default_factory=dict)


def analyse(
    scores: pd.DataFrame,
    options: Options,
    histories: pd.DataFrame | None = None,
    runs: pd.DataFrame | None = None,
) -> dict[str, pd.DataFrame]:
    """Every table by the name of its file, without the ending.

    ``scores`` and ``histories`` are checked ones; ``runs`` (``dataset, network, loss, seed, state, reason`` and what
    else is known of each) are by default those of the scores, of whose state nothing is known. Raises InputError for a
    decisive metric that was not scored.
    """
    decides = decisive(scores, options.decides)
    histories = histories if histories is not None else pd.DataFrame(columns=list(HISTORIES))
    if runs is None:
        runs = scores[list(IDENTITY)].drop_duplicates(ignore_index=True).assign(state="", reason="")
    cubes = cubes_of(
        scores, options.patients, absent_scored=options.absent_scored, penalties=options.penalties
    )
    pairs = differences(cubes, decides)
    of_means = means(cubes, pairs)
    pairs["seed_gap"] = seed_gaps(of_means, pairs)
    of_run_curves = curves_of_runs(histories, decides)
    every_run = of_runs(runs, cubes, histories, of_run_curves, decides)
    numbers = every_run[every_run["state"].isin(["DONE", "DIVERGED", ""])]
    steady = stability(numbers, options.baseline)
    sizes = sizes_of(cubes) | dict(options.sizes)
    evidence = Evidence(cubes, numbers, sizes, options.scopes, options.missing)
    losses = list(dict.fromkeys(scores["loss"]))
    answers: list[dict[str, Any]] = best_losses(cubes, of_means, pairs, decides, options.scopes)
    for id, claim in options.claims.items():
        if claim.dial is not None and not claim.dial.keys() & set(cubes.datasets):
            continue  # a dial is one experiment's, and no other's to be tested
        if options.all_claims or claim.concerns(losses):
            answers += judge(id, claim, evidence)
    return {
        "answers": pd.DataFrame(answers).reindex(columns=ANSWERS),
        "means": of_means,
        "differences": pairs,
        "places": placing.places(cubes),
        "groups": placing.groups(of_means, pairs),
        "agreement": placing.agreement(of_means),
        "sensitivity": sensitivity(cubes, numbers),
        "interactions": interactions(cubes, decides),
        "subgroups": subgroups(cubes, decides, options.columns),
        "curves": curves(of_run_curves),
        "curves_runs": of_run_curves,
        "stability": steady,
        "stability_pairs": stability_pairs(numbers),
        "runs": every_run,
        "cases": cases(cubes, of_means, numbers, decides, options.baseline, options.patients),
        "parts": part_means(cubes, options.columns),
        "by_case": by_case(cubes, decides, options.patients),
        "by_run": by_run(cubes),
        "sizes": pd.DataFrame(
            [(*key, size) for key, size in sizes.items()], columns=["dataset", "class", "size"]
        ),
        "notices": notices(cubes, of_means, steady, numbers, decides),
    }


def decisive(scores: pd.DataFrame, wanted: str | None) -> str:
    """The metric that decides: the one that was named, or DSC where it is scored, else the first with a direction."""
    scored = in_order(metric for metric in scores["metric"].unique() if split_name(metric)[0] != STATUS)
    if wanted is not None and wanted not in scored:
        raise InputError(f"decides: {wanted!r} was not scored; {nearest(wanted, scored)}")
    if wanted is not None:
        return wanted
    return next((metric for metric in scored if measure_of(metric).better), scored[0] if scored else "DSC")


def sizes_of(cubes: Cubes) -> dict[tuple[str, str], float]:
    """The mean size of every class in voxels, of the cases that have it, where scores hold the counts TP and FN."""
    sizes = {}
    for dataset in cubes.datasets:
        counts = [next(iter(cubes.of(dataset, name)), None) for name in ("TP", "FN")]
        if counts[0] is None or counts[1] is None:
            continue
        voxels = counts[0].scores[0, 0] + counts[1].scores[0, 0]
        for index, name in enumerate(counts[0].classes):
            there = voxels[:, index][voxels[:, index] > 0]
            if len(there):
                sizes[dataset, name] = float(there.mean())
    return sizes


def metrics_of(means: pd.DataFrame) -> dict[str, Any]:
    """The means over the classes as a tree of dataset, network, loss and metric, as DVC's metrics are."""
    tree: dict[str, Any] = {}
    for row in means[means["class"] == ALL].to_dict("records"):
        place = tree
        for level in ("dataset", "network", "loss"):
            place = place.setdefault(str(row[level]), {})
        place[str(row["metric"])] = {name: _json(row[name]) for name in ("mean", "lo", "hi")}
    return tree


def _json(value: float) -> float | None:
    """A number with six digits; JSON has no NaN."""
    return float(f"{value:.6g}") if math.isfinite(value) else None
