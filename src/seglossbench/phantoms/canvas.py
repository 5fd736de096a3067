"""A scan under construction: solids painted over one another, with partial volume at their edges."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from seglossbench.phantoms.fields import Field, Grid

Intensities = Sequence[float] | npt.NDArray[np.floating[Any]]  # one per channel


class Canvas:
    """Images (channel, X, Y, Z) and the label map (X, Y, Z) that belongs to them."""

    def __init__(self, grid: Grid, background: Intensities) -> None:
        self.edge_mm = float(np.mean(grid.spacing_mm))
        self.images = np.empty((len(background), *grid.shape), np.float32)
        self.images[:] = np.array(background, np.float32).reshape(-1, 1, 1, 1)
        self.labels: npt.NDArray[np.uint8] = np.zeros(grid.shape, np.uint8)

    def paint(self, depth_mm: Field, intensities: Intensities, label: int = 0) -> None:
        """Paint the solid that is ``depth_mm`` (X, Y, Z) deep, one intensity per channel.

        A voxel takes the intensity by the share of it that the solid fills, and the label if that exceeds half.
        """
        filled = np.clip(depth_mm / self.edge_mm + 0.5, 0, 1)
        for image, intensity in zip(self.images, intensities, strict=True):
            image += filled * (intensity - image)
        # A labelled structure thinner than a voxel keeps the voxel that it fills most: small, but never absent.
        enough = min(0.5, 0.999 * float(filled.max())) if label else 0.5
        self.labels[filled > enough] = label
