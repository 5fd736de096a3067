"""The training loop against the bare network, a plain MONAI script and nnU-Net v2, on this machine's CPU.

nnU-Net needs ``pip install -c constraints.txt '.[bench]'``; without it, its figure is left out and said so.
"""

import copy
import importlib.util
import io
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from benchmarks import bench_scoring
from benchmarks.bench_scoring import row
from seglossbench import losses, networks
from seglossbench.data.foreground import draw_foreground, per_class
from seglossbench.data.geometry import Geometry
from seglossbench.data.prepared import PreparedCase
from seglossbench.evaluation import score_case
from seglossbench.params import MapsParams, PredictParams, TrainParams
from seglossbench.training.batches import Batch, PatchBatches
from seglossbench.training.device import Accelerator, channels_last
from seglossbench.training.loop import Training, train

CLASSES = 4
SMALL: dict[str, Any] = {
    "architecture": "UNet",
    "channels": [16, 32, 64, 128],
    "strides": [2, 2, 2],
    "num_res_units": 0,
}
LOSS = "ce_dice"
CPU = torch.device("cpu")
# 250 steps of 2 patches; AMOS has 240 cases to train and validate on
EPOCH_PATCHES, VALIDATION_CASES = 500, 20


def settings_of(patch: Sequence[int], steps: int, batch: int = 1, **changes: Any) -> TrainParams:
    defaults: dict[str, Any] = {"optimiser": {"name": "AdamW"}, "augmentation": {"preset": "none"}}
    return TrainParams(
        epochs=1, steps_per_epoch=steps, batch_size=batch, patch_size=tuple(patch), **(defaults | changes)
    )


def small(patch: Sequence[int], channels: int = 1) -> nn.Module:
    return networks.build(
        "small", SMALL, patch_size=patch, in_channels=channels, out_channels=CLASSES, seed=0
    )


