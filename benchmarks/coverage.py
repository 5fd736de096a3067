"""How often intervals hold the truth, by simulation: it re-makes the table of docs/statistics.md.

Scores are drawn on the logit scale with deviations of case, loss x case, seed, loss x seed and residual as they were
found in real experiments, so the truth is known: the mean over new cases and new trainings.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import expit

from seglossbench.statistics.crossed import crossed, mean_squares, on_logit_scale
from seglossbench.statistics.scales import working

Array = NDArray[np.float64]
Covers = Callable[[Array, float, np.random.Generator], NDArray[np.bool_]]
DOCUMENT = Path("docs/statistics.md")
SCENARIOS = {
    "TopoMortar's published scores": (0.80, 0.14, 0.02, 0.025, 0.14),
    "short trainings": (0.70, 0.12, 0.10, 0.12, 0.20),
    "nearly all of it seed x case": (0.60, 0.03, 0.02, 0.02, 0.35),
    "seeds dominate": (0.60, 0.05, 0.15, 0.30, 0.15),
    "no seed effect": (0.80, 0.20, 0.00, 0.00, 0.15),
}
"""Standard deviations of case, loss x case, seed, loss x seed and residual on the logit scale."""
MIDDLE = 1.735
SEEDS = (1, 2, 3, 5, 10)
CASES = (6, 10, 20, 50, 100)
RESAMPLES = 300
PENALTY_MM = 373.13


def drawn(
    deviations: tuple[float, ...],
    losses: int,
    seeds: int,
    cases: int,
    replicates: int,
    random: np.random.Generator,
    failures: float = 0.0,
) -> Array:
    """Scores [replicate, loss, seed, case] of equal losses; of ``failures`` cases each run misses seven of ten."""
    of_case, of_loss_case, of_seed, of_loss_seed, of_rest = deviations
    shape = (replicates, losses, seeds, cases)
    z = (
        MIDDLE
        + of_case * random.standard_normal((replicates, 1, 1, cases))
        + of_loss_case * random.standard_normal((replicates, losses, 1, cases))
        + of_seed * random.standard_normal((replicates, 1, seeds, 1))
        + of_loss_seed * random.standard_normal((replicates, losses, seeds, 1))
        + of_rest * random.standard_normal(shape)
    )
    scores: Array = expit(z)
    if failures:
        hard = random.random((replicates, 1, 1, cases)) < failures
        misses = hard & (random.random(shape) < 0.7)
        scores = np.where(misses, random.uniform(0, 0.3, shape), scores)
    return scores


def true_mean(deviations: tuple[float, ...]) -> float:
    """The mean score of the population without failures."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    spread = np.sqrt(np.square(deviations).sum())
    return float((expit(MIDDLE + spread * nodes) * weights).sum() / weights.sum())


def by_crossed(x: Array, truth: float, random: np.random.Generator) -> NDArray[np.bool_]:
    """The crossed interval."""
    interval = crossed(mean_squares(x))
    return (interval.lo <= truth) & (truth <= interval.hi)


def by_crossed_logit(x: Array, truth: float, random: np.random.Generator) -> NDArray[np.bool_]:
    """The crossed interval of a mean, on the logit scale."""
    interval = on_logit_scale(crossed(mean_squares(x)))
    return (interval.lo <= truth) & (truth <= interval.hi)


def by_case_t(x: Array, truth: float, random: np.random.Generator) -> NDArray[np.bool_]:
    """Student's t over cases, of the means over seeds."""
    return _t(x.mean(1), truth)


def by_seed_t(x: Array, truth: float, random: np.random.Generator) -> NDArray[np.bool_]:
    """Student's t over seeds, of the means over cases."""
    return _t(x.mean(2), truth)


def by_case_bootstrap(x: Array, truth: float, random: np.random.Generator) -> NDArray[np.bool_]:
    """The percentile bootstrap over cases."""
    cases = x.shape[2]
    drawn_cases = random.multinomial(cases, np.full(cases, 1 / cases), size=RESAMPLES) / cases
    return _percentile(x.mean(1) @ drawn_cases.T, truth)


def by_two_way_bootstrap(x: Array, truth: float, random: np.random.Generator) -> NDArray[np.bool_]:
    """The percentile bootstrap over seeds and cases (pigeonhole; Owen 2007)."""
    seeds, cases = x.shape[1:]
    of_seeds = random.multinomial(seeds, np.full(seeds, 1 / seeds), size=RESAMPLES) / seeds
    of_cases = random.multinomial(cases, np.full(cases, 1 / cases), size=RESAMPLES) / cases
    return _percentile(np.einsum("bs,rsb->rb", of_seeds, x @ of_cases.T, optimize=True), truth)


def by_wilcoxon(x: Array, truth: float, random: np.random.Generator) -> NDArray[np.bool_]:
    """Wilcoxon's signed-rank test over cases, of the means over seeds: whether it does not reject the truth."""
    return np.asarray(stats.wilcoxon(x.mean(1) - truth, axis=1).pvalue >= 0.05)


