"""Maps by their definition, voxel by voxel, to compare the fast ones with."""

import itertools

import numpy as np


def voxels(labels):
    return itertools.product(*map(range, labels.shape))


def distance_to(mask, spacing):
    """Distance from every voxel to the nearest one of the mask; infinite if it is empty."""
    others = np.argwhere(mask)
    result = np.full(mask.shape, np.inf)
    if len(others):
        for voxel in voxels(mask):
            result[voxel] = np.sqrt((((others - voxel) * spacing) ** 2).sum(1).min())
    return result


def inside_distance(labels, spacing):
    result = np.zeros(labels.shape)
    for index in np.unique(labels):
        result = np.where(labels == index, distance_to(labels != index, spacing), result)
    return np.where(np.isinf(result), 1, result)


def contour_of_class(labels, index, kernel):
    """The class's mask without its erosion by a box; voxels outside the volume are not of the class."""
    offsets = range(-(kernel // 2), kernel - kernel // 2)
    result = np.zeros(labels.shape, np.uint8)
    for voxel in voxels(labels):
        box = [tuple(np.add(voxel, step)) for step in itertools.product(offsets, repeat=labels.ndim)]
        inside = [all(0 <= i < size for i, size in zip(place, labels.shape, strict=True)) for place in box]
        same = all(ok and labels[place] == index for ok, place in zip(inside, box, strict=True))
        result[voxel] = labels[voxel] == index and not same
    return result
