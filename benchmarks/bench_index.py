"""How long it takes to know and divide the cases of the largest dataset, BraTS 2021, which are many small folders."""

import tempfile
from pathlib import Path

from benchmarks.bench_scoring import row, seconds
from seglossbench.data.layouts import index_cases
from seglossbench.data.splits import split_cases
from seglossbench.params import DatasetParams

CASES = 1251


def write_tree(root: Path) -> None:
    """Empty files in the layout of BraTS 2021."""
    for number in range(CASES):
        patient = root / f"BraTS2021_{number:05d}"
        patient.mkdir()
        for part in ("flair", "t1", "t1ce", "t2", "seg"):
            (patient / f"{patient.name}_{part}.nii.gz").touch()


def run() -> list[dict[str, object]]:
    """Index and split of 1,251 cases, the layout found out."""
    with tempfile.TemporaryDirectory() as folder:
        write_tree(Path(folder))
        assert len(index_cases(Path(folder)).cases) == CASES
        index_s = seconds(lambda: index_cases(Path(folder)), repeats=5)
        cases = index_cases(Path(folder)).cases
        settings = DatasetParams(split="k_fold")
        split_s = seconds(lambda: split_cases(cases, settings, "brats"), repeats=5)
    work = f"{CASES} BraTS cases, {5 * CASES} files"
    return [
        row("index of a dataset", work, index_s, "a limit of 2 s", 2.0, 1),
        row("split of a dataset", work, split_s, "a limit of 2 s", 2.0, 1),
    ]


if __name__ == "__main__":
    for figures in run():
        print(figures)
