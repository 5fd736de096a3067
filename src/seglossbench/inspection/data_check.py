"""What is wrong with a raw dataset and what its cases are like, written to files."""

from pathlib import Path

import pandas as pd

from seglossbench.data.cases import Problem
from seglossbench.data.checking import check_dataset
from seglossbench.data.layouts import index_cases
from seglossbench.data.patients import in_words
from seglossbench.drawing.figure import save
from seglossbench.files import atomic_file
from seglossbench.inspection.data_figure import data_figure
from seglossbench.inspection.data_tables import case_table
from seglossbench.params import DatasetParams


def write_check(
    name: str, raw: Path, settings: DatasetParams, out: Path, processes: int
) -> tuple[list[Problem], str]:
    """Read every case of a raw folder; returns what is wrong with it, and the outcome in one line.

    Writes into ``out``: ``NAME.csv``, a row per case, ``NAME.png`` and ``NAME.pdf`` of it, ``NAME_problems.csv``.
    """
    index = index_cases(raw, settings, gather_problems=True)
    problems, facts = check_dataset(index, processes, f"check {name}")
    out.mkdir(parents=True, exist_ok=True)
    if facts:
        save(data_figure(facts), out / name)
    wrong = pd.DataFrame(map(vars, problems), columns=["case", "kind", "file", "detail"])
    for file, table in ((f"{name}.csv", case_table(facts)), (f"{name}_problems.csv", wrong)):
        with atomic_file(out / file) as temporary:
            table.to_csv(temporary, index=False, float_format="%.6g")
    cases = {case.name for case in index.cases} | {problem.case for problem in problems}
    patients = in_words(index.cases, index.patients_by)
    if not problems:
        classes = ", ".join(list(index.label_values)[1:])
        return [], (
            f"{name}: all is well with {len(cases)} cases in the layout {index.layout}, of "
            f"{', '.join(index.channels)}, with {classes}; {patients}; what they are like: {out / name}.png and .csv"
        )
    kinds = ", ".join(f"{count} {kind}" for kind, count in wrong["kind"].value_counts().items())
    bad = wrong["case"].nunique()
    return problems, (
        f"{name}: {bad} of {len(cases)} cases are bad: {kinds}; {patients}; all of them in {out / name}_problems.csv"
    )