METHODS: dict[str, Covers] = {
    "Wilcoxon over cases": by_wilcoxon,
    "bootstrap over cases, percentile": by_case_bootstrap,
    "t over cases": by_case_t,
    "t over seeds": by_seed_t,
    "bootstrap over seeds and cases, percentile": by_two_way_bootstrap,
    "**crossed**": by_crossed,
}


def coverage(
    method: Covers,
    seeds: int,
    cases: int,
    deviations: tuple[float, ...],
    replicates: int,
    failures: float = 0.0,
) -> float:
    """How often a method's interval of the difference of two equal losses holds 0."""
    random = np.random.default_rng([seeds, cases, round(1000 * sum(deviations)), round(1000 * failures)])
    scores = drawn(deviations, 2, seeds, cases, replicates, random, failures)
    return float(np.mean(method(scores[:, 0] - scores[:, 1], 0.0, random)))


def coverage_of_mean(seeds: int, cases: int, deviations: tuple[float, ...], replicates: int) -> float:
    """How often the interval of one loss's mean holds the truth."""
    random = np.random.default_rng([seeds, cases, round(1000 * sum(deviations))])
    scores = drawn(deviations, 1, seeds, cases, replicates, random)[:, 0]
    return float(np.mean(by_crossed_logit(scores, true_mean(deviations), random)))


def coverage_of_ratio(seeds: int, cases: int, deviations: tuple[float, ...], replicates: int) -> float:
    """How often the interval of the ratio of two equal losses' distances holds 1.

    One in twenty distances is 0, and in one case of twenty each run misses the class seven times of ten, at a penalty.
    """
    random = np.random.default_rng([seeds, cases, round(1000 * sum(deviations))])
    scores = drawn(deviations, 2, seeds, cases, replicates, random)
    hard = random.random((replicates, 1, 1, cases)) < 0.05
    distances = np.where(hard & (random.random(scores.shape) < 0.7), PENALTY_MM, 10 * (1 / scores - 1))
    distances[random.random(scores.shape) < 0.05] = 0.0
    logs = np.stack([working(of_experiment, "geometric") for of_experiment in distances])
    return float(np.mean(by_crossed(logs[:, 0] - logs[:, 1], 0.0, random)))


def table(replicates: int) -> str:
    """Coverage in Markdown: the mean over scenarios and numbers of cases, and the worst of them in brackets."""
    rows = []
    for failures in (0.0, 0.05):
        for name, method in METHODS.items():
            if failures and method is not by_crossed:
                continue
            cells = [
                [
                    coverage(method, seeds, cases, d, replicates, failures)
                    for d in SCENARIOS.values()
                    for cases in CASES
                ]
                if seeds > 1 or method not in (by_seed_t, by_two_way_bootstrap)
                else []
                for seeds in SEEDS
            ]
            said = f"difference, {100 * failures:.0f} % of cases fail: " if failures else "difference: "
            rows.append([said + name, *(_cell(cell) for cell in cells)])
            click.echo(" | ".join(rows[-1]))
    means = [
        [coverage_of_mean(seeds, cases, d, replicates) for d in SCENARIOS.values() for cases in CASES]
        for seeds in SEEDS
    ]
    rows.append(["mean of one loss: **crossed**, logit scale", *(_cell(cell) for cell in means)])
    rows.append(
        ["ratio of distances, some 0, some at a penalty: **crossed**, log scale", *ratios(replicates)]
    )
    head = ["", *(f"S={seeds}" for seeds in SEEDS)]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def ratios(replicates: int) -> list[str]:
    """The last row's cells."""
    return [
        _cell([coverage_of_ratio(seeds, cases, d, replicates) for d in SCENARIOS.values() for cases in CASES])
        for seeds in SEEDS
    ]


def _cell(found: list[float]) -> str:
    return f"{np.mean(found):.3f} [{min(found):.3f}]" if found else "none"


def _t(x: Array, truth: float) -> NDArray[np.bool_]:
    count = x.shape[1]
    half = stats.t.ppf(0.975, count - 1) * x.std(1, ddof=1) / np.sqrt(count)
    return np.asarray(np.abs(x.mean(1) - truth) <= half)


def _percentile(means: Any, truth: float) -> NDArray[np.bool_]:
    lo, hi = np.quantile(means, [0.025, 0.975], axis=1)
    return np.asarray((lo <= truth) & (truth <= hi))


@click.command()
@click.option("--replicates", default=1000, show_default=True, help="Simulated experiments per cell.")
def main(replicates: int) -> None:
    """Simulate, and put the table where docs/statistics.md has it."""
    made = table(replicates)
    marks = "<!-- coverage, by benchmarks/coverage.py -->", "<!-- end of coverage -->"
    text = DOCUMENT.read_text(encoding="utf-8")
    where = re.compile(f"{re.escape(marks[0])}.*?{re.escape(marks[1])}", re.DOTALL)
    said = f"{marks[0]}\n{replicates:,} simulated experiments per cell.\n\n{made}\n{marks[1]}"
    DOCUMENT.write_text(where.sub(lambda _: said, text), encoding="utf-8")
    click.echo(made)


if __name__ == "__main__":
    main()
