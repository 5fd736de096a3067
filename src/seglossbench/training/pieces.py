"""The parts of cases from which patches are drawn: a case as a whole, or each of its slabs as if it were a case."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seglossbench.data.prepared import PreparedCase
from seglossbench.params.training import SlabParams


@dataclass(frozen=True)
class Piece:
    """A box of a case: its first voxel and its shape. What lies outside of it does not exist for a patch of it."""

    case: PreparedCase
    first: NDArray[np.integer]
    shape: tuple[int, ...]

    @property
    def foreground(self) -> list[NDArray[np.integer]]:
        """Of each foreground class that has some here, the drawn voxels (V, dims), counted from the first voxel."""
        classes = self.case.foreground
        if self.shape == self.case.shape:
            return list(classes)
        inside = []
        for voxels in classes:
            places = voxels.astype(int) - self.first
            inside.append(places[((places >= 0) & (places < self.shape)).all(axis=1)])
        return [voxels for voxels in inside if len(voxels)]


def pieces_of(cases: Sequence[PreparedCase], slabs: SlabParams | None) -> list[Piece]:
    """All cases, or all slabs of all cases in their order."""
    return [piece for case in cases for piece in _pieces(case, slabs)]


def _pieces(case: PreparedCase, slabs: SlabParams | None) -> Iterator[Piece]:
    origin = np.zeros(len(case.shape), int)
    if slabs is None:
        yield Piece(case, origin, case.shape)
        return
    size = case.shape[slabs.axis]
    for start in slab_starts(size, slabs):
        first = origin.copy()
        first[slabs.axis] = start
        shape = list(case.shape)
        shape[slabs.axis] = min(slabs.slices, size)
        yield Piece(case, first, tuple(shape))


def slab_starts(size: int, slabs: SlabParams) -> list[int]:
    """Where the slabs of a case of so many slices begin: one after the other, and the last one at the case's end."""
    last = max(0, size - slabs.slices)
    return [*range(0, last, slabs.slices - slabs.overlap), last]
