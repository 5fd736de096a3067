"""One run from its settings: the network, the loss and the data that they name, put together for a training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import nn

from seglossbench import losses, networks, plugins
from seglossbench.data.prepared import PreparedCase, PreparedDataset
from seglossbench.data.splits import Split
from seglossbench.experiment import RunSettings
from seglossbench.maps import MADE_ON_DEVICE
from seglossbench.maps.store import StoredMaps, read_index
from seglossbench.randomness import seed_of
from seglossbench.training.batches import PatchBatches
from seglossbench.training.device import limit_threads
from seglossbench.training.group import ALONE, Group, together
from seglossbench.training.loop import Observer, Trained, Training, train


def training_of(
    settings: RunSettings,
    prepared: PreparedDataset,
    split: Split,
    stored_maps: Mapping[str, StoredMaps],
    device: torch.device,
    group: Group = ALONE,
) -> Training:
    """The training that the settings describe, on prepared cases and the maps that are stored of them."""

    def network() -> nn.Module:
        return network_of(settings, prepared, settings.seed)

    def cases(names: Sequence[str]) -> list[PreparedCase]:
        return [prepared.cases[name] for name in names]

    per_case = [case.voxels_per_class for case in cases(split.train)]
    loss = losses.build(
        settings.terms, voxels_per_class=[sum(of_class) for of_class in zip(*per_case, strict=True)]
    )
    # What the labels' own device can make, no worker need make and send with every batch.
    left_to_device = frozenset() if stored_maps or device.type == "cpu" else MADE_ON_DEVICE
    return Training(
        network=network(),
        loss=loss,
        batches=PatchBatches(
            cases(split.train),
            stored_maps,
            loss.maps - left_to_device,
            len(prepared.classes),
            settings.train,
            settings.maps,
            dataset=settings.dataset,
            seed=settings.seed,
            scales=networks.coarser_scales(network, len(prepared.channels), settings.train.patch_size),
        ),
        validation=cases(split.validation),
        classes=prepared.classes,
        settings=settings.train,
        predict=settings.predict,
        device=device,
        test=cases(split.test) if settings.train.test_every else (),
        empty=settings.empty,
        hd95=settings.hd95,
        group=group,
        new_weights=lambda: network_of(settings, prepared, seed_of("restart", settings.seed)),
    )


@dataclass(frozen=True)
class Prepared:
    """Where a run's data lie, and which of them train: all that makes its training again in another process."""

    settings: RunSettings
    cases: Path
    split: Split
    maps: Path

    def training(self, device: torch.device, group: Group) -> Training:
        """The training on a device, as one of a group."""
        stored = read_index(self.maps)
        return training_of(self.settings, PreparedDataset(self.cases), self.split, stored, device, group)


def train_over(
    devices: Sequence[torch.device], prepared: Prepared, folder: Path, observe: Observer, title: str
) -> Trained:
    """Train a run over all of the devices, as ``loop.train`` does on one of them."""
    with together(devices, partial(_follow, prepared, folder)) as group:
        return train(prepared.training(devices[0], group), folder, observe, title=title)


def _follow(prepared: Prepared, folder: Path, group: Group, device: torch.device) -> None:
    """What every process but the first does."""
    plugins.use(prepared.settings.plugins)
    limit_threads(prepared.settings.train.threads)
    train(prepared.training(device, group), folder, lambda rows: None)


def network_of(settings: RunSettings, prepared: PreparedDataset, seed: int) -> nn.Module:
    """The network for the channels and classes of a dataset, with the weights of that seed."""
    return networks.build(
        settings.network,
        {"architecture": settings.architecture, **settings.options},
        patch_size=settings.train.patch_size,
        in_channels=len(prepared.channels),
        out_channels=len(prepared.classes),
        seed=seed,
    )
