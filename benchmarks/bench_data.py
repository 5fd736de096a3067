"""Reading and preparing a BraTS case against the same chain of MONAI's transforms; needs ../shared/realdata."""

import subprocess
import sys
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from benchmarks.bench_scoring import row, seconds
from seglossbench.data.cases import CaseIndex
from seglossbench.data.layouts import index_cases
from seglossbench.data.preparation.preprocessing import preprocess_case, preprocess_dataset
from seglossbench.data.preparation.presets import recipe
from seglossbench.data.prepared import PreparedCase, PreparedDataset
from seglossbench.params import DatasetParams, PreprocessParams

BRATS = Path(__file__).parents[2] / "shared" / "realdata" / "brats20"
SETTINGS = recipe(PreprocessParams(), "brats", "MRI")
CASES_EACH = 4
WORK = "4 x 240x240x155 .nii.gz: read, turn, crop, z-score"


def brats() -> CaseIndex:
    return index_cases(BRATS, DatasetParams(layout="brats"))


def prepare(times: int = 1) -> np.ndarray:
    index = brats()
    for _ in range(times):
        image = preprocess_case(index.cases[0], index.label_values, len(index.channels), SETTINGS)[0]
    return image


def prepared_cases(folder: Path) -> list[PreparedCase]:
    """The real cases prepared into a folder, as a training reads them."""
    preprocess_dataset(brats(), PreprocessParams(), folder / "brats", "brats", raw=BRATS, known=folder)
    return list(PreparedDataset(folder / "brats").cases.values())


def monai_chain() -> Callable[[], np.ndarray]:
    from monai.transforms import (
        Compose,
        ConcatItemsd,
        CropForegroundd,
        EnsureChannelFirstd,
        LoadImaged,
        NormalizeIntensityd,
        Orientationd,
    )

    index = brats()
    channels = list(index.channels)
    chain = Compose(
        [
            LoadImaged([*channels, "labels"]),
            EnsureChannelFirstd([*channels, "labels"]),
            Orientationd([*channels, "labels"], axcodes="RAS", labels=None),
            ConcatItemsd(channels, "image"),
            CropForegroundd(["image", "labels"], source_key="image", select_fn=lambda x: x != 0),
            NormalizeIntensityd("image", nonzero=True, channel_wise=True),
        ]
    )
    case = index.cases[0]
    files = dict(zip(channels, map(str, case.images), strict=True)) | {"labels": str(case.labels)}
    return lambda: chain(files)["image"].numpy()


def peak_mb_of_a_worker() -> float:
    """Of a process of its own, above what its imports take."""
    # VmHWM and not ru_maxrss, which starts at the peak of the process that called.
    code = (
        "import re, pathlib; from benchmarks.bench_data import prepare, preprocess_case\n"
        "peak = lambda: int(re.search(r'VmHWM:\\s*(\\d+)', pathlib.Path('/proc/self/status').read_text())[1])\n"
        "before = peak(); prepare(); print((peak() - before) / 1024)"
    )
    return float(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    )


def wall_seconds(processes: int) -> float:
    """Of CASES_EACH cases in each of so many processes, started and imported before."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        list(pool.map(prepare, [1] * processes * 2))
        return seconds(lambda: list(pool.map(prepare, [CASES_EACH] * processes)), 5)


def run() -> list[dict[str, object]]:
    """The figures, after the results were found equal; none where there are no scans to read."""
    if not BRATS.is_dir():
        print("no ../shared/realdata: nothing measured", file=sys.stderr)
        return []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        monai = monai_chain()
        np.testing.assert_allclose(prepare(), monai(), atol=4e-3)  # ours is float16
        ours_s, monai_s = seconds(prepare, 5), seconds(monai, 3)
    one, two = wall_seconds(1), wall_seconds(2)
    raw_mb = 4 * 240 * 240 * 155 * 4 / 1e6
    return [
        row("preparing a case", WORK, ours_s, "MONAI's dictionary transforms", monai_s, 2.5),
        row("preparing in 2 processes", "cases per second", two / 2, "one process", one, 1.8),
        row(
            "preparing: peak memory in MB",
            WORK,
            peak_mb_of_a_worker(),
            "2.5 x a raw case in float32",
            2.5 * raw_mb,
            1,
        ),
    ]


if __name__ == "__main__":
    for figures in run():
        print(figures)
