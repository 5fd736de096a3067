"""Networks by name. ``NETWORKS`` maps an architecture's name to a function that builds it; MONAI's come from MONAI.

A new one needs a module here and an entry in ``NETWORKS``; params.yaml then names it as ``architecture``. It takes
(N, channels, *patch) and gives logits (N, classes, *patch); in training it may give a list of them, finest first, for
deep supervision. An option called ``patch_size`` gets the size of the training's patches.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from seglossbench.errors import InputError, nearest
from seglossbench.networks import from_monai
from seglossbench.randomness import seed_of

NETWORKS: dict[str, Callable[..., nn.Module]] = {
    "UNet": from_monai.unet,
    "AttentionUnet": from_monai.attention_unet,
    "VNet": from_monai.vnet,
    "DynUNet": from_monai.dynunet,
    "SegResNet": from_monai.segresnet,
    "SegResNetDS": from_monai.segresnet_ds,
    "UNETR": from_monai.unetr,
    "SwinUNETR": from_monai.swin_unetr,
}


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
    options = dict(settings)
    architecture = str(options.pop("architecture", name))
    if architecture not in NETWORKS:
        raise InputError(
            f"networks.{name}.architecture: unknown architecture {architecture!r}; "
            + nearest(architecture, tuple(NETWORKS))
        )
    factory = NETWORKS[architecture]
    known = {
        parameter.name
        for parameter in inspect.signature(factory).parameters.values()
        if parameter.kind is parameter.KEYWORD_ONLY
    }
    for option in options:
        if option not in known - {"patch_size"}:
            raise InputError(f"networks.{name}.{option}: unknown option; {nearest(option, sorted(known))}")
    if "patch_size" in known:
        options["patch_size"] = tuple(patch_size)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of("weights", name, seed))
        try:
            return factory(len(patch_size), in_channels, out_channels, **options)
        except (TypeError, ValueError, AssertionError) as error:
            raise InputError(f"networks.{name}: {' '.join(str(error).split())}") from None
