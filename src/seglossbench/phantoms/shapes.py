"""Solids that know how deep in them a point lies."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from seglossbench.phantoms.fields import Field

Point = tuple[float, float, float]
Knot = tuple[float, float, float, float]


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid along the axes."""

    centre_mm: Point
    radii_mm: Point

    def depth_mm(self, position_mm: Field) -> Field:
        """Distance to the surface (first order), positive inside; (3, X, Y, Z) -> (X, Y, Z)."""
        # not 0 at the centre
        square, square_gradient = np.float32(1e-8), np.float32(1e-8 / max(self.radii_mm) ** 2)
        for axis, centre, radius in zip(position_mm, self.centre_mm, self.radii_mm, strict=True):
            part = ((axis - centre) / radius) ** 2
            square, square_gradient = square + part, square_gradient + part / radius**2
        relative_radius = np.sqrt(square)
        depth: Field = relative_radius * (1 - relative_radius) / np.sqrt(square_gradient)
        return depth

    def moved(self, shift_mm: Point, scale: float) -> "Ellipsoid":
        """The same solid, shifted, and scaled about its own centre."""
        (x, y, z), (dx, dy, dz), (a, b, c) = self.centre_mm, shift_mm, self.radii_mm
        return Ellipsoid((x + dx, y + dy, z + dz), (a * scale, b * scale, c * scale))


@dataclass(frozen=True)
class Tube:
    """A tube along a polyline of knots (x, y, z, radius); the radius changes linearly between them."""

    knots_mm: tuple[Knot, ...]

    def depth_mm(self, position_mm: Field) -> Field:
        """Distance to the surface, positive inside; (3, X, Y, Z) -> (X, Y, Z)."""
        x, y, z = position_mm
        depth: Field = np.full(x.shape, -np.inf, np.float32)
        for (px, py, pz, p_radius), (qx, qy, qz, q_radius) in pairwise(self.knots_mm):
            ax, ay, az = qx - px, qy - py, qz - pz
            share = ((x - px) * ax + (y - py) * ay + (z - pz) * az) / (ax**2 + ay**2 + az**2)
            share = np.clip(share, 0, 1)
            square = (x - px - share * ax) ** 2 + (y - py - share * ay) ** 2 + (z - pz - share * az) ** 2
            np.maximum(depth, p_radius + share * (q_radius - p_radius) - np.sqrt(square), out=depth)
        return depth

    def moved(self, shift_mm: Point, scale: float) -> "Tube":
        """The same tube, shifted, and thickened by ``scale``."""
        dx, dy, dz = shift_mm
        return Tube(tuple((x + dx, y + dy, z + dz, radius * scale) for x, y, z, radius in self.knots_mm))


Solid = Ellipsoid | Tube


def union_depth_mm(solids: Iterable[Solid], position_mm: Field) -> Field:
    """Depth in the union of ``solids``."""
    depth: Field = np.maximum.reduce([solid.depth_mm(position_mm) for solid in solids])
    return depth
