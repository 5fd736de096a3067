"""A fabricated experiment, as large and as untidy as a real one, whose every number is made up."""

import numpy as np
import pandas as pd

from seglossbench.data.facts import CaseFacts
from seglossbench.data.splits import Split
from seglossbench.reporting.page import Dataset, Facts, Run

ORGANS = (
    "spleen", "right kidney", "left kidney", "gall bladder", "esophagus", "liver", "stomach", "aorta", "postcava",
    "pancreas", "right adrenal", "left adrenal", "duodenum", "bladder", "prostate/uterus", "vessel_&_100%",
)  # fmt: skip
TUMOUR = ("necrosis", "edema", "enhancing")
LOSSES = ("ce", "dice", "ce_dice", "cwcd", "boundary_dice_gradual", "rrw", "rrw_ce")
NETWORKS = ("unet", "dynunet")
EPOCHS = 30
AMOS_CASES = tuple(f"amos_{number:04d}" for number in range(1, 20))
SPLIT = Split(AMOS_CASES[:12], AMOS_CASES[12:15], AMOS_CASES[15:], "official: as the authors say")
FAILED = ("amos_phantom", "dynunet", "rrw", "1")
ALL_FAILED = ("amos_phantom", "dynunet", "boundary_dice_gradual")


def scores_of(dataset, classes, losses, networks, seeds, cases, absent=(), sometimes=()):
    random = np.random.default_rng(7)
    rows = []
    for network in networks:
        for order, loss in enumerate(losses):
            for seed in seeds:
                run = (dataset, network, loss, seed)
                if run == FAILED or run[:3] == ALL_FAILED:
                    continue
                shift = random.normal(0, 0.015)
                for case in cases:
                    for size, name in enumerate(classes):
                        key = (*run, case, name)
                        diagonal = 110.85
                        if name in absent or (name, case) in sometimes:
                            alarm = random.random() < 0.4
                            status = "truth_empty" if alarm else "both_empty"
                            rows += [
                                (*key, "DSC", "0.0" if alarm else ""),
                                (*key, "HD95", f"{diagonal}" if alarm else ""),
                            ]
                            rows += [(*key, "status", status)]
                        elif random.random() < 0.02 + 0.05 * ("adrenal" in name):
                            rows += [(*key, "DSC", "0.0"), (*key, "HD95", f"{diagonal}")]
                            rows += [(*key, "status", "prediction_empty")]
                        else:
                            dsc = 0.9 - 0.025 * size + 0.012 * order + shift + random.normal(0, 0.04)
                            dsc = float(np.clip(dsc, 0.02, 0.98))
                            rows += [(*key, "DSC", f"{dsc:.5f}"), (*key, "HD95", f"{(1 - dsc) * 30:.4f}")]
    return rows


def scores():
    rows = scores_of(
        "amos_phantom", ORGANS, LOSSES, NETWORKS, ("0", "1"), [f"amos_{n:04d}" for n in (3, 8, 507, 510)],
        sometimes=[(name, case) for name in ORGANS[13:15] for case in ("amos_0507", "amos_0510")],
    )  # fmt: skip
    rows += scores_of(
        "brats20", TUMOUR, LOSSES[:5], ("unet",), ("0",), ["BraTS20_Training_002"], absent=("enhancing",)
    )
    columns = ["dataset", "network", "loss", "seed", "case", "class", "metric", "value"]
    return pd.DataFrame(rows, columns=columns, dtype=str)


def histories():
    random = np.random.default_rng(3)
    rows = []
    for run in runs():
        if run.state == "NOT_LAUNCHED":
            continue
        order = LOSSES.index(run.loss)
        scale, offset = [(2.5, 0.1), (0.9, 0.1), (3.4, 0.2), (9.0, 0.5), (40, -25), (0.3, -0.1), (2.0, -0.1)][
            order
        ]
        last = 11 if run.state == "FAILED" else EPOCHS
        wobble = 0.07 if "boundary" in run.loss else 0.015
        for epoch in range(last):
            progress = 1 - np.exp(-epoch / (6 + order))
            key = (run.dataset, run.network, run.loss, run.seed, epoch, (epoch + 1) * 10)
            loss = offset + scale * (1 - 0.8 * progress) * (1 + random.normal(0, 0.03))
            rows += [(*key, "train", "loss", loss), (*key, "train", "learning_rate", 1e-3)]
            dsc = 0.75 * progress * (1 + 0.02 * order) + random.normal(0, wobble)
            rows += [(*key, "validation", "DSC", max(0.0, dsc))]
    columns = ["dataset", "network", "loss", "seed", "epoch", "step", "split", "name", "value"]
    return pd.DataFrame(rows, columns=columns)


def runs():
    for network in NETWORKS:
        for loss in LOSSES:
            for seed in ("0", "1"):
                run = ("amos_phantom", network, loss, seed)
                if run == FAILED:
                    yield Run(*run, "FAILED", "loss is nan at step 110")
                elif run[:3] == ALL_FAILED:
                    yield Run(
                        *run,
                        "FAILED" if seed == "0" else "NOT_LAUNCHED",
                        "out of memory" if seed == "0" else "",
                    )
                else:
                    yield Run(*run, "DONE")
    for loss in LOSSES[:5]:
        yield Run("brats20", "unet", loss, "0", "DONE")


def case_facts():
    """Cases of two modalities; the MRI lack the last class, and nobody has the last but one."""
    random = np.random.default_rng(11)
    for number, name in enumerate(AMOS_CASES):
        is_mri = number > 13
        sizes = {organ: 10.0 ** random.normal(4 - 0.1 * row, 0.2) for row, organ in enumerate(ORGANS)}
        sizes |= {ORGANS[-2]: 0.0} | ({ORGANS[-1]: 0.0} if is_mri else {})
        shape = (512, 512, 72) if is_mri else (640, 640, 100 + number)
        yield CaseFacts(name, name, "train", "MRI" if is_mri else "CT", shape, (0.7, 0.7, 2 + is_mri), sizes)


def facts():
    return Facts(
        experiment="fabricated",
        runs=tuple(runs()),
        datasets=(
            Dataset("amos_phantom", 12, 3, 4, ORGANS, phantom=True, split=SPLIT, cases=tuple(case_facts())),
            Dataset("brats20", 1, 0, 1, TUMOUR, skipped=("BraTS20_Training_355: no mask",)),
        ),
        hd95="pooled",
        empty_policy="diagonal",
        versions={"seglossbench": "0.1.0", "torch": "2.13.0"},
        links={"MLflow": "http://127.0.0.1:5000"},
    )
