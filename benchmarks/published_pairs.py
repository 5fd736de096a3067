"""All pairs of the losses of TopoMortar's published scores, beside what its authors' own test says of them.

Their test (in the script that makes the tables of their repository) swaps the scores of two losses at random, image
by image and seed by seed, 10,000 times, and counts how often the difference of means exceeds the size of the one found:
all images of all seeds as if each were a sample of its own, in one direction, with no correction for many pairs.
``python -m benchmarks.published_pairs FOLDER GROUPS`` puts the table where docs/statistics.md has it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from seglossbench.analysis.arrays import cubes_of
from seglossbench.analysis.cubes import Cubes
from seglossbench.analysis.inputs import check_scores
from seglossbench.analysis.own_tables import read_cases
from seglossbench.analysis.sensitivity import subgroups
from seglossbench.analysis.words import difference
from seglossbench.data.published import read_topomortar

DOCUMENT = Path("docs/statistics.md")
MARKS = "<!-- pairs, by benchmarks/published_pairs.py -->", "<!-- end of pairs -->"
PARTS = ("in distribution", "out of it")
SWAPS = 10_000
AT_ONCE = 1000


def by_swaps(differences: NDArray[np.float64], random: np.random.Generator) -> float:
    """The p-value of the authors' test of differences of image and seed, of any shape."""
    flat = differences.ravel() / differences.size
    found = abs(flat.sum())
    larger = 0
    for _ in range(SWAPS // AT_ONCE):
        signs = random.integers(0, 2, (AT_ONCE, flat.size), dtype=np.int8) * 2 - 1
        larger += int((signs @ flat > found).sum())
    return larger / SWAPS


def pairs(folder: Path, groups: Path) -> pd.DataFrame:
    """``subgroups`` of the DSC, with ``p_swaps`` of the authors' test, in and out of the training's distribution."""
    cubes = cubes_of(check_scores(read_topomortar(folder, "topomortar")))
    of_case = {
        ("topomortar", case): PARTS[group != "indistr"]
        for case, group in read_cases(groups)[["case", "group"]].itertuples(index=False, name=None)
    }
    table = subgroups(cubes, "DSC", {"group": of_case})
    return table.assign(p_swaps=[_swaps(cubes, of_case, row) for row in table.to_dict("records")])


def in_markdown(table: pd.DataFrame) -> str:
    """A row per pair: the difference with its interval, and both tests, in bold where they tell the pair apart."""
    head = ["losses", *(cell for part in PARTS for cell in (f"{part}: difference", "ours", "theirs"))]
    lines = [head, ["---"] * len(head)]
    for (a, b), rows in table.groupby(["a", "b"], sort=False):
        cells = [f"{a} − {b}"]
        for part in PARTS:
            row = rows[rows["part"] == part].iloc[0]
            cells.append(difference(row["estimate"], row["lo"], row["hi"], "raw"))
            cells += [_p(row["p_adjusted"]), _p(row["p_swaps"])]
        lines.append(cells)
    told = ["**told apart**"]
    for part in PARTS:
        own = table[table["part"] == part]
        told += ["", *(f"{int((own[p] < 0.05).sum())} of {len(own)}" for p in ("p_adjusted", "p_swaps"))]
    return "\n".join(f"| {' | '.join(line)} |" for line in [*lines, told])


def _swaps(cubes: Cubes, of_case: dict[tuple[str, str], str], row: Mapping[Any, Any]) -> float:
    (cube,) = cubes.of("topomortar", "DSC")
    kept = [of_case["topomortar", case] == row["part"] for case in cube.cases]
    a, b = (cube.scores[cube.losses.index(str(row[side]))][:, kept, 0] for side in "ab")
    return by_swaps(a - b, np.random.default_rng(0))


def _p(value: float) -> str:
    text = "<0.001" if value < 0.001 else f"{value:.3f}"
    return f"**{text}**" if value < 0.05 else text


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("groups", type=click.Path(path_type=Path))
def main(folder: Path, groups: Path) -> None:
    """FOLDER has LOSS/SEED.csv, such as supervised/accurate/large; GROUPS is dataset_types.txt."""
    text = DOCUMENT.read_text(encoding="utf-8")
    where = re.compile(f"{re.escape(MARKS[0])}.*?{re.escape(MARKS[1])}", re.DOTALL)
    made = in_markdown(pairs(folder, groups))
    DOCUMENT.write_text(where.sub(lambda _: f"{MARKS[0]}\n{made}\n{MARKS[1]}", text), encoding="utf-8")
    click.echo(made)


if __name__ == "__main__":
    main()
