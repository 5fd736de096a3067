"""Networks of the architectures in ARCHITECTURES; MONAI's come from MONAI.

A new one of ours needs a module here and a line in ARCHITECTURES, one of the user's the decorator ``register(NAME)``;
params.yaml then names it as ``architecture``. It is a function or a class of (spatial_dims, in_channels, out_channels,
*, option=default, ...) and takes
(N, channels, *patch) and gives logits (N, classes, *patch); in training it may give a list of them, finest first, for
deep supervision. An option called ``patch_size`` gets the size of the training's patches.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from seglossbench.errors import InputError
from seglossbench.params.networks import PATCH_SIZE, typed_network
from seglossbench.randomness import seed_of
from seglossbench.registry import ARCHITECTURES

__all__ = ["ARCHITECTURES", "build", "coarser_scales", "register"]

register = ARCHITECTURES.register


def build(
    name: str,
    settings: Mapping[str, Any],
    *,
    patch_size: Sequence[int],
    in_channels: int,
    out_channels: int,
    seed: int,
) -> nn.Module:
    """The network that params call ``name``, with weights that depend on its name and ``seed`` alone.

    Raises InputError for an unknown architecture or option. Global random state is left as it was.
    """
    options = typed_network(name, settings)
    architecture = options.pop("architecture", name)
    if PATCH_SIZE in ARCHITECTURES.signature(architecture).parameters:
        options[PATCH_SIZE] = tuple(patch_size)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of("weights", name, seed))
        try:
            network: nn.Module = ARCHITECTURES.load(architecture)(
                len(patch_size), in_channels, out_channels, **options
            )
        except (TypeError, ValueError, AssertionError) as error:
            raise InputError(f"networks.{name}: {' '.join(str(error).split())}") from None
    return network


def coarser_scales(
    make: Callable[[], nn.Module], in_channels: int, patch_size: Sequence[int]
) -> tuple[tuple[int, ...], ...]:
    """The shapes (*spatial) of the outputs below the full one that a network gives in training, finest first.

    Found by a pass on torch's meta device, which computes nothing, so that maps at these scales can be made with the
    first batch. ``make`` makes the network, anew each time. Global random state is left as it was.
    """
    shape = (2, in_channels, *patch_size)  # two samples, for batch norm over one voxel needs them
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        try:
            outputs = make().to("meta")(torch.empty(shape, device="meta"))
        except (RuntimeError, NotImplementedError):  # a network that looks at numbers
            outputs = make()(torch.zeros(shape))
    return () if isinstance(outputs, torch.Tensor) else tuple(tuple(scale.shape[2:]) for scale in outputs[1:])
