"""torch's layers by the number of spatial dimensions, and normalisations by name."""

from torch import nn

from seglossbench.errors import nearest

CONVOLUTION: dict[int, type[nn.Conv2d] | type[nn.Conv3d]] = {2: nn.Conv2d, 3: nn.Conv3d}
TRANSPOSED: dict[int, type[nn.ConvTranspose2d] | type[nn.ConvTranspose3d]] = {
    2: nn.ConvTranspose2d,
    3: nn.ConvTranspose3d,
}
NORMALISATIONS: dict[str, dict[int, type[nn.Module]]] = {
    "instance": {2: nn.InstanceNorm2d, 3: nn.InstanceNorm3d},
    "batch": {2: nn.BatchNorm2d, 3: nn.BatchNorm3d},
}


def normalisation(name: str, dims: int, channels: int) -> nn.Module:
    """The normalisation of that name with torch's defaults; raises ValueError that lists the known ones."""
    if name not in NORMALISATIONS:
        raise ValueError(f"unknown norm {name!r}; {nearest(name, list(NORMALISATIONS))}")
    return NORMALISATIONS[name][dims](channels)
