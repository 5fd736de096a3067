"""What a reader must know before the numbers: few seeds, networks or cases, failed runs, and what is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from seglossbench.analysis.cubes import ALL, Cubes
from seglossbench.analysis.measures import MISSED, measure_of
from seglossbench.analysis.words import count, listed, number
from seglossbench.statistics.proportions import none_seen
from seglossbench.statistics.scales import natural, working

COLUMNS = ["kind", "dataset", "network", "loss", "text"]
FEW_CASES = 20
FEW_NETWORKS = 3
_SEEDS = {
    1: "One seed. The intervals cover other test cases for these trained networks. "
    "They say nothing of training again.",
    2: "Two seeds. Differences between trainings can hardly be estimated; "
    "a third seed makes the intervals two to three times narrower.",
}


def notices(
    cubes: Cubes, means: pd.DataFrame, stability: pd.DataFrame, numbers: pd.DataFrame, decides: str
) -> pd.DataFrame:
    """One sentence a row, with what it is of."""
    rows = [
        *_of_seeds(means, decides),
        *_of_unequal_seeds(cubes, decides),
        *_of_gaps(means, decides),
        *_of_networks(cubes),
        *_of_failures(stability, numbers, decides),
        *_of_cases(cubes),
        *(
            ("excluded", told.dataset, told.network, told.loss, f"{count(told.count, 'score')}: {told.why}.")
            for told in cubes.excluded
        ),
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _of_seeds(means: pd.DataFrame, decides: str) -> Iterator[tuple[str, ...]]:
    of_mean = means[(means["metric"] == decides) & (means["class"] == ALL) & (means["network"] != ALL)]
    for dataset, group in of_mean.groupby("dataset", sort=False):
        fewest = int(group["seeds"].min())
        if fewest in _SEEDS:
            yield ("seeds", str(dataset), ALL, ALL, _SEEDS[fewest])


def _of_unequal_seeds(cubes: Cubes, decides: str) -> Iterator[tuple[str, ...]]:
    """Seeds that some losses lack: differences are over those that both have."""
    for cube in (cube for cube in cubes.cubes if cube.measure.name == decides):
        there = cube.runs.any(0)
        lacking = [
            f"{loss} lacks {listed([seed for seed, lacks in zip(cube.seeds, there & ~runs, strict=True) if lacks])}"
            for loss, runs in zip(cube.losses, cube.runs, strict=True)
            if (there & ~runs).any()
        ]
        if lacking:
            text = f"Not all losses have the same seeds: {'; '.join(lacking)}. "
            text += "A mean is over a loss's own seeds, a difference over those that both losses have."
            yield ("seeds", cube.dataset, cube.network, ALL, text)


def _of_gaps(means: pd.DataFrame, decides: str) -> Iterator[tuple[str, ...]]:
    """Cases that count in no mean of a loss, because a score of some seed is not there."""
    gaps = means[(means["metric"] == decides) & (means["class"] == ALL) & (means["network"] != ALL)]
    for row in gaps[gaps["dropped"] > 0].to_dict("records"):
        text = f"{count(int(row['dropped']), 'case')} of {row['loss']} without {decides} of some class and seed: such "
        text += "a case counts in no seed's mean of that class."
        yield ("excluded", str(row["dataset"]), str(row["network"]), str(row["loss"]), text)


def _of_networks(cubes: Cubes) -> Iterator[tuple[str, ...]]:
    for dataset in cubes.datasets:
        networks = {cube.network for cube in cubes.cubes if cube.dataset == dataset}
        if 1 < len(networks) <= FEW_NETWORKS:
            text = f"Means over networks are means over the {len(networks)} networks run."
            yield ("networks", dataset, ALL, ALL, text)


def _of_failures(stability: pd.DataFrame, numbers: pd.DataFrame, decides: str) -> Iterator[tuple[str, ...]]:
    """Failed runs with the interval of their share, and the mean of all runs beside that of those that finished."""
    known = stability[stability["failed"].notna()]
    for dataset, of_dataset in known.groupby("dataset", sort=False):
        pooled = of_dataset[of_dataset["network"] == ALL]
        rows = (of_dataset if pooled.empty else pooled).to_dict("records")
        for row in rows:
            if row["failed"]:
                text = _of_failed(row, numbers, decides)
                yield ("failed runs", str(dataset), str(row["network"]), str(row["loss"]), text)
        for runs in dict.fromkeys(int(row["runs"]) for row in rows if not row["failed"]):
            steady = [row for row in rows if not row["failed"] and row["runs"] == runs]
            losses = listed([str(row["loss"]) for row in steady])
            text = f"0 of {count(runs, 'run')} of {losses} failed" + (" each" if len(steady) > 1 else "")
            text += f"; the share may still be up to {number(100 * steady[0]['failed_hi'], 0)} %."
            yield ("failed runs", str(dataset), str(steady[0]["network"]), ALL, text)


def _of_failed(row: Mapping[Any, Any], numbers: pd.DataFrame, decides: str) -> str:
    lo, hi = number(100 * row["failed_lo"], 0), number(100 * row["failed_hi"], 0)
    runs = count(int(row["runs"]), "run")
    text = f"{row['failed']:.0f} of {runs} of {row['loss']} failed (95 % interval {lo} to {hi} %)."
    same_loss = (numbers["dataset"] == row["dataset"]) & (numbers["loss"] == row["loss"])
    of_loss = numbers[same_loss & ((numbers["network"] == row["network"]) | (row["network"] == ALL))]
    how = measure_of(decides).mean
    logs = pd.Series(working(of_loss["score"], how), of_loss.index)
    every, finished = natural([logs.mean(), logs[~of_loss["failed"]].mean()], how)
    if every == every and finished == finished:
        text += f" Mean of all runs {number(every)}, of those that finished {number(finished)};"
        text += " comparisons use all runs."
    return text


def _of_cases(cubes: Cubes) -> Iterator[tuple[str, ...]]:
    for dataset in cubes.datasets:
        for cube in cubes.of(dataset, MISSED) or cubes.cubes:
            if cube.dataset != dataset:
                continue
            units = len(np.unique(cube.units))
            if units <= FEW_CASES and not cube.missed.any():
                share = number(100 * none_seen(units), 0)
                noun = "case" if units == len(cube.cases) else "patient"
                text = f"No class was missed in {count(units, noun)}: up to {share} % may fail."
                yield ("cases", dataset, cube.network, ALL, text)
                break
