"""Networks of the architectures in ARCHITECTURES; MONAI's come from MONAI.

A new one of ours needs a module here and a line in ARCHITECTURES, one of the user's the decorator ``register(NAME)``;
params.yaml then names it as ``architecture``. It is a function or a class of (spatial_dims, in_channels, out_channels,
*, option=default, ...) and takes
(N, channels, *patch) and gives logits (N, classes, *patch); in training it may give a list of them, finest first, for
deep supervision. An option called ``patch_size`` gets the size of the training's patches.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from seglossbench.errors import InputError
from seglossbench.params.networks import PATCH_SIZE, typed_network
from seglossbench.randomness import seed_of
from seglossbench.registry import ARCHITECTURES

__all__ = ["ARCHITECTURES", "build", "register"]

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
