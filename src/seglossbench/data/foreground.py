"""Some voxels of every class of a case, drawn when it is prepared: patches that must show foreground are centred there.

Drawn once, because a look through the labels of all cases would take a job on AMOS more than a minute to start.
"""

import numpy as np
from numpy.typing import NDArray

from seglossbench.randomness import stream

VOXELS_PER_CLASS = 2000


def draw_foreground(labels: NDArray[np.uint8], case: str) -> NDArray[np.uint16]:
    """Up to 2,000 voxels (V, dims) of each foreground class in ``labels`` (*spatial), class after class."""
    generator = stream("foreground", case)
    flat = labels.ravel()
    foreground = np.flatnonzero(flat)
    classes = flat[foreground]
    drawn = [foreground[:0]]
    for index in np.flatnonzero(np.bincount(classes)):
        voxels = foreground[classes == index]
        if len(voxels) > VOXELS_PER_CLASS:
            voxels = generator.choice(voxels, VOXELS_PER_CLASS, replace=False)
        drawn.append(voxels)
    return np.stack(np.unravel_index(np.concatenate(drawn), labels.shape), axis=1).astype(np.uint16)


def per_class(voxels: NDArray[np.uint16], voxels_per_class: tuple[int, ...]) -> list[NDArray[np.uint16]]:
    """The drawn voxels of each foreground class that a case has."""
    drawn = [min(count, VOXELS_PER_CLASS) for count in voxels_per_class[1:] if count]
    return np.split(voxels, np.cumsum(drawn)[:-1]) if drawn else []