def volume(shape: Sequence[int], seed: int) -> tuple[Any, Any]:
    """An image (1, *shape) and its labels: boxes of three classes in noise."""
    rng = np.random.default_rng(seed)
    labels = np.zeros(shape, np.uint8)
    for label in range(1, CLASSES):
        start = [int(rng.integers(0, size // 2)) for size in shape]
        labels[tuple(slice(first, first + size // 4) for first, size in zip(start, shape, strict=True))] = (
            label
        )
    return (labels + rng.normal(0, 1, shape))[None].astype(np.float16), labels


class CaseInMemory(PreparedCase):
    """What a training reads of a prepared case."""

    image = labels = foreground = None  # type: ignore[assignment]  # in place of what is read from a folder


def case(name: str, image: Any, labels: Any) -> PreparedCase:
    axes = labels.ndim
    found = CaseInMemory(
        name=name,
        folder=Path(),
        modality="MRI",
        official=None,
        patient=name,
        truth=Path(),
        shape=labels.shape,
        geometry=Geometry(labels.shape, (), (), (), (1.0,) * axes),
        voxels_per_class=tuple(np.bincount(labels.ravel(), minlength=CLASSES).tolist()),
    )
    foreground = per_class(draw_foreground(labels, name), found.voxels_per_class)
    found.__dict__.update(image=image, labels=labels, foreground=foreground)
    return found


def epoch_seconds(network: nn.Module, batches: Any, settings: TrainParams) -> float:
    """One epoch of our loop, with its history and its checkpoint on disk, without validation."""
    training = Training(
        network=network,
        loss=losses.build(LOSS),
        batches=batches,
        validation=[],
        classes=tuple("abcd"),
        settings=settings,
        predict=PredictParams(),
        device=CPU,
    )
    with tempfile.TemporaryDirectory() as folder, redirect_stderr(io.StringIO()):
        start = time.perf_counter()
        train(training, Path(folder), lambda rows: None)
        return time.perf_counter() - start


def bare_seconds(network: nn.Module, batches: Sequence[Batch], settings: TrainParams) -> float:
    """Forward, backward and optimiser step of the same batches, and nothing else."""
    loss = losses.build(LOSS)
    optimiser = torch.optim.AdamW(network.parameters(), settings.optimiser.learning_rate)
    accelerator = Accelerator(CPU, settings)  # the same memory format, so that only the loop is compared
    network = accelerator.prepare(network).train()
    loaded = [accelerator.load(batch) for batch in batches]
    start = time.perf_counter()
    for batch in loaded:
        optimiser.zero_grad()
        torch.autograd.backward(loss(network(batch.image), batch.truth))
        optimiser.step()
    return time.perf_counter() - start


def side_by_side(ours: Callable[[], float], theirs: Callable[[], float], repeats: int) -> tuple[float, float]:
    """The shortest time of each, measured in turn, so that a busy moment of the machine hits both."""
    pairs = [(ours(), theirs()) for _ in range(repeats + 1)][1:]
    return min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)


def sampler_of(cases: Sequence[PreparedCase], settings: TrainParams) -> PatchBatches:
    return PatchBatches(cases, {}, (), CLASSES, settings, MapsParams(), dataset="bench", seed=0)


def loop_overhead(patch: Sequence[int], steps: int, batch: int) -> dict[str, object]:
    settings = settings_of(patch, steps, batch)
    image, labels = volume(patch, 0)
    sampler = sampler_of([case("a", image, labels)], settings)
    batches = [sampler.batch(0, step) for step in range(steps)]
    loaded = SimpleNamespace(batch=lambda epoch, step: batches[step], dataset="bench", seed=0)
    ours, bare = side_by_side(
        lambda: epoch_seconds(small(patch), loaded, settings),
        lambda: bare_seconds(small(patch), batches, settings),
        repeats=3,
    )
    work = f"UNet small, {steps} steps of {batch} x {'x'.join(map(str, patch))}"
    return row("an epoch of the loop", work, ours, "1.05 x the bare steps", 1.05 * bare, 1)


def against_monai(patch: Sequence[int], steps: int, batch: int) -> list[dict[str, object]]:
    """A script as in MONAI's tutorials: CacheDataset, crops by label, flips, DiceCELoss."""
    from monai.data import CacheDataset, DataLoader
    from monai.losses import DiceCELoss
    from monai.networks.nets import UNet
    from monai.transforms import Compose, EnsureTyped, RandCropByPosNegLabeld, RandFlipd

    volumes = [volume((128, 128, 128), seed) for seed in range(batch)]
    keys = ["image", "label"]
    transforms: list[Any] = [
        EnsureTyped(keys, dtype=torch.float32),
        RandCropByPosNegLabeld(keys, "label", patch, pos=1, neg=2, num_samples=1),
        *(RandFlipd(keys, prob=0.5, spatial_axis=axis) for axis in range(3)),
    ]
    items = [{"image": image, "label": labels[None]} for image, labels in volumes]
    dataset = CacheDataset(items, Compose(transforms), progress=False)
    loader = DataLoader(dataset, batch_size=batch, shuffle=True, num_workers=0)
    criterion = DiceCELoss(to_onehot_y=True, softmax=True)

    def script() -> float:
        network = UNet(3, 1, CLASSES, SMALL["channels"], SMALL["strides"])
        optimiser = torch.optim.AdamW(network.parameters(), 1e-3)
        start = time.perf_counter()
        for _ in range(steps):  # an epoch over the cases is one step
            for item in loader:
                optimiser.zero_grad()
                criterion(network(item["image"]), item["label"]).backward()
                optimiser.step()
        return time.perf_counter() - start

    work = f"UNet small, {steps} steps of {batch} x {'x'.join(map(str, patch))}"
    figures = []
    for precision in ("float32", "bf16"):
        settings = settings_of(patch, steps, batch, augmentation={"preset": "flip"}, precision=precision)
        sampler = sampler_of([case(str(i), *pair) for i, pair in enumerate(volumes)], settings)
        ours, theirs = side_by_side(
            lambda sampler=sampler, settings=settings: epoch_seconds(  # type: ignore[misc]  # has no types
                small(patch), sampler, settings
            ),
            script,
            repeats=2,
        )
        what, rival = f"patches per second, {precision}", "a MONAI script with CacheDataset"
        figures.append(row(what, work, ours, rival, theirs, 1.1))
    return figures


def against_nnunet(patch: Sequence[int], steps: int, batch: int) -> list[dict[str, object]]:
    """nnU-Net's own trainer, data loader, augmentation and network, whose network ours then trains as well."""
    if importlib.util.find_spec("nnunetv2") is None:
        print("nnunetv2 is not installed: pip install -c constraints.txt '.[bench]'", file=sys.stderr)
        return []
    volumes = [volume((96, 96, 96), seed) for seed in range(4)]
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(io.StringIO()):
        trainer = nnunet_trainer(Path(folder), volumes, patch, batch)

        def theirs() -> float:
            trainer.network.train()
            start = time.perf_counter()
            for _ in range(steps):
                trainer.train_step(next(trainer.dataloader_train))
            return time.perf_counter() - start

        figures = []
        for precision in ("float32", "bf16"):
            settings = settings_of(
                patch,
                steps,
                batch,
                augmentation={"preset": "nnunet"},
                optimiser={"name": "SGD", "learning_rate": 0.01},
                precision=precision,
            )
            sampler = sampler_of([case(str(i), *pair) for i, pair in enumerate(volumes)], settings)
            network = copy.deepcopy(trainer.network)
            ours_s, theirs_s = side_by_side(
                lambda network=network, sampler=sampler, settings=settings: epoch_seconds(  # type: ignore[misc]  # has no types
                    network, sampler, settings
                ),
                theirs,
                repeats=2,
            )
            work = f"PlainConvUNet, {steps} steps of {batch} x {'x'.join(map(str, patch))}, augmented"
            figures.append(row(f"patches per second, {precision}", work, ours_s, "nnU-Net v2", theirs_s, 1.3))
    return figures


def nnunet_trainer(folder: Path, volumes: Sequence[Any], patch: Sequence[int], batch: int) -> Any:
    """An initialised nnUNetTrainer on prepared cases, without processes beside it."""
    for name in ("raw", "preprocessed", "results"):
        os.environ[f"nnUNet_{name}"] = str(folder / name)
    os.environ |= {"nnUNet_n_proc_DA": "0", "nnUNet_compile": "false"}
    from nnunetv2.training.dataloading.nnunet_dataset import nnUNetDatasetBlosc2
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    prepared = folder / "preprocessed" / "Dataset001_Bench"
    cases = prepared / "nnUNetPlans_3d_fullres"
    cases.mkdir(parents=True)
    for index, (image, labels) in enumerate(volumes):
        places = {label: np.argwhere(labels[None] == label)[:2000] for label in range(1, CLASSES)}
        nnUNetDatasetBlosc2.save_case(
            image.astype(np.float32),
            labels[None].astype(np.int8),
            {"class_locations": places},
            str(cases / f"case{index}"),
        )
    stages = len(SMALL["channels"])
    network = {
        "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
        "arch_kwargs": {
            "n_stages": stages,
            "features_per_stage": [16, 32, 64, 128],
            "conv_op": "torch.nn.modules.conv.Conv3d",
            "kernel_sizes": [[3, 3, 3]] * stages,
            "strides": [[1, 1, 1]] + [[2, 2, 2]] * (stages - 1),
            "n_conv_per_stage": [2] * stages,
            "n_conv_per_stage_decoder": [2] * (stages - 1),
            "conv_bias": True,
            "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
            "norm_op_kwargs": {"eps": 1e-05, "affine": True},
            "dropout_op": None,
            "dropout_op_kwargs": None,
            "nonlin": "torch.nn.LeakyReLU",
            "nonlin_kwargs": {"inplace": True},
        },
        "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
    }
    configuration = {
        "data_identifier": "nnUNetPlans_3d_fullres",
        "preprocessor_name": "DefaultPreprocessor",
        "batch_size": batch,
        "patch_size": list(patch),
        "spacing": [1.0, 1.0, 1.0],
        "normalization_schemes": ["ZScoreNormalization"],
        "use_mask_for_norm": [False],
        "architecture": network,
        "batch_dice": False,
    }
    plans = {
        "dataset_name": "Dataset001_Bench",
        "plans_name": "nnUNetPlans",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "configurations": {"3d_fullres": configuration},
        "continue_training": False,
    }
    described = {
        "channel_names": {"0": "MRI"},
        "labels": {"background": 0} | {f"class{label}": label for label in range(1, CLASSES)},
        "numTraining": len(volumes),
        "file_ending": ".nii.gz",
    }
    trainer = nnUNetTrainer(plans, "3d_fullres", "all", described, device=CPU)
    trainer.initialize()
    trainer.dataloader_train, _ = trainer.get_dataloaders()
    return trainer


def validation_share(patches_per_second: float) -> list[dict[str, object]]:
    """What scoring all validation cases of AMOS takes of an epoch of 250 steps with the small network."""
    truth, prediction = bench_scoring.organs()
    epoch_s = EPOCH_PATCHES / patches_per_second
    figures = []
    for metrics in (("DSC",), ("DSC", "HD95", "NSD@1mm")):
        case_s = bench_scoring.seconds(
            lambda metrics=metrics: score_case(  # type: ignore[misc]  # has no types
                truth, prediction, bench_scoring.SPACING_MM, classes=bench_scoring.ORGANS, metrics=metrics
            ),
            repeats=2,
        )
        work = (
            f"{', '.join(metrics)} of {VALIDATION_CASES} cases, 15 classes, {'x'.join(map(str, truth.shape))}"
        )
        figures.append(
            row("scoring a validation", work, VALIDATION_CASES * case_s, "10 % of an epoch", 0.1 * epoch_s, 1)
        )
    return figures


def formats_and_precisions(patch: Sequence[int], batch: int) -> list[dict[str, object]]:
    """A step with channels last and in bf16 against plain float32; all gain or loss of them on this CPU."""
    settings = settings_of(patch, 1, batch)
    image, labels = volume(patch, 0)
    loss, made = losses.build(LOSS), sampler_of([case("a", image, labels)], settings).batch(0, 0)

    def step_of(network: nn.Module, last: bool, precision: str) -> Callable[[], float]:
        accelerator = Accelerator(CPU, settings_of(patch, 1, batch, precision=precision))
        network = channels_last(network) if last else network
        image = channels_last(made.image) if last else made.image

        def step() -> float:
            start = time.perf_counter()
            with accelerator.autocast():
                logits = network(image)
            torch.autograd.backward(loss(logits, made.truth))
            return time.perf_counter() - start

        return step

    figures = []
    for name, options in (("UNet small", SMALL), ("DynUNet", {"filters": [16, 32, 64, 128]})):
        network = networks.build(
            "DynUNet" if name == "DynUNet" else "small",
            options,
            patch_size=patch,
            in_channels=1,
            out_channels=CLASSES,
            seed=0,
        )
        work = f"{name}, a step of {batch} x {'x'.join(map(str, patch))}"
        last, plain = side_by_side(
            step_of(network, True, "float32"), step_of(network, False, "float32"), repeats=3
        )
        figures.append(row("channels last, the default", work, last, "channels first", plain, 1))
        half, last = side_by_side(
            step_of(network, True, "bf16"), step_of(network, True, "float32"), repeats=3
        )
        figures.append(row("train.precision: bf16", work, half, "float32, the default", last, 1))
    return figures


def run() -> list[dict[str, object]]:
    """All figures of the training; ``met`` says whether the ratio reaches the target."""
    overhead = loop_overhead((96, 96, 96), steps=12, batch=1)
    patches_per_second = 12 / cast(float, overhead["ours_s"])
    return [
        overhead,
        loop_overhead((256, 256), steps=40, batch=4),
        *against_monai((96, 96, 96), steps=8, batch=2),
        *against_nnunet((64, 64, 64), steps=6, batch=2),
        *validation_share(patches_per_second),
        *formats_and_precisions((64, 64, 64), batch=2),
    ]


if __name__ == "__main__":
    for figures in run():
        print(figures)
