"""Training patches with their maps against MONAI's CacheDataset, which holds all cases in memory in float32."""

import sys
import tempfile
import warnings
from collections import deque
from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
import torch

from benchmarks.bench_data import BRATS, prepared_cases
from benchmarks.bench_scoring import row, seconds
from seglossbench.data.prepared import PreparedCase
from seglossbench.maps import caching, store
from seglossbench.params import AugmentationParams, MapsParams, TrainParams
from seglossbench.training.batches import PatchBatches

PATCH, BATCH, CLASSES = (96, 96, 96), 2, 5
MAPS = ("contour", "rectified")
RIVALS = {"MONAI's CacheDataset, no maps": (), "MONAI's CacheDataset, maps too": MAPS}
BATCHES = 20  # per measurement
WORK = f"{BATCHES} batches of {BATCH} x 4 x {'x'.join(map(str, PATCH))}, flipped; one thread"


def ours(cases: list[PreparedCase], stored: dict[str, store.StoredMaps]) -> Callable[[], object]:
    """Batches from the arrays on disk, each patch from a case of its own draw."""
    settings = TrainParams(
        epochs=1,
        steps_per_epoch=BATCHES,
        batch_size=BATCH,
        patch_size=PATCH,
        augmentation=AugmentationParams(preset="flip"),
    )
    batches = PatchBatches(cases, stored, MAPS, CLASSES, settings, MapsParams(), dataset="x", seed=0)
    assert batches.batch(0, 0).truth.rectified.shape == (BATCH, *PATCH)
    epochs = count()
    return lambda: deque(batches.epoch(next(epochs)), maxlen=0)


def monai(
    cases: list[PreparedCase], stored: dict[str, store.StoredMaps], maps: tuple[str, ...]
) -> Callable[[], object]:
    """MONAI's fastest arrangement: where each class lies is cached too, and a batch is two crops of one case."""
    from monai.data import CacheDataset, DataLoader
    from monai.transforms import Compose, EnsureTyped, FgBgToIndicesd, RandCropByPosNegLabeld, RandFlipd

    keys = ["image", "label", *maps]
    crop = RandCropByPosNegLabeld(
        keys,
        label_key="label",
        spatial_size=PATCH,
        pos=1,
        neg=2,
        num_samples=BATCH,
        fg_indices_key="label_fg_indices",
        bg_indices_key="label_bg_indices",
    )
    flips = [RandFlipd(keys, prob=0.5, spatial_axis=axis) for axis in range(3)]
    data = []
    for case in cases:
        whole = tuple(map(slice, case.labels.shape))
        cropped = stored[case.name].crop(whole, case.labels, maps)
        labels = {"label": case.labels[None].copy()}
        data.append(
            {"image": case.image.astype(np.float32)} | labels | {k: v[None] for k, v in cropped.items()}
        )
    cached = CacheDataset(
        data * (BATCHES // len(data)),
        Compose([EnsureTyped(keys), FgBgToIndicesd("label"), crop, *flips]),
        progress=False,
    )
    loader = DataLoader(cached, batch_size=1, shuffle=True)  # in this process, as ours
    assert next(iter(loader))["image"].shape == (BATCH, 4, *PATCH)
    return lambda: deque(loader, maxlen=0)


def run() -> list[dict[str, object]]:
    """Our batches with maps against MONAI's without and with them; none where there are no scans to read."""
    if not BRATS.is_dir():
        print("no ../shared/realdata: nothing measured", file=sys.stderr)
        return []
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = prepared_cases(Path(folder))
        stored = {}
        for case in cases:
            place = Path(folder) / "maps" / case.name
            caching.write(place, case.labels, caching.MapSettings())
            stored[case.name] = store.StoredMaps(place)
        ours_s = seconds(ours(cases, stored), 5)
        peers = {what: seconds(monai(cases, stored, maps), 3) for what, maps in RIVALS.items()}
    torch.set_num_threads(threads)
    return [row("patches with maps", WORK, ours_s, rival, rival_s, 2) for rival, rival_s in peers.items()]


if __name__ == "__main__":
    for figures in run():
        print(figures)
